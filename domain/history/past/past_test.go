package past_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/history/past"
	"till/domain/money"
	"till/domain/order"
	"till/domain/spending"
	"till/domain/stock"
)

var (
	at    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	mouse = cart.Item{SKU: "MOUSE", Product: "2", Handle: "mouse", Title: "Mouse", Price: money.Of(499, "USD")}
	wand  = cart.Item{SKU: "WAND", Product: "3", Handle: "wand", Title: "Wand", Price: money.Of(999, "USD")}
	agent = eventlog.Actor{Kind: eventlog.Agent, User: "usr_1", Client: "cli_1", Grant: "g1"}
)

// shop is a log on which one thing happens after the other.
type shop struct {
	t   *testing.T
	log *memlog.Log
	past.Past
	ends map[eventlog.Stream][2]uint64 // position and number
}

func newShop(t *testing.T) *shop {
	log := memlog.New("e1")
	return &shop{t, log, past.Past{Log: log, Types: types()}, map[eventlog.Stream][2]uint64{}}
}

// happens appends events to a stream ("cart/usr_1").
func (s *shop) happens(name string, actor eventlog.Actor, events ...any) {
	s.t.Helper()
	category, id, _ := strings.Cut(name, "/")
	stream := eventlog.Stream{Category: category, ID: id}
	for _, event := range events {
		wire, version, data, err := s.Types.Encode(event)
		if err != nil {
			s.t.Fatal(err)
		}
		end := s.ends[stream]
		e := eventlog.Envelope{Stream: stream, Number: end[1] + 1, Type: wire, Version: version, Data: data,
			Meta: eventlog.Meta{Command: fmt.Sprint(name, end[1]), Actor: actor, Time: at}}
		p, err := s.log.Append(s.t.Context(), eventlog.Change{Stream: stream, Expected: eventlog.Position(end[0]), Events: []eventlog.Envelope{e}})
		if err != nil {
			s.t.Fatal(err)
		}
		s.ends[stream] = [2]uint64{uint64(p), end[1] + 1}
	}
}

// story is two people, a line that comes and goes, and an order of one of them.
func story(t *testing.T) *shop {
	s := newShop(t)
	s.happens("grant/g1", eventlog.Actor{Kind: eventlog.User, User: "usr_1"}, grant.Authorized{ID: "g1", User: "usr_1", Client: "cli_1", At: at}) // 1
	s.happens("stock/MOUSE", eventlog.Actor{Kind: eventlog.System}, stock.Counted{OnHand: 9})                                                     // 2
	s.happens("cart/usr_1", agent,
		cart.ItemAdded{Item: mouse, Quantity: 5},           // 3, gone by 4
		cart.ItemRemoved{SKU: "MOUSE", Quantity: 5},        // 4
		cart.ItemAdded{Item: mouse, Quantity: 1},           // 5
		cart.ItemAdded{Item: wand, Quantity: 1},            // 6
		cart.QuantityChanged{SKU: "MOUSE", From: 1, To: 2}) // 7
	s.happens("cart/usr_2", eventlog.Actor{Kind: eventlog.Agent, User: "usr_2", Grant: "g2"}, cart.ItemAdded{Item: mouse, Quantity: 1}) // 8
	s.happens("order/CS-1", agent, order.CheckoutStarted{ID: "CS-1", User: "usr_1", Quote: "q", Total: money.Of(998, "USD"),
		Lines: []cart.Line{{Item: mouse, Quantity: 2}}, Method: "pm", At: at}) // 9
	s.happens("cart/usr_1", agent, cart.CheckoutClaimed{Order: "CS-1"})                                                   // 10
	s.happens("stock/MOUSE", agent, stock.Reserved{Reservation: "CS-1/1", Quantity: 2, Until: at})                        // 11
	s.happens("stock/MOUSE", agent, stock.Reserved{Reservation: "CS-2/1", Quantity: 1, Until: at})                        // 12
	s.happens("order/CS-1", agent, order.OrderPlaced{Attempt: 1, Payment: "test_1", Total: money.Of(998, "USD"), At: at}) // 13
	s.happens("cart/usr_1", agent, cart.CheckedOut{Order: "CS-1", Lines: []cart.Bought{{SKU: "MOUSE", Quantity: 2}}})     // 14
	s.happens("stock/MOUSE", agent, stock.Committed{Reservation: "CS-1/1", Quantity: 2})                                  // 15
	s.happens("cart/usr_1", agent, cart.ItemAdded{Item: mouse, Quantity: 7})                                              // 16
	return s
}

func told(parts []past.Part) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = p.Name + ":"
		for _, e := range p.Events {
			words[i] += fmt.Sprint(" ", e.Position)
		}
	}
	return strings.Join(words, "; ")
}

