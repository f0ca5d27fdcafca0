package stock_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
	"till/domain/stock"
)

var until = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestReserve(t *testing.T) {
	reserve := stock.Reserve{Reservation: "CS-1/1", Quantity: 2, Until: until}
	var counted, reserved stock.Event = stock.Counted{OnHand: 3}, stock.Reserved(reserve)

	t.Run("keeps pieces apart", func(t *testing.T) {
		s := story.Given(t, stock.Decider(), counted).When(reserve).Then(reserved)
		if got := s.State().Available(); got != 1 {
			t.Errorf("%d are left", got)
		}
	})
	t.Run("once for one reservation", func(t *testing.T) {
		story.Given(t, stock.Decider(), counted, reserved).When(reserve).Then()
	})
	t.Run("refuses more than there are", func(t *testing.T) {
		_, err := stock.Decide(stock.State{OnHand: 1}, stock.Reserve{Reservation: "CS-2/1", Quantity: 2})
		var few *stock.Insufficient
		if !errors.As(err, &few) || few.Available != 1 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("refuses what was never counted", func(t *testing.T) {
		if _, err := stock.Decide(stock.State{}, reserve); err == nil {
			t.Error("reserved pieces that nobody has")
		}
	})
	t.Run("a release gives them back, once", func(t *testing.T) {
		story.Given(t, stock.Decider(), counted, reserved).
			When(stock.Release{Reservation: "CS-1/1", Reason: "payment_declined"}).
			Then(stock.Released{Reservation: "CS-1/1", Quantity: 2, Reason: "payment_declined"}).
			When(stock.Release{Reservation: "CS-1/1"}).Then().
			When(stock.Commit{Reservation: "CS-1/1"}).Then()
	})
	t.Run("what was sold and comes back is there again", func(t *testing.T) {
		s := story.Given(t, stock.Decider(), counted, reserved, stock.Event(stock.Committed{Reservation: "CS-1/1", Quantity: 2})).
			When(stock.Restock{Order: "CS-1", For: "cancel", Quantity: 2}).
			Then(stock.Restocked{Order: "CS-1", For: "cancel", Quantity: 2}).
			When(stock.Restock{Order: "CS-1", For: "cancel"}).Then()
		if got := s.State(); got.OnHand != 3 || got.Available() != 3 {
			t.Errorf("left: %+v", got)
		}
	})
	t.Run("a commit sells them, once", func(t *testing.T) {
		s := story.Given(t, stock.Decider(), counted, reserved).
			When(stock.Commit{Reservation: "CS-1/1"}).
			Then(stock.Committed{Reservation: "CS-1/1", Quantity: 2}).
			When(stock.Commit{Reservation: "CS-1/1"}).Then().
			When(stock.Release{Reservation: "CS-1/1"}).Then()
		if got := s.State(); got.OnHand != 1 || got.Available() != 1 {
			t.Errorf("left: %+v", got)
		}
	})
}

func TestCount(t *testing.T) {
	counted := stock.Event(stock.Counted{OnHand: 5})
	t.Run("the first count stands", func(t *testing.T) {
		story.Given(t, stock.Decider()).When(stock.Open{OnHand: 5}).Then(counted).When(stock.Open{OnHand: 9}).Then()
	})
	t.Run("nothing is a count too", func(t *testing.T) {
		story.Given(t, stock.Decider()).When(stock.Open{OnHand: 0}).Then(stock.Counted{OnHand: 0})
	})
	t.Run("a new count replaces it", func(t *testing.T) {
		story.Given(t, stock.Decider(), counted).When(stock.Count{OnHand: 9}).Then(stock.Counted{OnHand: 9})
	})
	for name, c := range map[string]stock.Command{
		"below zero":             stock.Count{OnHand: -1},
		"below what is reserved": stock.Count{OnHand: 1},
		"beyond all measure":     stock.Count{OnHand: stock.MaxOnHand + 1},
	} {
		t.Run(name, func(t *testing.T) {
			story.Given(t, stock.Decider(), counted, stock.Event(stock.Reserved{Reservation: "r", Quantity: 2})).
				When(c).Refused(stock.ErrCount)
		})
	}
}

// Whatever is commanded: never below zero, and a command that was carried out
// has nothing left to do.
func TestNeverBelowZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s stock.State
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			cmd := command(t)
			events, err := stock.Decide(s, cmd)
			if err != nil && len(events) > 0 {
				t.Fatalf("%#v was refused (%v) and decided %v", cmd, err, events)
			}
			story.Redone(t, stock.Decider(), stock.Redo, s, events...)
			for _, e := range events {
				s = stock.Evolve(s, e)
			}
			if s.Available() < 0 || s.OnHand < 0 {
				t.Fatalf("after %#v there are %d on hand and %d available", cmd, s.OnHand, s.Available())
			}
			if again, err := stock.Decide(s, cmd); err == nil && len(again) > 0 {
				t.Fatalf("%#v decided %v a second time", cmd, again)
			}
		}
	})
}

func command(t *rapid.T) stock.Command {
	n, r := rapid.IntRange(0, 12).Draw(t, "n"), rapid.SampledFrom([]string{"a/1", "a/2", "b/1"}).Draw(t, "reservation")
	return rapid.SampledFrom([]stock.Command{
		stock.Open{OnHand: n}, stock.Count{OnHand: n}, stock.Reserve{Reservation: r, Quantity: n, Until: until},
		stock.Release{Reservation: r, Reason: "expired"}, stock.Commit{Reservation: r},
	}).Draw(t, "command")
}

func TestEvents(t *testing.T) {
	types := eventlog.NewTypes()
	stock.Register(types)
	golden.Check(t, types,
		stock.Counted{OnHand: 40},
		stock.Reserved{Reservation: "CS-7K3M9-Q2X4T/1", Quantity: 2, Until: until},
		stock.Released{Reservation: "CS-7K3M9-Q2X4T/1", Quantity: 2, Reason: "payment_declined"},
		stock.Committed{Reservation: "CS-7K3M9-Q2X4T/1", Quantity: 2},
		stock.Restocked{Order: "CS-7K3M9-Q2X4T", For: "cancel", Quantity: 2},
	)
}
