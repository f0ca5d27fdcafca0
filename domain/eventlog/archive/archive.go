// Package archive is a shop's history as a file: JSON Lines that a person can
// read, one event a line, between a first line that says what follows and a last
// one with a checksum. It does not know where files are kept, what a log runs
// on, nor what any event means.
//
// A file of kind [Log] holds the events alone. One of kind [Backup] also holds
// what lies beside the log and never stands on it, before the first event.
//
// Every line has exactly one form: what is read and written again is the same
// to the byte.
package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"till/domain/eventlog"
)

// Format is the version of the files that are written. It rises when an older
// till could no longer read them.
const Format = 1

// Kind says what a file holds.
type Kind string

// The kinds of file.
const (
	Log    Kind = "log"
	Backup Kind = "backup"
)

// Head is the first line.
type Head struct {
	Kind   Kind `json:"till"`
	Format int  `json:"format"`
	// Epoch is the log's own: what was folded from it or signed for it goes on.
	Epoch string `json:"epoch"`
	// Events is how many events follow, which is the last one's position.
	Events eventlog.Position `json:"events"`
	// Made is when a backup was made.
	Made time.Time `json:"made,omitzero"`
	// Check knows the secret again that a backup belongs to, without telling it.
	Check string `json:"check,omitempty"`
}

// Entry is a small thing beside the log: a bucket's value, or a file.
type Entry struct {
	// In names the bucket, or what else the key is found in.
	In    string `json:"in"`
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// tail is the last line.
type tail struct {
	// Sum is SHA-256, in hex, over all lines before this one.
	Sum string `json:"sha256"`
}

// maxLine bounds a line: the largest value in base64, or the largest event with
// all its texts escaped.
const maxLine = 1 << 20

var (
	// ErrForeign: the file is none of these.
	ErrForeign = errors.New("this is no export and no backup of till")
	// ErrNewer: the file is in a format that this program does not know.
	ErrNewer = errors.New("it was written by a newer till; use that version")
	// ErrCut: the file ends before its last line.
	ErrCut = errors.New("the file is cut short: its end is missing")
	// ErrAltered: the lines are not those that the checksum was made over.
	ErrAltered = errors.New("the file was altered or damaged: its checksum is not that of its lines")
	// ErrLine: a line that till would not have written so.
	ErrLine = errors.New("not as till writes it")
)

// Fault is what is wrong with a line.
type Fault struct {
	Line int // from 1
	Err  error
}

func (f *Fault) Error() string { return fmt.Sprintf("line %d: %v", f.Line, f.Err) }
func (f *Fault) Unwrap() error { return f.Err }

// encode writes v as a line.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people read it
	err := enc.Encode(v)
	return b.Bytes(), err
}

// eventLine is an event as a line. Data that is no JSON, or not in its shortest
// form, would not come back to the byte as JSON: it stands in Raw.
type eventLine struct {
	eventlog.Envelope
	Data json.RawMessage `json:"data,omitempty"`
	Raw  []byte          `json:"raw,omitempty"`
}

func encodeEvent(e *eventlog.Envelope) ([]byte, error) {
	l := eventLine{Envelope: *e, Data: e.Data}
	l.Time = e.Time.UTC()
	line, err := encode(l)
	if err == nil && (len(e.Data) == 0 || asItIs(line, e.Data)) {
		return line, nil
	}
	l.Data, l.Raw = nil, e.Data
	return encode(l)
}

// asItIs is whether the line ends with the data, byte for byte.
func asItIs(line, data []byte) bool {
	rest, ok := bytes.CutSuffix(line, []byte("}\n"))
	if !ok || !bytes.HasSuffix(rest, data) {
		return false
	}
	return bytes.HasSuffix(rest[:len(rest)-len(data)], []byte(`,"data":`))
}

func decodeEvent(line []byte) (eventlog.Envelope, error) {
	var l eventLine
	if err := json.Unmarshal(line, &l); err != nil {
		return eventlog.Envelope{}, fmt.Errorf("%w: %w", ErrLine, err)
	}
	e := l.Envelope
	switch {
	case l.Data != nil:
		e.Data = l.Data
	case l.Raw != nil:
		e.Data = l.Raw
	default:
		e.Data = json.RawMessage{}
	}
	return e, nil
}