func TestWhereAnOrderComesFrom(t *testing.T) {
	s := story(t)
	want := "allowed: 1; into_cart: 5 7; purchase: 9 13; cart: 10 14; stock: 11 15"
	parts, err := s.Order(t.Context(), "CS-1")
	if err != nil || told(parts) != want {
		t.Errorf("read stream by stream: %s, %v", told(parts), err)
	}
	// An index may hand the events out in any order.
	asked := false
	s.Find = func(ctx context.Context, k history.Key) (found []history.Happened, err error) {
		asked = true
		for events, err := range s.log.Follow(ctx, 0, 100) {
			if err != nil {
				return nil, err
			}
			for _, e := range events {
				value, err := s.Types.Decode(e)
				if err != nil {
					return nil, err
				}
				if h := (history.Happened{Envelope: e, Event: value}); h.About(k) {
					found = append(found, h)
				}
			}
			break
		}
		slices.Reverse(found)
		return found, nil
	}
	parts, err = s.Order(t.Context(), "CS-1")
	if err != nil || told(parts) != want || !asked {
		t.Errorf("found by an index (%v): %s, %v", asked, told(parts), err)
	}
	for _, find := range []func(context.Context, history.Key) ([]history.Happened, error){s.Find, nil} {
		s.Find = find
		if _, err := s.Order(t.Context(), "CS-3"); !errors.Is(err, order.ErrUnknown) {
			t.Errorf("an order that is not there: %v", err)
		}
	}
	s.Find = func(context.Context, history.Key) ([]history.Happened, error) { return nil, eventlog.ErrUnavailable }
	if _, err := s.Order(t.Context(), "CS-1"); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("without an answer: %v", err)
	}
}

func TestWhereACartLineComesFrom(t *testing.T) {
	s := story(t)
	for _, test := range []struct {
		user, sku, want string
		err             error
	}{
		{"usr_1", "MOUSE", "allowed: 1; into_cart: 16", nil},
		{"usr_1", "WAND", "allowed: 1; into_cart: 6", nil},
		{"usr_2", "MOUSE", "into_cart: 8", nil},
		{"usr_2", "WAND", "", cart.ErrNotInCart},
		{"usr_3", "MOUSE", "", cart.ErrNotInCart},
	} {
		parts, err := s.CartLine(t.Context(), test.user, test.sku)
		if told(parts) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s of %s: %s, %v", test.sku, test.user, told(parts), err)
		}
	}
}

func TestAnAggregateAtAnyMoment(t *testing.T) {
	s := story(t)
	stream := eventlog.Stream{Category: cart.Category, ID: "usr_1"}
	for _, test := range []struct {
		upto     eventlog.Position
		number   uint64
		quantity int
	}{
		{3, 1, 5}, {4, 2, 0}, {5, 3, 1}, {6, 4, 1}, {7, 5, 2}, {9, 5, 2}, {10, 6, 2}, {15, 7, 0}, {16, 8, 7}, {99, 8, 7},
	} {
		step, err := s.At(t.Context(), stream, test.upto)
		if err != nil {
			t.Fatal(err)
		}
		line, _ := step.After.(cart.State).Find("MOUSE")
		if step.Number != test.number || line.Quantity != test.quantity {
			t.Errorf("at %d: event %d, %d mice", test.upto, step.Number, line.Quantity)
		}
	}
	if _, err := s.At(t.Context(), stream, 2); !errors.Is(err, past.ErrNone) {
		t.Errorf("before its first event: %v", err)
	}
	if _, err := s.At(t.Context(), eventlog.Stream{Category: "parcel", ID: "1"}, 99); !errors.Is(err, past.ErrNone) {
		t.Errorf("of no kind: %v", err)
	}
}

func types() *eventlog.Types {
	t := eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){cart.Register, grant.Register, order.Register, spending.Register, stock.Register} {
		register(t)
	}
	return t
}

// holed is a log that has lost an event.
type holed struct {
	eventlog.Log
	lost eventlog.Position
}

func (h holed) Read(ctx context.Context, s eventlog.Stream) iter.Seq2[eventlog.Envelope, error] {
	return func(yield func(eventlog.Envelope, error) bool) {
		for e, err := range h.Log.Read(ctx, s) {
			if e.Position != h.lost && !yield(e, err) {
				return
			}
		}
	}
}

func TestNothingIsFoldedOverAHole(t *testing.T) {
	s := story(t)
	s.Log = holed{s.log, 5}
	_, err := s.At(t.Context(), eventlog.Stream{Category: cart.Category, ID: "usr_1"}, 99)
	var gap *eventlog.Gap
	if !errors.As(err, &gap) || gap.From != 3 || gap.To != 3 {
		t.Errorf("got %v", err)
	}
	if _, err := s.Order(t.Context(), "CS-1"); !errors.Is(err, eventlog.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
