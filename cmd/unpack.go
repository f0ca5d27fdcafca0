package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"till/domain/eventlog"
	"till/domain/eventlog/archive"
	"till/domain/eventlog/jslog"
)

// zstdMagic begins a compressed file.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// window bounds what unpacking a file may take of memory.
const window = 64 << 20

// unpack reads a file from its beginning, compressed or not.
func unpack(f io.ReadSeeker) (io.Reader, func(), error) {
	var begin [4]byte
	_, err := f.Seek(0, io.SeekStart)
	if err == nil {
		_, err = io.ReadFull(f, begin[:])
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	if !bytes.Equal(begin[:], zstdMagic) {
		return f, func() {}, nil
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(1<<62))
	if err != nil {
		return nil, nil, err
	}
	return unpacked{z}, z.Close, nil
}

// unpacked words what goes wrong when a damaged file is unpacked.
type unpacked struct{ z *zstd.Decoder }

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.z.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w (%w)", archive.ErrAltered, err)
	}
	return n, err
}

// contents is what an archive was found to hold.
type contents struct {
	head    archive.Head
	entries map[string]int // by the bucket
	secret  []byte         // if it is in there
}

// examine reads a whole archive and returns what is in it, or what is wrong with
// it: every line, every event, and the checksum. known says whether this till
// knows an event; nil leaves that out, for events that have just been written.
func examine(ctx context.Context, f io.ReadSeeker, known func(eventlog.Envelope) error, progress func(done, total int)) (contents, error) {
	c := contents{entries: map[string]int{}}
	err := each(ctx, f, &c.head, known, func(e archive.Entry) error {
		c.entries[e.In]++
		return c.look(e)
	}, func(e eventlog.Envelope) error {
		if e.Position%1000 == 0 || e.Position == c.head.Events {
			progress(int(e.Position), int(c.head.Events))
		}
		return nil
	})
	return c, err
}

// look refuses an entry that belongs nowhere.
func (c *contents) look(e archive.Entry) error {
	if _, ok := bucketLives[e.In]; ok {
		return eventlog.CheckEntry(e.Key, e.Value)
	}
	switch {
	case e.In == reactorsIn && c.entries[e.In] <= maxReactors:
		_, err := readReactor(e, c.head.Events)
		return err
	case e.In == filesIn && e.Key == secretName && len(e.Value) >= secretSize && secretCheck(e.Value) == c.head.Check:
		c.secret = e.Value
		return nil
	case e.In == filesIn && slices.Contains(archived, e.Key):
		return nil
	}
	return fmt.Errorf("%w: this till has no place for the %s %q", archive.ErrLine, short(e.In, 20), short(e.Key, 40))
}

// maxReactors bounds how many reactors a backup knows of.
const maxReactors = 1000

// readReactor reads how far a reactor had come, which is not beyond the end.
func readReactor(e archive.Entry, end eventlog.Position) (jslog.Reached, error) {
	name, topic, ok := strings.Cut(e.Key, "/")
	at, err := strconv.ParseUint(string(e.Value), 10, 64)
	if !ok || err != nil || eventlog.Position(at) > end {
		return jslog.Reached{}, fmt.Errorf("%w: the place of the reactor %q", archive.ErrLine, short(e.Key, 40))
	}
	return jslog.Reached{Name: name, Topic: topic, At: eventlog.Position(at)}, nil
}

// knows is whether a registry has the event's type and version and can read it.
func knows(types *eventlog.Types) func(eventlog.Envelope) error {
	return func(e eventlog.Envelope) error {
		_, err := types.Decode(e)
		return err
	}
}

// errBrokenOff: whoever started it wants it no more.
var errBrokenOff = errors.New("broken off")

// each goes through an archive once.
func each(ctx context.Context, f io.ReadSeeker, head *archive.Head, known func(eventlog.Envelope) error, entry func(archive.Entry) error, event func(eventlog.Envelope) error) error {
	in, done, err := unpack(f)
	if err != nil {
		return err
	}
	defer done()
	r, err := archive.NewReader(in, known)
	if err != nil {
		return err
	}
	*head = r.Head()
	for item, err := range r.Items() {
		switch {
		case err != nil:
		case ctx.Err() != nil:
			err = errBrokenOff
		case item.Entry != nil:
			err = r.At(entry(*item.Entry))
		default:
			err = event(*item.Event)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openFile opens a file to be read twice.
func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is no file; it is read twice, so a pipe or a folder will not do", path), err, f.Close())
	}
	return f, nil
}
