package jslog_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

func TestSubscriberClose(t *testing.T) {
	log := newLog(t)
	orders(t, log, 3)
	t.Run("WaitsForTheHandler", func(t *testing.T) {
		s := newSubscriber(t, log, jslog.SubscriberOptions{Name: "wait", Grace: patience})
		c := subscribe(t, s, "order")
		m, first := next(t, c)
		var acked atomic.Bool
		go func() {
			select {
			case <-m.Context().Done():
				t.Error("Close broke off the work that it waits for")
			case <-time.After(50 * time.Millisecond):
			}
			acked.Store(true)
			m.Ack()
		}()
		s.Close()
		if !acked.Load() {
			t.Fatal("Close did not wait for the handler")
		}
		c = subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{Name: "wait"}), "order")
		if _, e := next(t, c); e.Position <= first.Position {
			t.Fatalf("event %d came again although it was acknowledged", e.Position)
		}
	})
	t.Run("NotLongerThanTheGrace", func(t *testing.T) {
		s := newSubscriber(t, log, jslog.SubscriberOptions{Name: "grace", Grace: 50 * time.Millisecond})
		c := subscribe(t, s, "order")
		m, first := next(t, c)
		s.Close()
		if m.Context().Err() == nil {
			t.Error("the grace is over, and the handler is not told")
		}
		// The event is free again at once, long before the ack wait.
		c = subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{Name: "grace"}), "order")
		if _, e := next(t, c); e.Position != first.Position {
			t.Fatalf("event %d, want %d again", e.Position, first.Position)
		}
	})
	t.Run("ClosesTheChannels", func(t *testing.T) {
		s := newSubscriber(t, log, jslog.SubscriberOptions{Name: "chan"})
		c1, c2 := subscribe(t, s, "cart"), subscribe(t, s, "nothing")
		s.Close()
		s.Close()
		for m := range c1 {
			t.Fatalf("%s came out of a closed subscriber", m.UUID)
		}
		for range c2 {
			t.Fatal("a message out of nothing")
		}
		if _, err := s.Subscribe(t.Context(), "order"); !errors.Is(err, jslog.ErrClosed) {
			t.Fatalf("a closed subscriber says %v", err)
		}
	})
	t.Run("WithItsContext", func(t *testing.T) {
		s := newSubscriber(t, log, jslog.SubscriberOptions{Name: "ctx"})
		ctx, cancel := context.WithCancel(t.Context())
		c, err := s.Subscribe(ctx, "nothing")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, ok := <-c; ok {
			t.Fatal("a message out of nothing")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Closing in the middle of a flood, again and again: nothing panics, nothing
// hangs, nothing is lost and nothing overtakes.
func TestSubscriberCloseUnderLoad(t *testing.T) {
	log := newLog(t)
	const total = 200
	want := orders(t, log, total)
	var mu sync.Mutex
	var got []eventlog.Position
	for round := 0; len(got) < total && round < 1000; round++ {
		s := newSubscriber(t, log, jslog.SubscriberOptions{Name: "load", Grace: time.Second})
		c := subscribe(t, s, "order")
		var handlers sync.WaitGroup
		for range 3 {
			handlers.Go(func() {
				for m := range c {
					e, err := jslog.Envelope(m)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					if n := len(got); n == 0 || got[n-1] < e.Position {
						got = append(got, e.Position)
					} else if got[n-1] > e.Position {
						t.Errorf("event %d came after %d", e.Position, got[n-1])
					}
					mu.Unlock()
					m.Ack()
				}
			})
		}
		time.Sleep(time.Duration(round%7) * time.Millisecond)
		s.Close()
		handlers.Wait()
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d of %d events came", len(got), total)
	}
}
