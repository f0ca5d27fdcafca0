package whatif_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/eventlog/overlay"
	"till/domain/money"
	"till/domain/order"
	"till/domain/payment/testgateway"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/domain/whatif"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// shop is the real checkout over a memory log.
type shop struct {
	*checkout.Process
	t     *testing.T
	log   *memlog.Log
	types *eventlog.Types
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, log: memlog.New("e"), types: eventlog.NewTypes()}
	cart.Register(s.types)
	stock.Register(s.types)
	spending.Register(s.types)
	order.Register(s.types)
	promotion.Register(s.types)
	source := decider.NewFromLog(s.log, s.types)
	decider.Know(source, cart.Decider())
	decider.Know(source, stock.Decider())
	decider.Know(source, order.Decider())
	decider.Know(source, spending.Decider())
	decider.Know(source, promotion.Decider())
	now := func() time.Time { return noon }
	s.Process = &checkout.Process{
		Carts:      decider.NewHandler(cart.Decider(), s.types, s.log, source),
		Stocks:     decider.NewHandler(stock.Decider(), s.types, s.log, source),
		Orders:     decider.NewHandler(order.Decider(), s.types, s.log, source),
		Spendings:  decider.NewHandler(spending.Decider(), s.types, s.log, source),
		Promotions: decider.NewHandler(promotion.Decider(), s.types, s.log, source),
		Source:     source, Shelf: s, Gateway: testgateway.New(new(memlog.Bucket), now),
		Secret: []byte("0123456789abcdef0123456789abcdef"), Now: now,
	}
	return s
}

func (s *shop) Offer(ctx context.Context, sku string) (checkout.Offer, bool, error) {
	state, _, err := s.Stocks.State(ctx, sku)
	return checkout.Offer{Item: item(sku), Available: state.Available()}, true, err
}

func item(sku string) cart.Item {
	return cart.Item{SKU: sku, Product: sku, Handle: sku, Title: sku, Price: money.Of(499, "USD")}
}

