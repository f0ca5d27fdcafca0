package projections_test

import (
	"testing"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/projections"
)

func mouse() catalog.Product {
	return catalog.Product{ID: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Category: "toys", Description: "Wool felt.",
		Tags: []string{"organic"}, Variants: []catalog.Variant{{SKU: "MOUSE-CATNIP", Price: money.Of(499, "USD")}}}
}

func collar() catalog.Product {
	return catalog.Product{ID: "9", Handle: "collar", Title: "Breakaway Collar", Category: "wear", Description: "Opens when it must.",
		Options: []string{"colour"}, Variants: []catalog.Variant{
			{SKU: "COLLAR-RED", Values: []string{"red"}, Price: money.Of(899, "USD")},
			{SKU: "COLLAR-BLUE", Values: []string{"blue"}, Price: money.Of(999, "USD")},
		}}
}

// A person shops; every answer includes what was just done, and nobody else
// sees any of it.
func TestShopping(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 10)
	s.sell(collar(), 3)
	s.add("alice", "MOUSE-CATNIP", 2)
	at := s.add("alice", "collar-red", 1)
	s.add("bob", "MOUSE-CATNIP", 1)

	err := s.views.Read(t.Context(), at, func(r *projections.Reader) error {
		if r.At() < at {
			t.Errorf("read at %d, want %d or later", r.At(), at)
		}
		c, v, err := r.Cart(t.Context(), "alice")
		if err != nil {
			return err
		}
		if c.Pieces() != 3 || c.Total() != money.Of(1897, "USD") || v.Number != 2 || v.Position != at {
			t.Errorf("alice's cart is %+v, version %+v", c, v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	result := s.buy("alice")
	if result.Order.Status != order.Placed {
		t.Fatalf("the order is %s: %s", result.Order.Status, result.Order.Reason)
	}
	err = s.views.Read(t.Context(), result.At, func(r *projections.Reader) error {
		c, _, _ := r.Cart(t.Context(), "alice")
		if len(c.Lines) != 0 || c.LastOrder != result.Order.ID {
			t.Errorf("after the order alice's cart is %+v", c)
		}
		page := must(r.Orders(t.Context(), projections.OrderQuery{User: "alice"}))
		if page.Total != 1 || len(page.Orders) != 1 || page.Orders[0].ID != result.Order.ID || page.Next != "" {
			t.Errorf("alice's orders: %+v", page)
		}
		if page := must(r.Orders(t.Context(), projections.OrderQuery{User: "bob"})); page.Total != 0 || len(page.Orders) != 0 {
			t.Errorf("bob sees orders: %+v", page)
		}
		if _, ok, _ := r.Order(t.Context(), "bob", result.Order.ID); ok {
			t.Error("bob sees alice's order")
		}
		if o, ok, _ := r.Order(t.Context(), "alice", result.Order.ID); !ok || o.Total != money.Of(1897, "USD") {
			t.Errorf("alice's order: %+v, %t", o, ok)
		}
		if c, _, _ := r.Cart(t.Context(), "bob"); c.Pieces() != 1 {
			t.Errorf("bob's cart is %+v", c)
		}
		l, sku, ok, err := r.Product(t.Context(), "Collar-RED")
		if err != nil || !ok || sku != "COLLAR-RED" || l.Available[0] != 2 || l.Available[1] != 3 || l.From.Minor != 899 || l.To.Minor != 999 {
			t.Errorf("the collar: %+v %q %t %v", l, sku, ok, err)
		}
		if l, _, _, _ := r.Product(t.Context(), "2"); l.Available[0] != 8 {
			t.Errorf("%d mice are left", l.Available[0])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Nothing is known of a stream without events, and that is no error.
func TestNothing(t *testing.T) {
	s := newShop(t)
	s.read(func(r *projections.Reader) {
		c, v, err := r.Cart(t.Context(), "nobody")
		if err != nil || v.Number != 0 || len(c.Lines) != 0 {
			t.Errorf("cart %+v %+v %v", c, v, err)
		}
		if _, _, ok, err := r.Product(t.Context(), "nothing"); ok || err != nil {
			t.Errorf("product %t %v", ok, err)
		}
		if page, err := r.Products(t.Context(), projections.ProductQuery{Text: "mouse"}); err != nil || page.Total != 0 {
			t.Errorf("products %+v %v", page, err)
		}
	})
	state, v, err := s.process.Carts.State(t.Context(), "nobody")
	if err != nil || v.Number != 0 || len(state.Lines) != 0 {
		t.Errorf("state %+v %+v %v", state, v, err)
	}
}

// That a stream had no events is remembered until its first one, by readers too.
func TestNothingYet(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 10)
	for range 2 {
		if state, v, err := s.views.State(t.Context(), eventlog.Stream{Category: cart.Category, ID: "alice"}); state != nil || v != (decider.Version{}) || err != nil {
			t.Fatalf("state %+v %+v %v of a cart without events", state, v, err)
		}
		s.read(func(r *projections.Reader) {
			if c, v, err := r.Cart(t.Context(), "alice"); err != nil || v.Number != 0 || len(c.Lines) != 0 {
				t.Errorf("cart %+v %+v %v", c, v, err)
			}
		})
	}
	if err := s.views.Wait(t.Context(), s.add("alice", "MOUSE-CATNIP", 2)); err != nil {
		t.Fatal(err)
	}
	s.read(func(r *projections.Reader) {
		if c, v, err := r.Cart(t.Context(), "alice"); err != nil || v.Number != 1 || len(c.Lines) != 1 {
			t.Errorf("cart %+v %+v %v after the first event", c, v, err)
		}
	})
	if state, v, err := s.views.State(t.Context(), eventlog.Stream{Category: cart.Category, ID: "alice"}); err != nil || v.Number != 1 || len(state.(cart.State).Lines) != 1 {
		t.Errorf("state %+v %+v %v after the first event", state, v, err)
	}
}

// A restart finds everything as it was, without building anything.
func TestRestart(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 10)
	s.add("alice", "MOUSE-CATNIP", 2)
	order := s.buy("alice").Order.ID
	s.reopen()
	s.read(func(r *projections.Reader) {
		if _, ok, err := r.Order(t.Context(), "alice", order); !ok || err != nil {
			t.Errorf("the order is gone: %v", err)
		}
	})
	if s.warned.String() != "" {
		t.Errorf("the views said: %s", s.warned.String())
	}
	// The commands go on from the stored states.
	s.add("alice", "MOUSE-CATNIP", 1)
	s.read(func(r *projections.Reader) {
		c, v, _ := r.Cart(t.Context(), "alice")
		// Added, claimed by the order, checked out, added.
		if v.Number != 4 || c.Pieces() != 1 {
			t.Errorf("cart %+v %+v", c, v)
		}
	})
}
