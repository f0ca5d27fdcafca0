package logtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"till/domain/eventlog"
)

// fill appends count events, spread over a few streams, and returns them as
// they must come back.
func fill(t *testing.T, log eventlog.Log, count int) []eventlog.Envelope {
	t.Helper()
	var all []eventlog.Envelope
	last := map[eventlog.Stream]eventlog.Envelope{}
	for i := range count {
		s := cart(string(rune('a' + i%3)))
		c := change(s, last[s].Number, last[s].Position, 1)
		e := at(c.Events[0], mustAppend(t, log, c))
		last[s] = e
		all = append(all, e)
	}
	return all
}

func runRead(t *testing.T, open func(t *testing.T) eventlog.Log) {
	t.Run("AStreamThatIsNotThere", func(t *testing.T) {
		wantEvents(t, readAll(t, open(t), cart("a")), nil)
	})
	t.Run("OnlyItsOwnEventsInOrder", func(t *testing.T) {
		log := open(t)
		all := fill(t, log, 10)
		want := slices.DeleteFunc(slices.Clone(all), func(e eventlog.Envelope) bool { return e.Stream != cart("b") })
		wantEvents(t, readAll(t, log, cart("b")), want)
	})
	t.Run("TheEndIsFixedAtTheCall", func(t *testing.T) {
		log := open(t)
		mustAppend(t, log, change(cart("a"), 0, 0, 2))
		seq := log.Read(t.Context(), cart("a"))
		mustAppend(t, log, change(cart("a"), 2, 2, 1))
		n := 0
		for _, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 2 {
			t.Fatalf("%d events, want the 2 that were there at the call", n)
		}
	})
	t.Run("OneByItsPosition", func(t *testing.T) {
		log := open(t)
		all := fill(t, log, 10)
		for _, e := range all {
			got, err := log.Get(t.Context(), e.Position)
			if err != nil {
				t.Fatal(err)
			}
			wantEvents(t, []eventlog.Envelope{got}, []eventlog.Envelope{e})
		}
		for _, nowhere := range []eventlog.Position{0, all[len(all)-1].Position + 1, 1 << 62} {
			if _, err := log.Get(t.Context(), nowhere); !errors.Is(err, eventlog.ErrBeyond) {
				t.Errorf("position %d: %v", nowhere, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := log.Get(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	t.Run("ManyByTheirPositions", func(t *testing.T) { runGetMany(t, open(t)) })
	t.Run("AnEarlyEnd", func(t *testing.T) {
		log := open(t)
		mustAppend(t, log, change(cart("a"), 0, 0, 5))
		n := 0
		for range log.Read(t.Context(), cart("a")) {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Fatalf("%d events", n)
		}
	})
	t.Run("Cancelled", func(t *testing.T) {
		log := open(t)
		mustAppend(t, log, change(cart("a"), 0, 0, 5))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var last error
		for _, err := range log.Read(ctx, cart("a")) {
			last = err
		}
		wantErr(t, last, context.Canceled)
	})
}

func runFollow(t *testing.T, open func(t *testing.T) eventlog.Log) {
	t.Run("FromTheBeginningInBatches", func(t *testing.T) {
		log := open(t)
		all := fill(t, log, 25)
		for _, most := range []int{1, 3, 25, 1000} {
			wantEvents(t, followTo(t, log, 0, 25, most), all)
		}
	})
	t.Run("FromTheMiddle", func(t *testing.T) {
		log := open(t)
		all := fill(t, log, 25)
		wantEvents(t, followTo(t, log, 7, 25, 10), all[7:])
		wantEvents(t, followTo(t, log, 24, 25, 10), all[24:])
	})
	t.Run("Live", func(t *testing.T) {
		log := open(t)
		first := fill(t, log, 5)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var got []eventlog.Envelope
		want := slices.Clone(first)
		for batch, err := range log.Follow(ctx, 0, 100) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, batch...)
			if len(got) == 8 {
				break
			}
			if len(got) == len(want) { // all is read: what comes now is live
				c := change(order("live"), uint64(len(want)-5), 0, 1)
				if len(want) > 5 {
					c.Expected = want[len(want)-1].Position
				}
				want = append(want, at(c.Events[0], mustAppend(t, log, c)))
			}
		}
		wantEvents(t, got, want)
	})
	t.Run("WhatIsThereIsHandedOutAtOnce", func(t *testing.T) {
		log := open(t)
		fill(t, log, 1)
		// The loop gets its one event although it asked for a thousand.
		if got := followTo(t, log, 0, 1, 1000); len(got) != 1 {
			t.Fatalf("%d events", len(got))
		}
	})
	t.Run("SeveralAtOnce", func(t *testing.T) {
		log := open(t)
		all := fill(t, log, 10)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		done := make(chan []eventlog.Envelope)
		for range 3 {
			go func() {
				var got []eventlog.Envelope
				for batch, err := range log.Follow(ctx, 0, 4) {
					if err != nil {
						break
					}
					if got = append(got, batch...); len(got) >= len(all) {
						break
					}
				}
				done <- got
			}()
		}
		for range 3 {
			wantEvents(t, <-done, all)
		}
	})
	t.Run("BatchesMayBeKept", func(t *testing.T) {
		log := open(t)
		all := fill(t, log, 20)
		var kept [][]eventlog.Envelope
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for batch, err := range log.Follow(ctx, 0, 3) {
			if err != nil {
				t.Fatal(err)
			}
			if kept = append(kept, batch); batch[len(batch)-1].Position == 20 {
				break
			}
		}
		wantEvents(t, slices.Concat(kept...), all)
	})
	t.Run("Cancelled", func(t *testing.T) {
		log := open(t)
		fill(t, log, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range log.Follow(ctx, 0, 10) {
			last = err
			cancel() // while the loop has nothing more to hand out
		}
		wantErr(t, last, context.Canceled)
		for _, err := range log.Follow(ctx, 0, 10) {
			last = err
		}
		wantErr(t, last, context.Canceled)
	})
	t.Run("BeyondTheEnd", func(t *testing.T) {
		log := open(t)
		fill(t, log, 3)
		var last error
		for _, err := range log.Follow(t.Context(), 4, 10) {
			last = err
		}
		wantErr(t, last, eventlog.ErrBeyond)
	})
}
