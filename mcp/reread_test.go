package mcp

import (
	"fmt"
	"sync"
	"testing"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/projections"
)

// TestAReadingThatIsBegunTwice: the views may move on while they are read, and
// then are read from the beginning.
func TestAReadingThatIsBegunTwice(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 1, "quantity": 2})
	a.ok("add_to_cart", args{"product": 2})
	c := &call{Server: s.face, caller: Caller{User: "usr_alice"}}
	cart, page := basket{Replayed: true, LastOrder: "CS-1"}, productPage{}
	twice := func(fill func(*projections.Reader) error) {
		t.Helper()
		if err := s.views.Read(t.Context(), 0, func(r *projections.Reader) error {
			if err := fill(r); err != nil {
				return err
			}
			return fill(r)
		}); err != nil {
			t.Fatal(err)
		}
	}
	twice(func(r *projections.Reader) error { return cart.read(t.Context(), c, r) })
	if len(cart.Lines) != 2 || cart.Pieces != 3 || !cart.Replayed || cart.LastOrder != "" {
		t.Errorf("the cart is %+v", cart)
	}
	q := projections.ProductQuery{Limit: 3, Facets: true}
	twice(func(r *projections.Reader) error { return page.read(t.Context(), c, r, &q) })
	if len(page.Products) != 3 || page.Total != 5 || len(page.Facets.Category) != 2 {
		t.Errorf("the page is %+v", page)
	}
	// What the first look found, the second may not find.
	q = projections.ProductQuery{Limit: 3, Text: "whisker"}
	page = productPage{DidYouMean: []suggestion{{Use: "old"}}, SearchedFor: "old", NextCursor: "old"}
	twice(func(r *projections.Reader) error { return page.read(t.Context(), c, r, &q) })
	if len(page.Products) != 1 || page.DidYouMean != nil || page.SearchedFor != "" || page.NextCursor != "" {
		t.Errorf("the page is %+v", page)
	}
}

// TestARefusalAfterTheSameCallLanded: the line is gone because the same call,
// sent twice, has removed it between two looks.
func TestARefusalAfterTheSameCallLanded(t *testing.T) {
	s := newShop(t)
	s.agent("alice", modernEra).ok("add_to_cart", args{"product": 2})
	c := &call{Server: s.face, caller: Caller{User: "usr_alice"}}
	meta := eventlog.Meta{Command: "key:1", Fingerprint: "remove", Time: s.clock()}
	refusal := &problem{Code: "not_in_cart"}
	refuse := func(*projections.Reader) error { return refusal }
	if err := c.unlessDone(t.Context(), meta, refuse); err != refusal {
		t.Fatalf("nothing was done, and it is told %v", err)
	}
	err := c.unlessDone(t.Context(), meta, func(*projections.Reader) error {
		out, err := s.process.Carts.Do(t.Context(), "usr_alice", cart.Remove{SKU: "MOUSE-CATNIP"}, meta)
		if err == nil {
			err = s.views.Wait(t.Context(), out.Position)
		}
		if err != nil {
			t.Error(err)
		}
		return refusal
	})
	if err != nil {
		t.Errorf("it was done, and it is told %v", err)
	}
}

// TestRacingRemovalsWithOneKey are all told that it is done.
func TestRacingRemovalsWithOneKey(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	for round := range 8 {
		a.ok("add_to_cart", args{"product": "rare-thing", "quantity": 3})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				a.ok("remove_from_cart", args{"product": "rare-thing", "idempotency_key": fmt.Sprint("k", round)})
			})
		}
		wg.Wait()
	}
}

// TestRacingAdditionsOfTheLastPieces: the first takes them all, the others are
// the same call.
func TestRacingAdditionsOfTheLastPieces(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	for round := range 8 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				a.ok("add_to_cart", args{"product": "rare-thing", "quantity": 3, "idempotency_key": fmt.Sprint("k", round)})
			})
		}
		wg.Wait()
		a.ok("clear_cart", nil)
	}
}
