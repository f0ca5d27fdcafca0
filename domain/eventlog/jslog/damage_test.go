package jslog_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// blocks are the files of the log's messages, oldest first.
func blocks(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "till", "msgs", "*.blk"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no block files: %v", err)
	}
	slices.Sort(files)
	return files
}

// flip changes one bit inside the body of the event that holds the text.
func flip(t *testing.T, dir, text string) {
	t.Helper()
	for _, file := range blocks(t, dir) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(data, []byte(text)); i >= 0 {
			data[i] ^= 1
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no event holds %q", text)
}

// damaged makes a log of count events, each alone in its stream, stops the
// server, lets damage have its way with the files, and opens the log again.
func damaged(t *testing.T, count int, damage func(dir string)) *jslog.Log {
	t.Helper()
	dir := t.TempDir()
	s := startServer(t, dir)
	log := open(t, connect(t, s))
	for i := range count {
		stream := eventlog.Stream{Category: "cart", ID: string(rune('a' + i%2))}
		e := sample(stream, uint64(i/2+1))
		e.Data = []byte(`{"text":"` + mark(i+1) + `"}`)
		expected := eventlog.Position(0)
		if i >= 2 {
			expected = eventlog.Position(i - 1)
		}
		if _, err := log.Append(t.Context(), eventlog.Change{Stream: stream, Expected: expected, Events: []eventlog.Envelope{e}}); err != nil {
			t.Fatal(err)
		}
	}
	s.Shutdown()
	s.WaitForShutdown()
	damage(dir)
	return open(t, connect(t, startServer(t, dir)))
}

// mark is a text that only event i holds.
func mark(i int) string {
	return "event-" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "-c0ffee"
}

// followUntilError follows from the beginning and returns how far it got.
func followUntilError(t *testing.T, log *jslog.Log) (last eventlog.Position, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for batch, err := range log.Follow(ctx, 0, 3) {
		if err != nil {
			return last, err
		}
		for _, e := range batch {
			if e.Position != last+1 {
				t.Fatalf("event %d handed out after %d", e.Position, last)
			}
			last = e.Position
		}
	}
	return last, nil
}

func wantGap(t *testing.T, err error, from, to uint64) {
	t.Helper()
	var gap *eventlog.Gap
	if !errors.Is(err, eventlog.ErrDamaged) || !errors.As(err, &gap) || gap.From != from || gap.To != to {
		t.Fatalf("error %v, want a gap from %d to %d", err, from, to)
	}
}

func TestFollowFindsDamage(t *testing.T) {
	t.Run("InTheMiddle", func(t *testing.T) {
		log := damaged(t, 20, func(dir string) { flip(t, dir, mark(10)) })
		last, err := followUntilError(t, log)
		if last != 9 {
			t.Fatalf("followed to %d", last)
		}
		var gap *eventlog.Gap
		if !errors.As(err, &gap) || gap.From != 10 || gap.To < 10 {
			t.Fatalf("error %v, want a gap from 10", err)
		}
	})
	t.Run("TheLast", func(t *testing.T) {
		log := damaged(t, 20, func(dir string) { flip(t, dir, mark(20)) })
		// The server either knows that it had twenty, then it is a gap, or it
		// does not, then a reader that had seen the last one stands beyond.
		head, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if head == 20 {
			last, err := followUntilError(t, log)
			if last != 19 {
				t.Fatalf("followed to %d", last)
			}
			wantGap(t, err, 20, 20)
			return
		}
		for _, err := range log.Follow(t.Context(), 20, 1) {
			if !errors.Is(err, eventlog.ErrBeyond) {
				t.Fatalf("error %v, want ErrBeyond", err)
			}
		}
	})
	t.Run("TheFirst", func(t *testing.T) {
		log := damaged(t, 20, func(dir string) { flip(t, dir, mark(1)) })
		last, err := followUntilError(t, log)
		if last != 0 {
			t.Fatalf("followed to %d", last)
		}
		var gap *eventlog.Gap
		if !errors.As(err, &gap) || gap.From != 1 {
			t.Fatalf("error %v, want a gap from 1", err)
		}
	})
	t.Run("WithTheIndexLost", func(t *testing.T) {
		log := damaged(t, 20, func(dir string) {
			flip(t, dir, mark(10))
			index, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "till", "msgs", "index.db"))
			if err != nil || len(index) != 1 {
				t.Fatalf("index %v, %v", index, err)
			}
			if err := os.Remove(index[0]); err != nil {
				t.Fatal(err)
			}
		})
		// The server forgets all that follows in the block: whoever knew more
		// finds out.
		head, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if head != 9 {
			last, err := followUntilError(t, log)
			t.Fatalf("the head is %d; followed to %d, %v", head, last, err)
		}
		for _, err := range log.Follow(t.Context(), 20, 1) {
			if !errors.Is(err, eventlog.ErrBeyond) {
				t.Fatalf("error %v, want ErrBeyond", err)
			}
		}
	})
}

func TestReadFindsDamage(t *testing.T) {
	log := damaged(t, 20, func(dir string) { flip(t, dir, mark(10)) }) // event 5 of cart/b
	var numbers []uint64
	var last error
	for e, err := range log.Read(t.Context(), eventlog.Stream{Category: "cart", ID: "b"}) {
		if last = err; err == nil {
			numbers = append(numbers, e.Number)
		}
	}
	if !slices.Equal(numbers, []uint64{1, 2, 3, 4}) || !errors.Is(last, eventlog.ErrDamaged) {
		t.Fatalf("read %v, %v", numbers, last)
	}
}

// Someone with the server's own tools can still break the rules. The log finds
// out at its next start, or where it reads.
func TestALogThatWasCutAtTheBeginning(t *testing.T) {
	nc := connect(t, startServer(t, t.TempDir()))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	log := open(t, nc)
	orders(t, log, 5)
	stream, err := js.Stream(t.Context(), "till")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.MaxMsgs = 4
	config.Discard = jetstream.DiscardOld
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	last, err := followUntilError(t, log)
	if last != 0 {
		t.Fatalf("followed to %d", last)
	}
	wantGap(t, err, 1, 6)
	if _, err := jslog.Open(t.Context(), nc, jslog.Options{}); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("the log opens with %v", err)
	}
}

func TestFollowRefusesAForeignMessage(t *testing.T) {
	nc := connect(t, startServer(t, t.TempDir()))
	log := open(t, nc)
	orders(t, log, 1)
	if _, err := nc.Request("shop.cart.x", []byte("hello"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	last, err := followUntilError(t, log)
	if last != 2 || !errors.Is(err, eventlog.ErrDamaged) {
		t.Fatalf("followed to %d, %v", last, err)
	}
}
