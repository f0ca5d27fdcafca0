package jslog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
)

// The headers of an event. They are part of the stored history: a name, once
// written, stays.
const (
	headType        = "Till-Type"
	headVersion     = "Till-Version"
	headNumber      = "Till-Number"
	headCommand     = "Till-Command"
	headFingerprint = "Till-Fingerprint"
	headActorKind   = "Till-Actor-Kind"
	headUser        = "Till-User"
	headClient      = "Till-Client"
	headGrant       = "Till-Grant"
	headCorrelation = "Till-Correlation"
	headCausation   = "Till-Causation"
	headTime        = "Till-Time"
)

// fields are the values of an event's headers, still escaped.
type fields [len(names)]string

const (
	fieldType = iota
	fieldVersion
	fieldNumber
	fieldTime
	fieldCommand
	fieldFingerprint
	fieldActorKind
	fieldUser
	fieldClient
	fieldGrant
	fieldCorrelation
	fieldCausation
)

var names = [...]string{
	fieldType: headType, fieldVersion: headVersion, fieldNumber: headNumber, fieldTime: headTime,
	fieldCommand: headCommand, fieldFingerprint: headFingerprint, fieldActorKind: headActorKind,
	fieldUser: headUser, fieldClient: headClient, fieldGrant: headGrant,
	fieldCorrelation: headCorrelation, fieldCausation: headCausation,
}

var fieldOf = func() map[string]int {
	m := map[string]int{}
	for i, name := range names {
		m[name] = i
	}
	return m
}()

// encodeHeaders writes the envelope but for its stream, position and data. An
// empty text has no header.
func encodeHeaders(e *eventlog.Envelope) nats.Header {
	h := make(nats.Header, 16)
	// One array backs all values: a header is a slice of strings, and twelve
	// small slices would be twelve allocations.
	values := make([]string, 0, 16)
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	text := func(name, value string) {
		if value != "" {
			set(name, escapeHeader(value))
		}
	}
	text(headType, e.Type)
	set(headVersion, strconv.Itoa(e.Version))
	set(headNumber, strconv.FormatUint(e.Number, 10))
	text(headCommand, e.Command)
	text(headFingerprint, e.Fingerprint)
	text(headActorKind, string(e.Actor.Kind))
	text(headUser, e.Actor.User)
	text(headClient, e.Actor.Client)
	text(headGrant, e.Actor.Grant)
	text(headCorrelation, e.Correlation)
	text(headCausation, e.Causation)
	set(headTime, e.Time.UTC().Format(time.RFC3339Nano))
	return h
}

// decoder turns messages into envelopes. It keeps the few words that occur
// again and again, so that a million events do not hold a million copies.
type decoder struct {
	words map[string]string
}

// maxWords bounds what a decoder keeps; a shop has some dozens of types.
const maxWords = 1024

func (d *decoder) word(s string) string {
	if w, ok := d.words[s]; ok {
		return w
	}
	if d.words == nil {
		d.words = map[string]string{}
	}
	s = strings.Clone(s)
	if len(d.words) < maxWords {
		d.words[s] = s
	}
	return s
}

// decode reads an envelope. What cannot be read is ErrDamaged: it was written
// whole, and is never skipped.
func (d *decoder) decode(subject string, at uint64, h nats.Header, data []byte) (eventlog.Envelope, error) {
	var f fields
	for i, name := range names {
		if v := h[name]; len(v) > 0 {
			f[i] = v[0]
		}
	}
	return d.envelope(subject, at, &f, data)
}

// envelope reads an envelope from its fields.
func (d *decoder) envelope(subject string, at uint64, f *fields, data []byte) (eventlog.Envelope, error) {
	e := eventlog.Envelope{Position: eventlog.Position(at), Data: data}
	stream, err := streamOf(subject)
	if err != nil {
		return e, err
	}
	e.Stream = eventlog.Stream{Category: d.word(stream.Category), ID: stream.ID}
	broken := func(name string) (eventlog.Envelope, error) {
		return e, fmt.Errorf("%w: the header %s of event %d (%s) cannot be read", eventlog.ErrDamaged, name, at, e.Stream)
	}
	for i := range f {
		f[i] = unescapeHeader(f[i])
	}
	if e.Type = d.word(f[fieldType]); e.Type == "" {
		return broken(headType)
	}
	if e.Version, err = strconv.Atoi(f[fieldVersion]); err != nil || e.Version < 1 {
		return broken(headVersion)
	}
	if e.Number, err = strconv.ParseUint(f[fieldNumber], 10, 64); err != nil || e.Number < 1 {
		return broken(headNumber)
	}
	if e.Time, err = time.Parse(time.RFC3339Nano, f[fieldTime]); err != nil {
		return broken(headTime)
	}
	e.Time = e.Time.UTC()
	e.Command = f[fieldCommand]
	e.Fingerprint = f[fieldFingerprint]
	e.Actor = eventlog.Actor{Kind: eventlog.ActorKind(d.word(f[fieldActorKind])), User: f[fieldUser], Client: f[fieldClient], Grant: f[fieldGrant]}
	e.Correlation = f[fieldCorrelation]
	e.Causation = f[fieldCausation]
	return e, nil
}

// escapeHeader writes a text so that it survives a header: control characters,
// % itself and blanks at the ends become % and two capital hex digits.
func escapeHeader(s string) string {
	clean := s[0] != ' ' && s[len(s)-1] != ' '
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= ' ' && s[i] != '%' && s[i] != 0x7f
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == '%' || c == 0x7f || c == ' ' && (i == 0 || i == len(s)-1) {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapeHeader undoes escapeHeader; what is no escape stands for itself.
func unescapeHeader(s string) string {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s
	}
	b := []byte(s[:i])
	for ; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
			if high >= 0 && low >= 0 {
				b = append(b, byte(high<<4|low))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}
