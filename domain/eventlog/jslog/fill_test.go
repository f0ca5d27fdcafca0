package jslog_test

import (
	"bytes"
	"errors"
	"iter"
	"strconv"
	"testing"

	"till/domain/eventlog"
	"till/domain/eventlog/archive"
	"till/domain/eventlog/jslog"
)

// export is the whole log as a file.
func export(t *testing.T, log eventlog.Log) []byte {
	t.Helper()
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, archive.Head{Kind: archive.Log, Epoch: log.Epoch(), Events: head}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for batch, err := range log.Follow(t.Context(), 0, 100) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			if err := w.Event(e); err != nil {
				t.Fatal(err)
			}
		}
		if batch[len(batch)-1].Position >= head {
			break
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func events(t *testing.T, file []byte) iter.Seq2[eventlog.Envelope, error] {
	r, err := archive.NewReader(bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(eventlog.Envelope, error) bool) {
		for item, err := range r.Items() {
			if err != nil {
				yield(eventlog.Envelope{}, err)
				return
			}
			if !yield(*item.Event, nil) {
				return
			}
		}
	}
}

// A history comes back to the byte through a file and another JetStream: what is
// odd in it too.
func TestFillRoundTrip(t *testing.T) {
	log := open(t, connect(t, startServer(t, t.TempDir(), noSync)))
	numbers := map[eventlog.Stream]uint64{}
	ends := map[eventlog.Stream]eventlog.Position{}
	odd := [][]byte{[]byte(`{"a":1}`), []byte(`{ "a" : 1 }`), []byte("not json \x00\xff"), {}, []byte(`"<b>&\u003c"`)}
	for i := range 3000 {
		s := eventlog.Stream{Category: "cart", ID: "a/ü." + strconv.Itoa(i%7)}
		numbers[s]++
		e := sample(s, numbers[s])
		e.Data = odd[i%len(odd)]
		at, err := log.Append(t.Context(), eventlog.Change{Stream: s, Expected: ends[s], Events: []eventlog.Envelope{e}})
		if err != nil {
			t.Fatal(err)
		}
		ends[s] = at
	}
	file := export(t, log)
	nc := connect(t, startServer(t, t.TempDir(), noSync))
	other, err := jslog.Open(t.Context(), nc, jslog.Options{Epoch: log.Epoch()})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Fill(t.Context(), events(t, file)); err != nil {
		t.Fatal(err)
	}
	if again := export(t, other); !bytes.Equal(file, again) {
		t.Fatalf("the file of %d bytes comes back as another of %d", len(file), len(again))
	}
	// It goes on as if nothing had happened, and takes no second history.
	s := eventlog.Stream{Category: "cart", ID: "a/ü.0"}
	if _, err := other.Append(t.Context(), eventlog.Change{Stream: s, Expected: ends[s], Events: []eventlog.Envelope{sample(s, numbers[s]+1)}}); err != nil {
		t.Errorf("the filled log does not go on: %v", err)
	}
	if err := other.Fill(t.Context(), events(t, file)); !errors.Is(err, eventlog.ErrConflict) {
		t.Errorf("a log that is not empty is filled: %v", err)
	}
	if opened, err := jslog.Open(t.Context(), nc, jslog.Options{Epoch: "another"}); err != nil || opened.Epoch() != log.Epoch() {
		t.Errorf("a log that exists got another epoch: %v", err)
	}
}

func TestFillRefuses(t *testing.T) {
	s := eventlog.Stream{Category: "cart", ID: "a"}
	e := sample(s, 1)
	e.Position = 2
	err := newLog(t).Fill(t.Context(), func(yield func(eventlog.Envelope, error) bool) { yield(e, nil) })
	if !errors.Is(err, eventlog.ErrInvalid) {
		t.Errorf("a gap: %v", err)
	}
	broken := errors.New("broken")
	err = newLog(t).Fill(t.Context(), func(yield func(eventlog.Envelope, error) bool) { yield(eventlog.Envelope{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("a broken source: %v", err)
	}
}

// A reactor goes on, on another server with the same history, where it was.
func TestReactorsMoveWithTheHistory(t *testing.T) {
	log := newLog(t)
	at := orders(t, log, 3)
	for _, topic := range []string{"order", jslog.Everything} {
		s := newSubscriber(t, log, jslog.SubscriberOptions{Name: "mail"})
		c := subscribe(t, s, topic)
		for range 2 {
			m, _ := next(t, c)
			m.Ack()
		}
		next(t, c) // never answered
		_ = s.Close()
	}
	untouched := newSubscriber(t, log, jslog.SubscriberOptions{Name: "late", After: at[1]})
	subscribe(t, untouched, "order")
	_ = untouched.Close()
	reached, err := log.Reached(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[jslog.Reached]bool{{Name: "mail", Topic: "order", At: at[1]}: true, {Name: "mail", Topic: "*", At: 2}: true, {Name: "late", Topic: "order", At: at[1]}: true}
	for _, r := range reached {
		if !want[r] {
			t.Errorf("reached %v, want %v", r, want)
		}
	}
	other, err := jslog.Open(t.Context(), connect(t, startServer(t, t.TempDir())), jslog.Options{Epoch: log.Epoch()})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Fill(t.Context(), events(t, export(t, log))); err != nil {
		t.Fatal(err)
	}
	for _, r := range reached {
		if err := other.Begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	again, err := other.Reached(t.Context())
	if err != nil || len(again) != len(want) {
		t.Errorf("moved, they reached %v (%v), not %v", again, err, reached)
	}
	for topic, first := range map[string]eventlog.Position{"order": at[2], jslog.Everything: 3} {
		s := newSubscriber(t, other, jslog.SubscriberOptions{Name: "mail"})
		if _, e := next(t, subscribe(t, s, topic)); e.Position != first {
			t.Errorf("%s goes on with event %d, not %d", topic, e.Position, first)
		}
	}
}
