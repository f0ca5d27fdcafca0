package whatif_test

import (
	"slices"
	"testing"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/whatif"
)

// saved is a shop where ann bought a mouse with a code that is good once.
func saved(t *testing.T) (s *shop, id string) {
	t.Helper()
	s = newShop(t)
	s.count("MOUSE", 10)
	create := promotion.Create{Code: "TEN", Terms: promotion.Terms{Percent: 1000, Limit: 1}, At: noon}
	if _, err := s.Promotions.Do(t.Context(), "TEN", create, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	s.put("ann", cart.Add{Item: item("MOUSE"), Quantity: 1})
	s.put("ann", cart.ApplyCode{Code: "TEN"})
	got, err := s.CheckOut(t.Context(), checkout.Request{User: "ann"}, eventlog.Meta{Command: "buy", Time: noon})
	if err != nil || got.Order.Status != order.Placed || got.Order.Discount == nil {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	return s, got.Order.ID
}

func TestWithAnotherCode(t *testing.T) {
	s, id := saved(t)
	code := eventlog.Stream{Category: promotion.Category, ID: "TEN"}
	without := func(typ string) whatif.Change {
		return whatif.Change{Without: []eventlog.Position{s.at(typ, 1)}}
	}
	with := func(after eventlog.Position, e promotion.Event) whatif.Change {
		return whatif.Change{With: []whatif.Put{{After: after, Stream: code, Event: e}}}
	}
	for name, c := range map[string]struct {
		change  whatif.Change
		refused string // what would not be allowed, first of all
		status  order.Status
		code    string // why it failed
	}{
		"no code at all":           {without("promotion.created"), "cart.discount_applied refused", "", ""},
		"not on the cart":          {without("cart.discount_applied"), "order.checkout_started refused", "", ""},
		"ended before the quote":   {with(s.at("cart.discount_applied", 1), promotion.Ended{At: noon}), "order.checkout_started refused", "", ""},
		"used up before the quote": {with(s.at("cart.discount_applied", 1), promotion.Redeemed{Reservation: "CS-OTHER/1", User: "bob", At: noon}), "order.checkout_started refused", "", ""},
		"used up after the quote":  {with(s.at("order.checkout_started", 1), promotion.Redeemed{Reservation: "CS-OTHER/1", User: "bob", At: noon}), "promotion.redeemed refused", order.Failed, "discount_code_used_up"},
		"the use did not happen":   {without("promotion.redeemed"), "order.payment_requested refused", order.Failed, "interrupted"},
		"ended after the purchase": {with(s.at("order.placed", 1), promotion.Ended{At: noon}), "", order.Placed, ""},
		"used when all was over":   {with(s.at("promotion.redeemed", 1), promotion.Ended{At: noon}), "", order.Placed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, told := s.think(c.change)
			if c.refused != "" && !slices.Contains(told, c.refused) || c.refused == "" && len(told) > 0 {
				t.Errorf("told %q", told)
			}
			o := fold(s, log, order.Decider(), id)
			if o.Status != c.status || o.Code != c.code {
				t.Errorf("the order is %q (%s); told %q", o.Status, o.Code, told)
			}
			// What came to nothing keeps nothing.
			st := fold(s, log, promotion.Decider(), "TEN")
			for _, u := range st.Uses {
				if u.Order == id && c.status != order.Placed {
					t.Errorf("the code is used by %+v", u)
				}
			}
		})
	}
}
