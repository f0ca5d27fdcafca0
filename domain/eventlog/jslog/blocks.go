package jslog

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"till/domain/eventlog"
)

// worthwhile is how many events must be missing for the block files to be read:
// the newest block, which the server still writes, holds about as many.
const worthwhile = 8192

// blocks are the files in which a server in this process keeps the stream. To read
// a history from them costs a third of what the server takes to send it, and one
// event of many blocks a hundredth: the server loads 8 MB for it. They are a short
// way only: what is not exactly as expected ends it, and the server is asked.
type blocks struct {
	dir string // empty for a server elsewhere
}

// block is one file: its number is part of the key of its records.
type block struct {
	path   string
	number int
}

// all are the blocks, oldest first. The server still writes the last one.
func (b blocks) all() []block {
	if b.dir == "" {
		return nil
	}
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
	return all
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
		if to < after+worthwhile {
			return
		}
		files := b.all()
		files = files[:max(len(files), 1)-1]
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

// get finds one event in the closed blocks. It goes by the shares that the events
// have in their block on the average, and looks around there.
func (b blocks) get(files []block, at uint64) (e eventlog.Envelope, ok bool) {
	i := sort.Search(len(files), func(i int) bool { return files[i].first() > at })
	if i == 0 || i == len(files) {
		return e, false // in the newest, which the server writes
	}
	var d decoder
	r, ok := files[i-1].find(at, files[i].first())
	if ok {
		var err error
		e, err = d.record(r)
		ok = err == nil
	}
	return e, ok
}

// around is how much of a block is read first to find one event.
const around = 64 << 10

// find finds a message in the block; next is the sequence behind its last.
func (b block) find(sequence, next uint64) (r record, ok bool) {
	f, err := os.Open(b.path)
	if err != nil {
		return r, false
	}
	defer f.Close()
	info, err := f.Stat()
	first := b.first()
	if err != nil || sequence < first || sequence >= next {
		return r, false
	}
	digest, size := b.digest(), info.Size()
	guess := int64(float64(size) * float64(sequence-first) / float64(next-first))
	wanted := binary.LittleEndian.AppendUint64(nil, sequence)
	for width := int64(around); ; width *= 16 {
		from := max(guess-width/2, 0)
		data := make([]byte, min(width, size-from))
		if _, err := f.ReadAt(data, from); err != nil {
			return r, false
		}
		for i := 0; ; i++ {
			next := bytes.Index(data[i:], wanted)
			if next < 0 {
				break
			}
			// What looks like the sequence may be anything: the checksum tells.
			if i += next; i < 4 {
				continue
			}
			if r, _, ok = cut(data[i-4:], digest); ok && r.sequence == sequence {
				return r, true
			}
		}
		if width >= 2*size {
			return r, false
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
