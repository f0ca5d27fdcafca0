package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"till/domain/eventlog"
)

// Writer writes a file. Close ends it; without that it counts as cut short.
type Writer struct {
	to    io.Writer
	sum   hash.Hash
	head  Head
	order order
}

// NewWriter writes the first line. Events are checked with known as they would
// be when the file is read; nil knows every event.
func NewWriter(to io.Writer, h Head, known func(eventlog.Envelope) error) (*Writer, error) {
	h.Format = Format
	w := &Writer{to: to, sum: sha256.New(), head: h, order: order{known: known}}
	if err := h.check(); err != nil {
		return nil, err
	}
	line, err := encode(h)
	if err != nil {
		return nil, err
	}
	return w, w.write(line)
}

// Entry writes what lies beside the log. All entries come before the events.
func (w *Writer) Entry(e Entry) error {
	if w.head.Kind != Backup || w.order.at > 0 {
		return errors.New("archive: an entry does not belong here")
	}
	if e.Value == nil {
		e.Value = []byte{}
	}
	line, err := encode(e)
	if err == nil {
		err = w.write(line)
	}
	return err
}

// Event writes the next event. One that does not follow on the last is
// eventlog.ErrDamaged: no file is made that looks whole and is not.
func (w *Writer) Event(e eventlog.Envelope) error {
	if err := w.order.take(&e); err != nil {
		return fmt.Errorf("%w: %w", eventlog.ErrDamaged, err)
	}
	line, err := encodeEvent(&e)
	if err == nil {
		err = w.write(line)
	}
	return err
}

// Close writes the last line.
func (w *Writer) Close() error {
	if w.order.at != w.head.Events {
		return fmt.Errorf("%w: it has %d events and not %d", eventlog.ErrDamaged, w.order.at, w.head.Events)
	}
	line, err := encode(tail{hex.EncodeToString(w.sum.Sum(nil))})
	if err == nil {
		_, err = w.to.Write(line)
	}
	return err
}

func (w *Writer) write(line []byte) error {
	if len(line) > maxLine {
		return fmt.Errorf("%w: a line of %d bytes", eventlog.ErrInvalid, len(line))
	}
	w.sum.Write(line)
	_, err := w.to.Write(line)
	return err
}

func (h Head) check() error {
	if h.Kind != Log && h.Kind != Backup || h.Format < 1 {
		return ErrForeign
	}
	if h.Format > Format {
		return ErrNewer
	}
	if h.Epoch == "" || len(h.Epoch) > 100 || h.Kind == Log && (!h.Made.IsZero() || h.Check != "") {
		return ErrLine
	}
	return nil
}

// same is whether the line is what v is written as.
func same(line []byte, v any) bool {
	again, err := encode(v)
	return err == nil && bytes.Equal(line, again)
}
