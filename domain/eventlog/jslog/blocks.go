package jslog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"

	"till/domain/eventlog"
)

// How a server keeps a message in a block file (nats-server 2.2 and later, without
// compression and encryption): length, sequence, time, length of the subject; then
// subject, length of the headers, headers, body; then a HighwayHash, keyed by the
// block, over all but the lengths.
const (
	recordHead = 4 + 8 + 8 + 2
	recordHash = highwayhash.Size64
	withHeader = 1 << 31 // in the record's length
	maxRecord  = 32 << 20
)

// worthwhile is how many events must be missing for the block files to be read:
// the newest block, which the server still writes, holds about as many.
const worthwhile = 8192

// blocks are the files in which a server in this process keeps the stream. To read
// a history from them costs a fifth of what the server takes to send it. They are
// a short way only: what is not exactly as expected ends it, and the server is
// asked from there on.
type blocks struct {
	dir string // empty for a server elsewhere
}

// block is one file: its number is part of the key of its records.
type block struct {
	path   string
	number int
}

// closed are the blocks that the server writes no more, oldest first.
func (b blocks) closed() []block {
	paths, err := filepath.Glob(filepath.Join(b.dir, "*.blk"))
	if err != nil {
		return nil
	}
	all := make([]block, 0, len(paths))
	for _, path := range paths {
		number, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".blk"))
		if err != nil {
			return nil
		}
		all = append(all, block{path, number})
	}
	slices.SortFunc(all, func(a, b block) int { return a.number - b.number })
	return all[:max(len(all), 1)-1]
}

// first is the sequence that a block begins with, 0 if it cannot be read.
func (b block) first() uint64 {
	f, err := os.Open(b.path)
	if err != nil {
		return 0
	}
	defer f.Close()
	var head [recordHead]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(head[4:])
}

// read yields the events behind a sequence and up to another, in order and without
// a hole, as far as the closed blocks hold them whole.
func (b blocks) read(ctx context.Context, after, to uint64, most int) iter.Seq[[]eventlog.Envelope] {
	return func(yield func([]eventlog.Envelope) bool) {
		if b.dir == "" || to < after+worthwhile {
			return
		}
		files := b.closed()
		// The last block that begins at or before the event that is wanted first.
		files = files[max(sort.Search(len(files), func(i int) bool { return files[i].first() > after+1 }), 1)-1:]
		var d decoder
		var data []byte
		for _, file := range files {
			var err error
			if data, err = contents(file.path, data); err != nil {
				return
			}
			batch := make([]eventlog.Envelope, 0, most)
			whole := true
			for r := range file.records(data) {
				switch {
				case r.sequence <= after:
					continue
				case r.sequence != after+1 || r.sequence > to || ctx.Err() != nil:
					whole = false
				default:
					e, err := d.record(r)
					if whole = err == nil; whole {
						batch, after = append(batch, e), r.sequence
					}
				}
				if !whole {
					break
				}
				if len(batch) == most {
					if !yield(batch) {
						return
					}
					batch = make([]eventlog.Envelope, 0, most)
				}
			}
			if len(batch) > 0 && !yield(batch) || !whole {
				return
			}
		}
	}
}

// contents reads a file into the buffer, or a larger one.
func contents(path string, buffer []byte) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := bytes.NewBuffer(buffer[:0])
	if info, err := f.Stat(); err == nil {
		w.Grow(int(info.Size()) + bytes.MinRead)
	}
	_, err = w.ReadFrom(f)
	return w.Bytes(), err
}

// record is a message as it stands in a block, whose buffer it points into.
type record struct {
	sequence              uint64
	subject, header, body []byte
}

// records yields the messages of a block up to the first that is not whole.
func (b block) records(data []byte) iter.Seq[record] {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", streamName, b.number))
	digest, err := highwayhash.New64(key[:])
	return func(yield func(record) bool) {
		for ok := err == nil; ok; {
			var r record
			if r, data, ok = cut(data, digest); ok {
				ok = yield(r)
			}
		}
	}
}

// cut takes the next record off the data; ok is whether it is whole.
func cut(data []byte, digest hash.Hash64) (r record, rest []byte, ok bool) {
	if len(data) < recordHead+recordHash {
		return r, nil, false
	}
	le := binary.LittleEndian
	length, subject := le.Uint32(data), int(le.Uint16(data[20:]))
	headed := length&withHeader != 0
	length &^= withHeader
	if !headed || length > maxRecord || int(length) > len(data) || int(length) < recordHead+subject+4+recordHash {
		return r, nil, false
	}
	head, text, sum := data[:recordHead], data[recordHead:length-recordHash], data[length-recordHash:length]
	r.sequence, r.subject = le.Uint64(head[4:]), text[:subject]
	header := le.Uint32(text[subject:])
	text = text[subject+4:]
	if uint64(header) > uint64(len(text)) {
		return r, nil, false
	}
	r.header, r.body = text[:header], text[header:]
	digest.Reset()
	for _, part := range [][]byte{head[4:20], r.subject, text} {
		digest.Write(part) // a hash takes everything
	}
	return r, data[length:], bytes.Equal(digest.Sum(nil), sum)
}

// record decodes a message. What it returns holds no piece of the block.
func (d *decoder) record(r record) (eventlog.Envelope, error) {
	var f fields
	if !f.parse(string(r.header)) {
		return eventlog.Envelope{}, eventlog.ErrDamaged
	}
	return d.envelope(string(r.subject), r.sequence, &f, bytes.Clone(r.body))
}

// parse reads a block of headers. It returns false for one that the client library
// may read otherwise.
func (f *fields) parse(text string) bool {
	text, ok := strings.CutPrefix(text, "NATS/1.0\r\n")
	for ok && text != "\r\n" {
		var line, name, value string
		if line, text, ok = strings.Cut(text, "\r\n"); !ok {
			return false
		}
		if name, value, ok = strings.Cut(line, ": "); !ok || value == "" || value[0] == ' ' || value[0] == '\t' || strings.IndexByte(line, '\n') >= 0 {
			return false
		}
		if i, known := fieldOf[name]; known {
			if f[i] != "" {
				return false
			}
			f[i] = value
		}
	}
	return ok
}
