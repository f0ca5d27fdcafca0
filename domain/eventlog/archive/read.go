package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"till/domain/eventlog"
)

// Reader reads a file. It has been read well only once Items ended without an
// error: the last line tells whether all before it is as it was written.
type Reader struct {
	head  Head
	in    *bufio.Reader
	sum   hash.Hash
	line  int
	order order
}

// Item is an entry or an event.
type Item struct {
	Entry *Entry
	Event *eventlog.Envelope
}

// NewReader reads the first line. It returns ErrForeign, ErrNewer, ErrCut or a
// *Fault. known returns why this program does not know an event, nil knows all.
func NewReader(from io.Reader, known func(eventlog.Envelope) error) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(from, 64<<10), sum: sha256.New(), order: order{known: known}}
	line, err := r.next()
	switch {
	case errors.Is(err, ErrCut) && len(line) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrCut)
	case err == nil, errors.Is(err, ErrCut), errors.Is(err, ErrLine):
	default:
		return nil, err
	}
	if !bytes.HasPrefix(line, []byte(`{"till":`)) {
		return nil, ErrForeign
	}
	if err != nil {
		return nil, r.fault(err)
	}
	// What a newer till adds to the line is not looked at before its format.
	if err := json.Unmarshal(line, &r.head); err != nil {
		return nil, ErrForeign
	}
	if err := r.head.check(); err != nil {
		return nil, r.fault(err)
	}
	if r.sum.Write(line); !same(line, r.head) {
		return nil, r.fault(ErrLine)
	}
	return r, nil
}

// Head is the first line.
func (r *Reader) Head() Head { return r.head }

// Items yields all entries, then all events, and at last an error if there is
// one: ErrCut, ErrAltered, or a *Fault for a line that is wrong. They are
// yielded before the checksum is known.
func (r *Reader) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			item, end, err := r.item()
			if err != nil {
				yield(Item{}, r.fault(err))
				return
			}
			if end || !yield(item, nil) {
				return
			}
		}
	}
}

// At says at which line the reader stood when something else found an error in
// what it yielded; nil stays nil.
func (r *Reader) At(err error) error {
	if err == nil {
		return nil
	}
	return &Fault{r.line, err}
}

// fault says where an error is, unless it is the file's as a whole.
func (r *Reader) fault(err error) error {
	if errors.Is(err, ErrCut) || errors.Is(err, ErrAltered) || errors.Is(err, ErrForeign) || errors.Is(err, ErrNewer) {
		return err
	}
	return &Fault{r.line, err}
}

func (r *Reader) item() (item Item, end bool, err error) {
	line, err := r.next()
	if err != nil {
		return item, false, err
	}
	switch {
	case bytes.HasPrefix(line, []byte(`{"position":`)):
		r.sum.Write(line)
		e, err := r.event(line)
		return Item{Event: &e}, false, err
	case bytes.HasPrefix(line, []byte(`{"in":`)) && r.head.Kind == Backup && r.order.at == 0:
		r.sum.Write(line)
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || !same(line, e) {
			return item, false, ErrLine
		}
		return Item{Entry: &e}, false, nil
	case bytes.HasPrefix(line, []byte(`{"sha256":`)):
		return item, true, r.finish(line)
	}
	return item, false, ErrLine
}

func (r *Reader) event(line []byte) (eventlog.Envelope, error) {
	e, err := decodeEvent(line)
	if err != nil {
		return e, err
	}
	if e.Position > r.head.Events {
		return e, fmt.Errorf("%w: the first line says that there are %d events", ErrLine, r.head.Events)
	}
	if err := r.order.take(&e); err != nil {
		return e, err
	}
	if again, err := encodeEvent(&e); err != nil || !bytes.Equal(line, again) {
		return e, ErrLine
	}
	return e, nil
}

// finish checks the last line, after which nothing may come.
func (r *Reader) finish(line []byte) error {
	var t tail
	switch err := json.Unmarshal(line, &t); {
	case err != nil || !same(line, t):
		return ErrLine
	case t.Sum != hex.EncodeToString(r.sum.Sum(nil)):
		return ErrAltered
	case r.order.at != r.head.Events:
		return fmt.Errorf("%w: it has %d events, the first line says %d", ErrLine, r.order.at, r.head.Events)
	}
	_, err := r.in.ReadByte()
	switch {
	case err == nil:
		r.line++
		return fmt.Errorf("%w: it stands after the end", ErrLine)
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

// next reads a line with its end. The slice holds until the next call.
func (r *Reader) next() ([]byte, error) {
	r.line++
	var long []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if err == nil && long == nil {
			return part, nil
		}
		long = append(long, part...)
		switch {
		case err == nil:
			return long, nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return long, ErrCut
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(long) > maxLine:
			return long, fmt.Errorf("%w: it is longer than any", ErrLine)
		}
	}
}
