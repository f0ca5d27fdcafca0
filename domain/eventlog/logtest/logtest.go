// Package logtest is the contract of the event log and of its buckets: what
// every implementation must do, told as tests. It knows no implementation.
package logtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"till/domain/eventlog"
)

// patience bounds every wait of the contract; it is only met when it fails.
const patience = 30 * time.Second

// Run holds the logs that open makes against the contract. Each call of open
// must give a new, empty log.
func Run(t *testing.T, open func(t *testing.T) eventlog.Log) {
	t.Run("Append", func(t *testing.T) { runAppend(t, open) })
	t.Run("Together", func(t *testing.T) { runTogether(t, open) })
	t.Run("Invalid", func(t *testing.T) { runInvalid(t, open) })
	t.Run("RoundTrip", func(t *testing.T) { runRoundTrip(t, open) })
	t.Run("Read", func(t *testing.T) { runRead(t, open) })
	t.Run("Follow", func(t *testing.T) { runFollow(t, open) })
	t.Run("Race", func(t *testing.T) { runRace(t, open) })
}

// event is a small event of the stream.
func event(s eventlog.Stream, number uint64) eventlog.Envelope {
	return eventlog.Envelope{
		Stream: s, Number: number, Type: "thing.happened", Version: 1,
		Meta: eventlog.Meta{
			Command: fmt.Sprintf("cmd_%s_%d", s.ID, number),
			Time:    time.Date(2026, 11, 1, 12, 0, 0, int(number), time.UTC),
		},
		Data: fmt.Appendf(nil, `{"n":%d}`, number),
	}
}

// change is a change of count events to the stream, after the given number and
// position.
func change(s eventlog.Stream, number uint64, expected eventlog.Position, count int) eventlog.Change {
	c := eventlog.Change{Stream: s, Expected: expected}
	for i := range uint64(count) {
		c.Events = append(c.Events, event(s, number+i+1))
	}
	return c
}

func cart(id string) eventlog.Stream  { return eventlog.Stream{Category: "cart", ID: id} }
func order(id string) eventlog.Stream { return eventlog.Stream{Category: "order", ID: id} }

// at returns the event as it must come back from the position.
func at(e eventlog.Envelope, p eventlog.Position) eventlog.Envelope {
	e.Position = p
	return e
}

func mustAppend(t *testing.T, log eventlog.Log, changes ...eventlog.Change) eventlog.Position {
	t.Helper()
	at, err := log.Append(t.Context(), changes...)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return at
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error = %v, want %v", err, want)
	}
}

func wantHead(t *testing.T, log eventlog.Log, want eventlog.Position) {
	t.Helper()
	head, err := log.Head(t.Context())
	if err != nil || head != want {
		t.Fatalf("Head = %d, %v; want %d", head, err, want)
	}
}

// readAll is the whole stream.
func readAll(t *testing.T, log eventlog.Log, s eventlog.Stream) []eventlog.Envelope {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []eventlog.Envelope
	for e, err := range log.Read(ctx, s) {
		if err != nil {
			t.Fatalf("Read %s: %v", s, err)
		}
		all = append(all, e)
	}
	return all
}

// followTo is everything from after to the end position.
func followTo(t *testing.T, log eventlog.Log, after, end eventlog.Position, most int) []eventlog.Envelope {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []eventlog.Envelope
	for batch, err := range log.Follow(ctx, after, most) {
		if err != nil {
			t.Fatalf("Follow: %v", err)
		}
		if len(batch) == 0 || len(batch) > most {
			t.Fatalf("a batch of %d events, want 1 to %d", len(batch), most)
		}
		all = append(all, batch...)
		if all[len(all)-1].Position >= end {
			break
		}
	}
	return all
}

func wantEvents(t *testing.T, got, want []eventlog.Envelope) {
	t.Helper()
	sameData := cmp.Comparer(func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) // byte by byte takes seconds
	if len(want) == 0 && len(got) == 0 {
		return
	}
	if diff := cmp.Diff(want, got, sameData); diff != "" {
		t.Fatalf("events differ (-want +got):\n%s", diff)
	}
}
