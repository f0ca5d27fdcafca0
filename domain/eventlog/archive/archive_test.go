package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"till/domain/eventlog"
	"till/domain/eventlog/archive"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// texts and data that some encoding might stumble over.
var (
	texts = []string{"", "a", "<b>&amp;</b>", "line\nbreak", "\u2028", "süß 猫", `"\`, "%20", strings.Repeat("x", 200)}
	data  = []string{"", "{}", `{"a":1}`, `{"a": 1}`, "{\"a\":\n1}", `"<&>"`, "\"\u2028\"", `"\u003c"`, "not json", "\xff\x00", `"` + "\xff" + `"`, "null", `{"data":{}}`, " {}", "1e400", strings.Repeat("[", 20000)}
)

func drawHistory(t *rapid.T) []eventlog.Envelope {
	text := rapid.SampledFrom(texts)
	var events []eventlog.Envelope
	numbers := map[eventlog.Stream]uint64{}
	for i := range rapid.IntRange(0, 12).Draw(t, "events") {
		s := eventlog.Stream{Category: "cart", ID: "u" + rapid.SampledFrom([]string{"", "1", "a/b", "猫", "<"}).Draw(t, "stream")}
		numbers[s]++
		events = append(events, eventlog.Envelope{
			Position: eventlog.Position(i + 1), Stream: s, Number: numbers[s], Type: "t" + text.Draw(t, "type"), Version: rapid.IntRange(1, 3).Draw(t, "version"),
			Meta: eventlog.Meta{
				Command: text.Draw(t, "command"), Fingerprint: text.Draw(t, "fingerprint"),
				Actor:       eventlog.Actor{Kind: eventlog.Agent, User: text.Draw(t, "user"), Client: text.Draw(t, "client")},
				Correlation: text.Draw(t, "correlation"), Causation: text.Draw(t, "causation"),
				Time: noon.Add(time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "time"))),
			},
			Data: []byte(rapid.SampledFrom(data).Draw(t, "data")),
		})
	}
	return events
}

func write(t failer, h archive.Head, entries []archive.Entry, events []eventlog.Envelope) []byte {
	t.Helper()
	var b bytes.Buffer
	h.Events = eventlog.Position(len(events))
	w, err := archive.NewWriter(&b, h, nil)
	for _, e := range entries {
		err = errors.Join(err, w.Entry(e))
	}
	for _, e := range events {
		err = errors.Join(err, w.Event(e))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatalf("write: %v", err)
	}
	return b.Bytes()
}

// failer is what a test and a property have in common.
type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func read(from io.Reader) (h archive.Head, entries []archive.Entry, events []eventlog.Envelope, err error) {
	r, err := archive.NewReader(from, nil)
	if err != nil {
		return h, nil, nil, err
	}
	for item, err := range r.Items() {
		switch {
		case err != nil:
			return r.Head(), entries, events, err
		case item.Entry != nil:
			entries = append(entries, *item.Entry)
		default:
			events = append(events, *item.Event)
		}
	}
	return r.Head(), entries, events, nil
}

func TestWhatIsReadIsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawHistory(t)
		h := archive.Head{Kind: archive.Log, Epoch: "e1"}
		var entries []archive.Entry
		if rapid.Bool().Draw(t, "backup") {
			h.Kind, h.Made, h.Check = archive.Backup, noon, "c"
			for range rapid.IntRange(0, 3).Draw(t, "entries") {
				entries = append(entries, archive.Entry{In: "people", Key: rapid.SampledFrom(texts).Draw(t, "key"), Value: []byte(rapid.SampledFrom(data).Draw(t, "value"))})
			}
		}
		file := write(t, h, entries, events)
		gotHead, gotEntries, got, err := read(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%v in\n%s", err, file)
		}
		if d := cmp.Diff(events, got); d != "" {
			t.Fatalf("events: %s", d)
		}
		if d := cmp.Diff(entries, gotEntries); d != "" {
			t.Fatalf("entries: %s", d)
		}
		if again := write(t, gotHead, gotEntries, got); !bytes.Equal(file, again) {
			t.Fatalf("written again it is\n%s, not\n%s", again, file)
		}
	})
}

func TestNothingLessAndNothingElseIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := write(t, archive.Head{Kind: archive.Log, Epoch: "e1"}, nil, drawHistory(t))
		n := rapid.IntRange(0, len(file)-1).Draw(t, "byte")
		_, _, _, err := read(bytes.NewReader(file[:n]))
		if !errors.Is(err, archive.ErrCut) && !errors.Is(err, archive.ErrForeign) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(file), err)
		}
		flipped := bytes.Clone(file)
		flipped[n] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, _, _, err := read(bytes.NewReader(flipped)); err == nil {
			t.Fatalf("byte %d changed, read as if it were not:\n%s", n, flipped)
		}
	})
}

// sealed ends lines with their checksum, as somebody would who edits a file.
func sealed(lines ...string) string {
	text := strings.Join(lines, "\n") + "\n"
	sum := sha256.Sum256([]byte(text))
	return text + `{"sha256":"` + hex.EncodeToString(sum[:]) + `"}` + "\n"
}

func TestBadFiles(t *testing.T) {
	head := func(n int) string { return fmt.Sprintf(`{"till":"log","format":1,"epoch":"e1","events":%d}`, n) }
	event := func(at, number int, more string) string {
		return fmt.Sprintf(`{"position":%d,"stream":{"category":"cart","id":"a"},"number":%d,"type":"x","version":1,"command":"c","time":"2026-11-20T12:00:00Z"%s}`, at, number, more)
	}
	one := event(1, 1, `,"data":{}`)
	if _, _, _, err := read(strings.NewReader(sealed(head(1), one))); err != nil {
		t.Fatalf("the good file: %v", err)
	}
	newer := strings.Replace(head(1), `"format":1`, `"format":2,"zip":true`, 1)
	for name, c := range map[string]struct {
		file string
		want error
		says string
	}{
		"empty":             {"", archive.ErrCut, "it is empty"},
		"a picture":         {"\x89PNG\r\n\x1a\n", archive.ErrForeign, "no export"},
		"a catalogue":       {`{"handle":"rope-toy","title":"Rope Toy"}` + "\n", archive.ErrForeign, "no export"},
		"one long line":     {strings.Repeat("x", 3<<20), archive.ErrForeign, "no export"},
		"another kind":      {sealed(`{"till":"cats","format":1,"epoch":"e","events":0}`), archive.ErrForeign, "no export"},
		"a newer format":    {sealed(newer, `{"zipped":1}`), archive.ErrNewer, "newer till"},
		"no epoch":          {sealed(`{"till":"log","format":1,"epoch":"","events":0}`), archive.ErrLine, "line 1"},
		"blanks in between": {sealed(head(1), strings.Replace(one, ":", ": ", 1)), archive.ErrLine, "line 2"},
		"a field more":      {sealed(head(1), event(1, 1, `,"data":{},"who":"me"`)), archive.ErrLine, "line 2"},
		"another zone":      {sealed(head(1), strings.Replace(one, "12:00:00Z", "12:00:00+01:00", 1)), archive.ErrLine, "line 2"},
		"no JSON":           {sealed(head(2), one, `{"position":2,oops}`), archive.ErrLine, "line 3"},
		"an empty line":     {sealed(head(2), one, ""), archive.ErrLine, "line 3"},
		"a gap":             {sealed(head(3), one, event(3, 2, "")), nil, "line 3: event 3 stands where event 2 belongs"},
		"twice":             {sealed(head(2), one, one), nil, "line 3: event 1 stands where event 2 belongs"},
		"a wrong number":    {sealed(head(2), one, event(2, 3, "")), nil, "line 3: event 2 is number 3 of cart/a, but number 2 comes next"},
		"a late beginning":  {sealed(head(1), event(1, 2, "")), nil, "line 2: event 1 is number 2"},
		"no category":       {sealed(head(1), strings.Replace(one, `"cart"`, `"Cart!"`, 1)), eventlog.ErrInvalid, "line 2"},
		"no type":           {sealed(head(1), strings.Replace(one, `"x"`, `""`, 1)), eventlog.ErrInvalid, "line 2"},
		"a huge event":      {sealed(head(1), event(1, 1, `,"data":"`+strings.Repeat("x", eventlog.MaxEventBytes)+`"`)), eventlog.ErrInvalid, "line 2"},
		"a huge line":       {sealed(head(1), event(1, 1, `,"data":"`+strings.Repeat("x", 2<<20)+`"`)), archive.ErrLine, "line 2"},
		"fewer events":      {sealed(head(2), one), archive.ErrLine, "line 3: not as till writes it: it has 1 events, the first line says 2"},
		"more events":       {sealed(head(1), one, event(2, 2, "")), archive.ErrLine, "line 3"},
		"an entry":          {sealed(head(1), `{"in":"people","key":"a","value":""}`, one), archive.ErrLine, "line 2"},
		"a late entry":      {sealed(strings.Replace(head(1), "log", "backup", 1), one, `{"in":"people","key":"a","value":""}`), archive.ErrLine, "line 3"},
		"more after it":     {sealed(head(1), one) + one + "\n", archive.ErrLine, "line 4"},
		"no end":            {head(1) + "\n" + one + "\n", archive.ErrCut, "cut short"},
		"another's sum":     {strings.Replace(sealed(head(1), one), `"c"`, `"d"`, 1), archive.ErrAltered, "altered"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := read(strings.NewReader(c.file))
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("read with %v; want %v that says %q", err, c.want, c.says)
			}
		})
	}
}

// A file is not made of a history that could not be read back.
func TestBadHistories(t *testing.T) {
	good := eventlog.Envelope{Position: 1, Stream: eventlog.Stream{Category: "cart", ID: "a"}, Number: 1, Type: "x", Version: 1, Meta: eventlog.Meta{Time: noon}, Data: []byte("{}")}
	unknown := errors.New("unknown")
	for name, c := range map[string]struct {
		change func(*eventlog.Envelope)
		known  func(eventlog.Envelope) error
		want   error
	}{
		"a gap":        {change: func(e *eventlog.Envelope) { e.Position = 2 }},
		"a number":     {change: func(e *eventlog.Envelope) { e.Number = 2 }},
		"no UTF-8":     {change: func(e *eventlog.Envelope) { e.Command = "\xff" }},
		"unknown type": {change: func(*eventlog.Envelope) {}, known: func(eventlog.Envelope) error { return unknown }, want: unknown},
	} {
		e := good
		c.change(&e)
		w, err := archive.NewWriter(io.Discard, archive.Head{Kind: archive.Log, Epoch: "e", Events: 1}, c.known)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Event(e); !errors.Is(err, eventlog.ErrDamaged) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.Close(); !errors.Is(err, eventlog.ErrDamaged) {
			t.Errorf("%s: closed with %v", name, err)
		}
	}
}

// Whatever is accepted is written again as the same bytes.
func FuzzRead(f *testing.F) {
	e := eventlog.Envelope{Position: 1, Stream: eventlog.Stream{Category: "cart", ID: "a"}, Number: 1, Type: "x", Version: 1, Meta: eventlog.Meta{Time: noon}, Data: []byte("{}")}
	f.Add(string(write(f, archive.Head{Kind: archive.Log, Epoch: "e1"}, nil, []eventlog.Envelope{e})))
	f.Add(string(write(f, archive.Head{Kind: archive.Backup, Epoch: "e1", Made: noon, Check: "c"}, []archive.Entry{{In: "people", Key: "a", Value: []byte("v")}}, nil)))
	f.Fuzz(func(t *testing.T, text string) {
		// The fuzzer will not guess a checksum.
		if at := strings.LastIndex(text, `{"sha256":`); at > 0 && text[at-1] == '\n' {
			text = sealed(strings.Split(text[:at-1], "\n")...)
		}
		h, entries, events, err := read(strings.NewReader(text))
		if err != nil {
			return
		}
		if again := write(t, h, entries, events); string(again) != text {
			t.Errorf("read\n%s\nwritten again\n%s", text, again)
		}
	})
}
