package projections_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/stock"
	"till/projections"
)

// raw appends an event as no decider would.
func raw(t *testing.T, types *eventlog.Types, stream eventlog.Stream, number uint64, event any) eventlog.Envelope {
	t.Helper()
	name, version, data, err := types.Encode(event)
	if err != nil {
		t.Fatal(err)
	}
	return eventlog.Envelope{Stream: stream, Number: number, Type: name, Version: version, Data: data}
}

// A hole in a stream's count stops everything, and everybody is told.
func TestHoleStopsEverything(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 10)
	s.add("alice", "MOUSE-CATNIP", 1)
	head, _ := s.log.Head(t.Context())
	waiting := make(chan error, 1)
	go func() { waiting <- s.views.Wait(context.Background(), head+2) }()

	stream := eventlog.Stream{Category: cart.Category, ID: "alice"}
	item := cart.Item{SKU: "MOUSE-CATNIP", Price: money.Of(499, "USD")}
	_, err := s.log.Append(t.Context(), eventlog.Change{Stream: stream, Expected: head,
		Events: []eventlog.Envelope{raw(t, s.types, stream, 3, cart.ItemAdded{Item: item, Quantity: 1})}})
	if err != nil {
		t.Fatal(err)
	}
	var gap *eventlog.Gap
	if err := <-waiting; !errors.As(err, &gap) || gap.Where != "cart/alice" || gap.From != 2 || gap.To != 2 {
		t.Errorf("who waited got %v", err)
	}
	if err := s.views.Check(); !errors.Is(err, eventlog.ErrDamaged) {
		t.Errorf("Check: %v", err)
	}
	if err := s.views.Read(t.Context(), 0, func(*projections.Reader) error { return nil }); !errors.Is(err, eventlog.ErrDamaged) {
		t.Errorf("Read: %v", err)
	}
	if _, err := s.process.Carts.Do(t.Context(), "bob", cart.Add{Item: item, Quantity: 1}, s.meta()); !errors.Is(err, eventlog.ErrDamaged) {
		t.Errorf("a command: %v", err)
	}
	// So does a restart, and so does a build from nothing.
	s.reopen()
	if err := s.views.Wait(t.Context(), head+2); !errors.Is(err, eventlog.ErrDamaged) {
		t.Errorf("after a restart: %v", err)
	}
	fresh := openShop(t, s.log, t.TempDir())
	if err := fresh.views.Wait(t.Context(), 1); !errors.Is(err, eventlog.ErrDamaged) {
		t.Errorf("built from nothing: %v", err)
	}
}

// An event of a newer program stops the views: it might be a revocation. So does
// one where it does not belong.
func TestWhatIsNotKnownStopsEverything(t *testing.T) {
	alice := eventlog.Stream{Category: cart.Category, ID: "alice"}
	for name, c := range map[string]struct {
		stream eventlog.Stream
		event  any
		change func(*eventlog.Envelope)
	}{
		"type":     {alice, cart.Cleared{}, func(e *eventlog.Envelope) { e.Type = "cart.blown_up" }},
		"version":  {alice, cart.Cleared{}, func(e *eventlog.Envelope) { e.Version = 99 }},
		"category": {eventlog.Stream{Category: "raffle", ID: "1"}, cart.Cleared{}, func(*eventlog.Envelope) {}},
		"place":    {alice, stock.Counted{OnHand: 1}, func(*eventlog.Envelope) {}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.sell(mouse(), 10)
			e := raw(t, s.types, c.stream, 1, c.event)
			c.change(&e)
			at, err := s.log.Append(t.Context(), eventlog.Change{Stream: c.stream, Events: []eventlog.Envelope{e}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.views.Wait(t.Context(), at); !errors.Is(err, eventlog.ErrUnknownType) {
				t.Errorf("Wait: %v", err)
			}
			if err := s.views.Check(); !errors.Is(err, eventlog.ErrUnknownType) {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

// Views do not blame the log for what their own file has lost.
func TestALostRowIsNotALostEvent(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 10)
	for range 3 {
		s.add("alice", "MOUSE-CATNIP", 1)
	}
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, filepath.Join(s.dir, "views.db"), "DELETE FROM carts")
	again := openShop(t, s.log, s.dir)
	caughtUp(t, again.views, s.log)
	// Another node, which knows better, goes on with the cart.
	other := decider.NewFromLog(s.log, s.types)
	decider.Know(other, cart.Decider())
	out, err := decider.NewHandler(cart.Decider(), s.types, s.log, other).
		Do(t.Context(), "alice", cart.SetQuantity{SKU: "MOUSE-CATNIP", Quantity: 7}, s.meta())
	if err != nil {
		t.Fatal(err)
	}
	caughtUp(t, again.views, s.log)
	err = again.views.Read(t.Context(), out.Position, func(r *projections.Reader) error {
		c, v, err := r.Cart(t.Context(), "alice")
		if v.Number != 4 || c.Pieces() != 7 {
			t.Errorf("cart %+v %+v", c, v)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(again.warned.String(), "does not fit the log") {
		t.Errorf("told %q", again.warned.String())
	}
}