func (s *shop) count(sku string, n int) {
	if _, err := s.Stocks.Do(s.t.Context(), sku, stock.Count{OnHand: n}, eventlog.Meta{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) put(user string, cmd cart.Command) {
	if _, err := s.Carts.Do(s.t.Context(), user, cmd, eventlog.Meta{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) buy(user string) string {
	r, err := s.CheckOut(s.t.Context(), checkout.Request{User: user}, eventlog.Meta{Command: "buy:" + user})
	if err != nil || r.Order.Status != order.Placed {
		s.t.Fatal(r.Order.Status, err)
	}
	return r.Order.ID
}

// at is the position of the n-th event of the type, from 1.
func (s *shop) at(typ string, n int) eventlog.Position {
	head, _ := s.log.Head(s.t.Context())
	for p := eventlog.Position(1); p <= head; p++ {
		if e, _ := s.log.Get(s.t.Context(), p); e.Type == typ {
			if n--; n == 0 {
				return p
			}
		}
	}
	s.t.Fatalf("no %s", typ)
	return 0
}

// think returns the other history and what became of which events.
func (s *shop) think(c whatif.Change) (*overlay.Log, []string) {
	s.t.Helper()
	var told []string
	head, _ := s.log.Head(s.t.Context())
	log, err := whatif.Think(s.t.Context(), s.log, s.types, head, "other", c, func(c whatif.Consequence) error {
		text := c.Was.Type
		switch {
		case c.Put:
			text = "put"
		case c.Reason != nil:
			text += " refused"
		}
		for _, e := range c.Instead {
			text += fmt.Sprintf(" %T", e)
		}
		told = append(told, text)
		return nil
	}, func(eventlog.Position) error { return nil })
	if err != nil {
		s.t.Fatal(err)
	}
	if after, _ := s.log.Head(s.t.Context()); after != head {
		s.t.Fatal("the log has grown")
	}
	return log, told
}

func fold[S, C, E any](s *shop, log eventlog.Log, d decider.Decider[S, C, E], id string) (state S) {
	for e, err := range log.Read(s.t.Context(), eventlog.Stream{Category: d.Category, ID: id}) {
		event, derr := s.types.Decode(e)
		if err != nil || derr != nil {
			s.t.Fatal(err, derr)
		}
		state = d.Evolve(state, event.(E))
	}
	return state
}

// purchase is a shop where ann bought two mice of three, with all its events.
func purchase(t *testing.T) (s *shop, id string) {
	s = newShop(t)
	s.count("MOUSE", 1)
	s.count("MOUSE", 3)
	s.put("ann", cart.Add{Item: item("MOUSE"), Quantity: 2})
	return s, s.buy("ann")
}

func TestConsequencesOfAPurchase(t *testing.T) {
	for name, test := range map[string]struct {
		typ    string
		n      int
		told   []string
		status order.Status
		stock  stock.State
		claim  bool
	}{
		"without the pieces": {"stock.counted", 2, []string{
			"stock.reserved refused", "order.payment_requested refused", "order.placed refused",
			"cart.checked_out cart.CheckoutReleased", "stock.committed"}, order.Failed, stock.State{Known: true, OnHand: 1}, false},
		"without what was bought": {"cart.item_added", 1, []string{
			"order.checkout_started refused", "cart.checkout_claimed refused", "stock.reserved refused",
			"order.payment_requested refused", "order.placed refused", "cart.checked_out", "stock.committed"},
			"", stock.State{Known: true, OnHand: 3}, false},
		"without the order's beginning": {"order.checkout_started", 1, []string{
			"cart.checkout_claimed refused", "stock.reserved refused",
			"order.payment_requested refused", "order.placed refused", "cart.checked_out", "stock.committed"},
			"", stock.State{Known: true, OnHand: 3}, false},
		"without the claim": {"cart.checkout_claimed", 1, []string{
			"order.payment_requested refused", "order.placed refused", "cart.checked_out", "stock.committed stock.Released"},
			order.Failed, stock.State{Known: true, OnHand: 3}, false},
		"without the reservation": {"stock.reserved", 1, []string{
			"order.payment_requested refused", "order.placed refused", "cart.checked_out cart.CheckoutReleased", "stock.committed"},
			order.Failed, stock.State{Known: true, OnHand: 3}, false},
		"without the last count but one": {"stock.counted", 1, nil, order.Placed, stock.State{Known: true, OnHand: 1}, false},
		"without the last event":         {"stock.committed", 1, nil, order.Placed, stock.State{Known: true, OnHand: 3}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, id := purchase(t)
			log, told := s.think(whatif.Change{Without: []eventlog.Position{s.at(test.typ, test.n)}})
			if !reflect.DeepEqual(told, test.told) {
				t.Errorf("told %q, want %q", told, test.told)
			}
			if o := fold(s, log, order.Decider(), id); o.Status != test.status {
				t.Errorf("the order is %q", o.Status)
			}
			if got := fold(s, log, stock.Decider(), "MOUSE"); got.OnHand != test.stock.OnHand || test.status != order.Placed && got.Reserved != nil {
				t.Errorf("the stock is %+v", got)
			}
			if c := fold(s, log, cart.Decider(), "ann"); (c.Claim != "") != test.claim {
				t.Errorf("the cart is %+v", c)
			}
		})
	}
}

// What was put in and out again long before a purchase does not touch it.
func TestAnOldDetourChangesNoPurchase(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 3)
	s.put("ann", cart.Add{Item: item("BED"), Quantity: 1})
	s.put("ann", cart.Remove{SKU: "BED"})
	s.put("ann", cart.Add{Item: item("MOUSE"), Quantity: 2})
	id := s.buy("ann")
	log, told := s.think(whatif.Change{Without: []eventlog.Position{2}})
	if want := []string{"cart.item_removed refused"}; !reflect.DeepEqual(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if o := fold(s, log, order.Decider(), id); o.Status != order.Placed {
		t.Errorf("the order is %q", o.Status)
	}
}

func TestWhatIsPutIn(t *testing.T) {
	s, id := purchase(t)
	mouse := eventlog.Stream{Category: "stock", ID: "MOUSE"}
	log, told := s.think(whatif.Change{With: []whatif.Put{{After: 2, Stream: mouse, Event: stock.Counted{OnHand: 3}}}})
	if o := fold(s, log, order.Decider(), id); told != nil || o.Status != order.Placed {
		t.Errorf("a count that changes nothing: %q, %q", told, o.Status)
	}
	_, told = s.think(whatif.Change{With: []whatif.Put{{After: 1, Stream: mouse, Event: stock.Counted{OnHand: -1}}}})
	if !reflect.DeepEqual(told, []string{"put"}) {
		t.Errorf("told %q", told)
	}
}

func TestNoSuchPosition(t *testing.T) {
	s, _ := purchase(t)
	for _, p := range []eventlog.Position{0, 99} {
		_, err := whatif.Think(t.Context(), s.log, s.types, 5, "o", whatif.Change{Without: []eventlog.Position{p}}, nil, nil)
		if !errors.Is(err, whatif.ErrNoEvent) {
			t.Errorf("position %d: %v", p, err)
		}
	}
}
