package projections_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/projections"
)

// place puts an order straight on the log, as the checkout would.
func (s *shop) place(t rapid.TB, user, id string) eventlog.Position {
	line := cart.Line{Item: cart.Item{SKU: "MOUSE", Title: "Mouse", Price: money.Of(499, "USD")}, Quantity: 1}
	var at eventlog.Position
	for _, c := range []order.Command{
		order.Start{ID: id, User: user, Quote: "q_" + id, Lines: []cart.Line{line}, Total: line.Subtotal(), Method: "m", At: s.now},
		order.RequestPayment{Attempt: 1},
		order.Place{Attempt: 1, Payment: "p", At: s.now},
	} {
		out, err := s.process.Orders.Do(s.t.Context(), id, c, s.meta())
		if err != nil {
			t.Fatal(err)
		}
		at = out.Position
	}
	return at
}

// Whatever is placed, by whomever, while somebody turns the pages: they see
// every order that was there when they began once, newest first, and no other.
func TestPagesHaveNoGapsAndNoDoubles(t *testing.T) {
	s := newShop(t)
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		users := []string{fmt.Sprint("alice", round), fmt.Sprint("bob", round)}
		var at eventlog.Position
		made := 0
		placed := map[string][]string{}
		grow := func(n int) {
			for range n {
				who := rapid.SampledFrom(users).Draw(t, "who")
				made++
				id := fmt.Sprintf("CS-%d-%d", round, made)
				at = s.place(t, who, id)
				placed[who] = append(placed[who], id)
			}
		}
		grow(rapid.IntRange(0, 12).Draw(t, "orders"))
		who := users[0]
		want := slices.Clone(placed[who])
		slices.Reverse(want)

		var got []string
		q := projections.OrderQuery{User: who, Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
		for page := 0; page == 0 || q.Cursor != ""; page++ {
			err := s.views.Read(s.t.Context(), at, func(r *projections.Reader) error {
				p, err := r.Orders(s.t.Context(), q)
				if err != nil {
					return err
				}
				if p.Total != len(placed[who]) {
					t.Fatalf("the total is %d, there are %d", p.Total, len(placed[who]))
				}
				if p.Next != "" && len(p.Orders) != q.Limit {
					t.Fatalf("a page of %d in the middle, want %d", len(p.Orders), q.Limit)
				}
				for _, o := range p.Orders {
					if o.User != who || o.Status != order.Placed {
						t.Fatalf("%s sees %s of %s (%s)", who, o.ID, o.User, o.Status)
					}
					got = append(got, o.ID)
				}
				q.Cursor = p.Next
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			grow(rapid.IntRange(0, 2).Draw(t, "meanwhile"))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("saw %v, want %v", got, want)
		}
	})
}

func TestCursorsOfOthersAreRefused(t *testing.T) {
	s := newShop(t)
	for i := range 3 {
		s.place(t, "alice", fmt.Sprint("CS-A", i))
		s.place(t, "bob", fmt.Sprint("CS-B", i))
	}
	s.sell(mouse(), 1)
	s.sell(collar(), 1)
	s.read(func(r *projections.Reader) {
		alice := must(r.Orders(t.Context(), projections.OrderQuery{User: "alice", Limit: 1}))
		products := must(r.Products(t.Context(), projections.ProductQuery{Limit: 1}))
		if alice.Next == "" || products.Next == "" {
			t.Fatal("no cursors")
		}
		for _, bad := range []string{alice.Next, products.Next, "x", "AAAA", alice.Next + "A", alice.Next[1:], string(make([]byte, 5000)), "WyJvcmRlcnMiLCJ4IiwxXQ"} {
			if _, err := r.Orders(t.Context(), projections.OrderQuery{User: "bob", Cursor: bad}); !errors.Is(err, projections.ErrCursor) {
				t.Errorf("bob's orders from %q: %v", bad, err)
			}
			if _, err := r.Products(t.Context(), projections.ProductQuery{Text: "mouse", Cursor: bad}); !errors.Is(err, projections.ErrCursor) {
				t.Errorf("products from %q: %v", bad, err)
			}
		}
		if p, err := r.Products(t.Context(), projections.ProductQuery{Limit: 1, Cursor: products.Next}); err != nil || len(p.Products) != 1 || p.Products[0].ID != "9" || p.Next != "" {
			t.Errorf("the second page: %+v %v", p, err)
		}
	})
}

// Checkouts that came to nothing, or are under way, are no part of the history.
func TestOnlyPlacedOrdersAreHistory(t *testing.T) {
	s := newShop(t)
	line := cart.Line{Item: cart.Item{SKU: "MOUSE", Price: money.Of(499, "USD")}, Quantity: 1}
	start := func(id string) {
		do(s, s.process.Orders, id, order.Command(order.Start{ID: id, User: "alice", Quote: "q_" + id, Lines: []cart.Line{line}, Total: line.Subtotal(), At: s.now}))
	}
	start("CS-STARTED")
	start("CS-FAILED")
	do(s, s.process.Orders, "CS-FAILED", order.Command(order.Fail{Attempt: 1, Code: "x", Reason: "x"}))
	start("CS-DECLINED")
	do(s, s.process.Orders, "CS-DECLINED", order.Command(order.RequestPayment{Attempt: 1}))
	do(s, s.process.Orders, "CS-DECLINED", order.Command(order.Decline{Attempt: 1, Code: "x", Reason: "x"}))
	s.place(t, "alice", "CS-PLACED")
	s.read(func(r *projections.Reader) {
		page := must(r.Orders(t.Context(), projections.OrderQuery{User: "alice"}))
		if page.Total != 1 || page.Orders[0].ID != "CS-PLACED" {
			t.Errorf("the history is %+v", page)
		}
		if o, ok, err := r.Order(t.Context(), "alice", "CS-DECLINED"); !ok || err != nil || o.Status != order.Declined {
			t.Errorf("the declined one: %+v %t %v", o, ok, err)
		}
	})
	open, err := s.views.OpenOrders(t.Context(), s.now.Add(1e9), 10)
	if err != nil || !slices.Equal(open, []string{"CS-STARTED"}) {
		t.Errorf("open: %v %v", open, err)
	}
}
