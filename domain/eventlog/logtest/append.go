package logtest

import (
	"context"
	"testing"

	"till/domain/eventlog"
)

func runAppend(t *testing.T, open func(t *testing.T) eventlog.Log) {
	t.Run("AnEmptyLog", func(t *testing.T) {
		log := open(t)
		wantHead(t, log, 0)
		if log.Epoch() == "" {
			t.Fatal("the log has no epoch")
		}
		if other := open(t); other.Epoch() == log.Epoch() {
			t.Fatal("two logs have one epoch")
		}
	})
	t.Run("PositionsCountFromOne", func(t *testing.T) {
		log := open(t)
		for i, want := range []eventlog.Position{1, 2, 3} {
			s := cart(string(rune('a' + i)))
			if got := mustAppend(t, log, change(s, 0, 0, 1)); got != want {
				t.Fatalf("position %d, want %d", got, want)
			}
		}
		wantHead(t, log, 3)
	})
	t.Run("SeveralEventsOfOneStream", func(t *testing.T) {
		log := open(t)
		c := change(cart("a"), 0, 0, 3)
		if got := mustAppend(t, log, c); got != 3 {
			t.Fatalf("position %d, want that of the last event, 3", got)
		}
		next := change(cart("a"), 3, 3, 1)
		mustAppend(t, log, next)
		wantEvents(t, readAll(t, log, cart("a")), []eventlog.Envelope{
			at(c.Events[0], 1), at(c.Events[1], 2), at(c.Events[2], 3), at(next.Events[0], 4),
		})
	})
	t.Run("Conflicts", func(t *testing.T) {
		log := open(t)
		mustAppend(t, log, change(cart("a"), 0, 0, 1))
		mustAppend(t, log, change(cart("b"), 0, 0, 1))
		mustAppend(t, log, change(cart("a"), 1, 1, 1)) // a ends at 3 now
		for name, c := range map[string]eventlog.Change{
			"TheStreamExists":        change(cart("a"), 0, 0, 1),
			"Stale":                  change(cart("a"), 1, 1, 1),
			"AnotherStreamsPosition": change(cart("a"), 2, 2, 1),
			"BehindTheEnd":           change(cart("a"), 2, 4, 1),
			"TheStreamIsNotThere":    change(cart("c"), 1, 1, 1),
			"SeveralEventsStale":     change(cart("a"), 1, 1, 3),
		} {
			t.Run(name, func(t *testing.T) {
				_, err := log.Append(t.Context(), c)
				wantErr(t, err, eventlog.ErrConflict)
				wantHead(t, log, 3)
			})
		}
	})
	t.Run("AnotherStreamsEventsDoNotDisturb", func(t *testing.T) {
		log := open(t)
		a := mustAppend(t, log, change(cart("a"), 0, 0, 1))
		mustAppend(t, log, change(order("a"), 0, 0, 1))
		mustAppend(t, log, change(cart("a"), 1, a, 1))
	})
	t.Run("ACancelledContextStoresNothing", func(t *testing.T) {
		log := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := log.Append(ctx, change(cart("a"), 0, 0, 1))
		wantErr(t, err, context.Canceled)
		wantHead(t, log, 0)
	})
}

func runTogether(t *testing.T, open func(t *testing.T) eventlog.Log) {
	t.Run("AllAreStored", func(t *testing.T) {
		log := open(t)
		a := mustAppend(t, log, change(cart("a"), 0, 0, 1))
		c1, c2, c3 := change(cart("a"), 1, a, 2), change(order("x"), 0, 0, 1), change(cart("b"), 0, 0, 1)
		if got := mustAppend(t, log, c1, c2, c3); got != 5 {
			t.Fatalf("position %d, want 5", got)
		}
		wantEvents(t, followTo(t, log, 1, 5, 100), []eventlog.Envelope{
			at(c1.Events[0], 2), at(c1.Events[1], 3), at(c2.Events[0], 4), at(c3.Events[0], 5),
		})
	})
	t.Run("OneStaleChangeStoresNone", func(t *testing.T) {
		log := open(t)
		mustAppend(t, log, change(cart("a"), 0, 0, 1))
		for name, changes := range map[string][]eventlog.Change{
			"First": {change(cart("a"), 0, 0, 1), change(order("x"), 0, 0, 1)},
			"Last":  {change(order("x"), 0, 0, 2), change(cart("a"), 0, 0, 1)},
			"Mid":   {change(order("x"), 0, 0, 1), change(cart("a"), 0, 0, 2), change(order("y"), 0, 0, 1)},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := log.Append(t.Context(), changes...)
				wantErr(t, err, eventlog.ErrConflict)
				wantHead(t, log, 1)
				wantEvents(t, readAll(t, log, order("x")), nil)
			})
		}
	})
	t.Run("AsManyAsAllowed", func(t *testing.T) {
		log := open(t)
		got := mustAppend(t, log, change(cart("a"), 0, 0, eventlog.MaxEvents-1), change(cart("b"), 0, 0, 1))
		if got != eventlog.MaxEvents {
			t.Fatalf("position %d, want %d", got, eventlog.MaxEvents)
		}
		if n := len(readAll(t, log, cart("a"))); n != eventlog.MaxEvents-1 {
			t.Fatalf("%d events, want %d", n, eventlog.MaxEvents-1)
		}
	})
}
