package cart_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
	"till/domain/money"
)

func item(sku string, cents int64) cart.Item {
	return cart.Item{SKU: sku, Product: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Price: money.Of(cents, "USD")}
}

func added(sku string, n int) cart.Event { return cart.ItemAdded{Item: item(sku, 499), Quantity: n} }

func TestAdd(t *testing.T) {
	t.Run("puts pieces on top", func(t *testing.T) {
		s := story.Given(t, cart.Decider(), added("MOUSE", 2)).
			When(cart.Add{Item: item("MOUSE", 499), Quantity: 3}).Then(added("MOUSE", 3))
		if l, _ := s.State().Find("MOUSE"); l.Quantity != 5 {
			t.Errorf("the line holds %d", l.Quantity)
		}
	})
	t.Run("at the newest price", func(t *testing.T) {
		s := story.Given(t, cart.Decider(), added("MOUSE", 2)).When(cart.Add{Item: item("MOUSE", 399), Quantity: 1})
		if got := s.State().Total(); got != money.Of(3*399, "USD") {
			t.Errorf("the total is %v", got)
		}
	})
	for _, n := range []int{-1, 0, 100} {
		t.Run(fmt.Sprint("refuses ", n), func(t *testing.T) {
			_, err := cart.Decide(cart.State{}, cart.Add{Item: item("MOUSE", 499), Quantity: n})
			var q *cart.Quantity
			if !errors.As(err, &q) || q.Asked != n {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("refuses a line beyond 99", func(t *testing.T) {
		s := story.Given(t, cart.Decider(), added("MOUSE", 98)).State()
		_, err := cart.Decide(s, cart.Add{Item: item("MOUSE", 499), Quantity: 2})
		var q *cart.Quantity
		if !errors.As(err, &q) || q.Has != 98 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("refuses a fifty-first line", func(t *testing.T) {
		var history []cart.Event
		for i := range cart.MaxLines {
			history = append(history, added(fmt.Sprint("SKU-", i), 1))
		}
		story.Given(t, cart.Decider(), history...).
			When(cart.Add{Item: item("ONE-MORE", 499), Quantity: 1}).Refused(cart.ErrTooManyLines)
		story.Given(t, cart.Decider(), history...).
			When(cart.Add{Item: item("SKU-7", 499), Quantity: 1}).Then(added("SKU-7", 1))
	})
	t.Run("refuses a second currency", func(t *testing.T) {
		euro := item("BED", 499)
		euro.Price.Currency = "EUR"
		story.Given(t, cart.Decider(), added("MOUSE", 1)).When(cart.Add{Item: euro, Quantity: 1}).Refused(cart.ErrCurrency)
	})
}

func TestChange(t *testing.T) {
	given := func(t *testing.T) *story.Story[cart.State, cart.Command, cart.Event] {
		return story.Given(t, cart.Decider(), added("MOUSE", 2))
	}
	t.Run("quantity", func(t *testing.T) {
		given(t).When(cart.SetQuantity{SKU: "MOUSE", Quantity: 5}).Then(cart.QuantityChanged{SKU: "MOUSE", From: 2, To: 5}).
			When(cart.SetQuantity{SKU: "MOUSE", Quantity: 5}).Then()
	})
	t.Run("zero takes it out", func(t *testing.T) {
		given(t).When(cart.SetQuantity{SKU: "MOUSE"}).Then(cart.ItemRemoved{SKU: "MOUSE", Quantity: 2})
	})
	t.Run("negative or too many", func(t *testing.T) {
		for _, n := range []int{-1, 100} {
			var q *cart.Quantity
			if _, err := cart.Decide(given(t).State(), cart.SetQuantity{SKU: "MOUSE", Quantity: n}); !errors.As(err, &q) {
				t.Errorf("%d: %v", n, err)
			}
		}
	})
	t.Run("what is not there", func(t *testing.T) {
		given(t).When(cart.SetQuantity{SKU: "BED", Quantity: 1}).Refused(cart.ErrNotInCart)
		given(t).When(cart.Remove{SKU: "BED"}).Refused(cart.ErrNotInCart)
	})
	t.Run("remove", func(t *testing.T) {
		given(t).When(cart.Remove{SKU: "MOUSE"}).Then(cart.ItemRemoved{SKU: "MOUSE", Quantity: 2})
	})
	t.Run("clear, and clear again", func(t *testing.T) {
		given(t).When(cart.Clear{}).Then(cart.Cleared{Lines: 1}).When(cart.Clear{}).Then()
	})
}

func TestCheckOutTakesExactlyWhatWasOrdered(t *testing.T) {
	s := story.Given(t, cart.Decider(), added("MOUSE", 2), added("BED", 1), added("MOUSE", 1), added("WAND", 4)).
		When(cart.CheckOut{Order: "CS-1", Lines: []cart.Bought{{SKU: "MOUSE", Quantity: 2}, {SKU: "BED", Quantity: 1}, {SKU: "GONE", Quantity: 1}}}).State()
	if len(s.Lines) != 2 || s.Lines[0].SKU != "MOUSE" || s.Lines[0].Quantity != 1 || s.Lines[1].Quantity != 4 {
		t.Errorf("left in the cart: %+v", s.Lines)
	}
	if s.LastOrder != "CS-1" {
		t.Errorf("the last order is %q", s.LastOrder)
	}
	if s = cart.Evolve(s, added("BED", 1)); s.LastOrder != "" {
		t.Error("the last order outlives the next change")
	}
}

func TestACode(t *testing.T) {
	ten, twenty := cart.Event(cart.DiscountApplied{Code: "TEN"}), cart.Event(cart.DiscountApplied{Code: "TWENTY"})
	t.Run("one at a time, and off again", func(t *testing.T) {
		s := story.Given(t, cart.Decider(), added("MOUSE", 1)).
			When(cart.ApplyCode{Code: "TEN"}).Then(ten).When(cart.ApplyCode{Code: "TEN"}).Then().
			When(cart.ApplyCode{Code: "TWENTY"}).Then(twenty).
			When(cart.RemoveCode{}).Then(cart.DiscountRemoved{Code: "TWENTY"}).When(cart.RemoveCode{}).Then().State()
		if s.Code != "" || s.Revision != 4 {
			t.Errorf("the cart is %+v", s)
		}
	})
	t.Run("stays while lines change", func(t *testing.T) {
		s := story.Given(t, cart.Decider(), ten, added("MOUSE", 1)).
			When(cart.SetQuantity{SKU: "MOUSE", Quantity: 5}).When(cart.Remove{SKU: "MOUSE"}).When(cart.Add{Item: item("BED", 1), Quantity: 1}).State()
		if s.Code != "TEN" {
			t.Errorf("the cart is %+v", s)
		}
	})
	t.Run("goes with all lines", func(t *testing.T) {
		if s := story.Given(t, cart.Decider(), added("MOUSE", 1), ten).When(cart.Clear{}).Then(cart.Cleared{Lines: 1}).State(); s.Code != "" {
			t.Errorf("the cart is %+v", s)
		}
		story.Given(t, cart.Decider(), ten).When(cart.Clear{}).Then(cart.DiscountRemoved{Code: "TEN"})
	})
	t.Run("is no longer what was quoted", func(t *testing.T) {
		story.Given(t, cart.Decider(), added("MOUSE", 2), ten).When(cart.Claim{Order: "CS-1", Revision: 1}).Refused(cart.ErrChanged)
	})
	for name, c := range map[string]struct {
		used string
		left int
		want string
	}{
		"goes with the order that used it":                {"TEN", 1, ""},
		"stays when another came in its place":            {"TWENTY", 1, "TEN"},
		"stays for what an order without it left":         {"", 1, "TEN"},
		"goes with the last line, whatever the order had": {"", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := story.Given(t, cart.Decider(), added("MOUSE", 2), ten).
				When(cart.CheckOut{Order: "CS-1", Code: c.used, Lines: []cart.Bought{{SKU: "MOUSE", Quantity: 2 - c.left}}}).State()
			if s.Code != c.want || s.Pieces() != c.left {
				t.Errorf("the cart is %+v", s)
			}
		})
	}
}

func TestOneOrderAtATimeBuysACart(t *testing.T) {
	claim := cart.Claim{Order: "CS-1", Revision: 1}
	story.Given(t, cart.Decider(), added("MOUSE", 2)).
		When(claim).Then(cart.CheckoutClaimed{Order: "CS-1"}).
		When(claim).Then().
		When(cart.Unclaim{Order: "CS-2"}).Then().
		When(cart.Unclaim{Order: "CS-1"}).Then(cart.CheckoutReleased{Order: "CS-1"}).
		When(cart.Claim{Order: "CS-2", Revision: 1}).Then(cart.CheckoutClaimed{Order: "CS-2"})
	story.Given(t, cart.Decider(), added("MOUSE", 2), added("BED", 1)).When(claim).Refused(cart.ErrChanged)

	s := story.Given(t, cart.Decider(), added("MOUSE", 2), cart.Event(cart.CheckoutClaimed{Order: "CS-1"})).State()
	var claimed *cart.Claimed
	if _, err := cart.Decide(s, cart.Claim{Order: "CS-2", Revision: 1}); !errors.As(err, &claimed) || claimed.Order != "CS-1" {
		t.Errorf("a second order: %v", err)
	}
	if s = cart.Evolve(s, cart.CheckedOut{Order: "CS-1"}); s.Claim != "" {
		t.Error("the claim outlives its order")
	}
}

// Whatever is commanded, the cart keeps its bounds, its total is the sum of its
// lines, and what was there before does not change under a reader's hands.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s cart.State
		for range rapid.IntRange(1, 80).Draw(t, "commands") {
			before := fmt.Sprint(s)
			was := s
			events, err := cart.Decide(s, command(t))
			if err != nil && len(events) > 0 {
				t.Fatalf("refused (%v) and decided %v", err, events)
			}
			story.Redone(t, cart.Decider(), cart.Redo, s, events...)
			for _, e := range events {
				s = cart.Evolve(s, e)
			}
			if fmt.Sprint(was) != before {
				t.Fatal("evolving changed the old state")
			}
			var sum int64
			for _, l := range s.Lines {
				sum += l.Price.Minor * int64(l.Quantity)
				if l.Quantity < 1 || l.Quantity > cart.MaxQuantity {
					t.Fatalf("a line of %d pieces", l.Quantity)
				}
			}
			if len(s.Lines) > cart.MaxLines || s.Total().Minor != sum {
				t.Fatalf("%d lines, total %v, sum %d", len(s.Lines), s.Total(), sum)
			}
		}
	})
}

func command(t *rapid.T) cart.Command {
	sku := fmt.Sprint("SKU-", rapid.IntRange(0, 60).Draw(t, "sku"))
	n := rapid.IntRange(-2, 120).Draw(t, "n")
	return rapid.SampledFrom([]cart.Command{
		cart.Add{Item: item(sku, rapid.Int64Range(0, 1e9).Draw(t, "price")), Quantity: n},
		cart.Add{Item: item(sku, 100), Quantity: 1},
		cart.SetQuantity{SKU: sku, Quantity: n}, cart.Remove{SKU: sku}, cart.Clear{},
		cart.CheckOut{Order: "CS-1", Lines: []cart.Bought{{SKU: sku, Quantity: max(n, 1)}}},
		cart.CheckOut{Order: "CS-1", Lines: []cart.Bought{{SKU: sku, Quantity: 1}}, Code: "TEN"},
		cart.ApplyCode{Code: "TEN"}, cart.ApplyCode{Code: "TWENTY"}, cart.RemoveCode{},
	}).Draw(t, "command")
}

func TestEvents(t *testing.T) {
	types := eventlog.NewTypes()
	cart.Register(types)
	bed := cart.Item{SKU: "CAT-BED-GRY-S", Product: "4", Handle: "cozy-cat-bed", Title: "Cozy Cat Bed", Variant: "grey / small", Price: money.Of(2999, "USD")}
	golden.Check(t, types,
		cart.ItemAdded{Item: bed, Quantity: 2},
		cart.Filled{Items: []cart.ItemAdded{{Item: bed, Quantity: 1}, {Item: cart.Item{SKU: "MOUSE-CATNIP", Product: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Price: money.Of(499, "USD")}, Quantity: 2}}},
		cart.QuantityChanged{SKU: "CAT-BED-GRY-S", From: 2, To: 3},
		cart.ItemRemoved{SKU: "CAT-BED-GRY-S", Quantity: 3},
		cart.Cleared{Lines: 2},
		cart.CheckoutClaimed{Order: "CS-7K3M9-Q2X4T"},
		cart.CheckoutReleased{Order: "CS-7K3M9-Q2X4T"},
		cart.DiscountApplied{Code: "WELCOME10"},
		cart.DiscountRemoved{Code: "WELCOME10"},
		cart.CheckedOut{Order: "CS-7K3M9-Q2X4T", Lines: []cart.Bought{{SKU: "CAT-BED-GRY-S", Quantity: 2}}, Code: "WELCOME10"},
		golden.Was{Version: 1, Event: cart.CheckedOut{Order: "CS-7K3M9-Q2X4T", Lines: []cart.Bought{{SKU: "CAT-BED-GRY-S", Quantity: 2}}}},
	)
}
