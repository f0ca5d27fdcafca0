package whatif_test

import (
	"slices"
	"testing"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/spending"
	"till/domain/whatif"
)

// agent lets cli_1 buy two orders of $4.99 for ann.
func (s *shop) agent(rules spending.Rules) (orders []string) {
	s.count("A", 10)
	if rules.Any() {
		cmd := spending.SetRules{User: "ann", Client: "cli_1", Rules: rules, At: s.Now()}
		if _, err := s.Spendings.Do(s.t.Context(), spending.ID("ann", "cli_1"), cmd, eventlog.Meta{}); err != nil {
			s.t.Fatal(err)
		}
	}
	for range 2 {
		s.put("ann", cart.Add{Item: item("A"), Quantity: 1})
		r, err := s.CheckOut(s.t.Context(), checkout.Request{User: "ann", Client: "cli_1"}, eventlog.Meta{Command: "buy"})
		if err != nil || r.Order.Status != order.Placed {
			s.t.Fatal(r.Order.Status, err)
		}
		orders = append(orders, r.Order.ID)
	}
	return orders
}

func TestWithAnotherLimit(t *testing.T) {
	five, ten := money.Of(500, "USD"), money.Of(1000, "USD")
	for name, c := range map[string]struct {
		rules, other spending.Rules
		after        string // the event after which the other rules come
		placed       []bool
	}{
		"a limit where there was none":      {spending.Rules{}, spending.Rules{PerDay: &five}, "stock.counted", []bool{true, false}},
		"a limit that changes nothing":      {spending.Rules{}, spending.Rules{PerDay: &ten}, "stock.counted", []bool{true, true}},
		"a lower one than there was":        {spending.Rules{PerDay: &ten}, spending.Rules{PerDay: &five}, "spending.rules_set", []bool{true, false}},
		"a yes that was not needed":         {spending.Rules{PerDay: &ten}, spending.Rules{AskAbove: &money.Amount{Currency: "USD"}}, "spending.rules_set", []bool{false, false}},
		"a limit between the two purchases": {spending.Rules{}, spending.Rules{PerOrder: &money.Amount{Minor: 1, Currency: "USD"}}, "order.placed", []bool{true, false}},
		"rules that are lifted":             {spending.Rules{PerDay: &ten}, spending.Rules{}, "spending.rules_set", []bool{true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			orders := s.agent(c.rules)
			log, told := s.think(whatif.Change{With: []whatif.Put{{After: s.at(c.after, 1), Stream: eventlog.Stream{Category: spending.Category, ID: spending.ID("ann", "cli_1")},
				Event: spending.RulesSet{User: "ann", Client: "cli_1", Rules: c.other, At: s.Now()}}}})
			for i, id := range orders {
				o := fold(s, log, order.Decider(), id)
				if placed := o.Status == order.Placed; placed != c.placed[i] {
					t.Errorf("order %d is %s (%s); told %v", i+1, o.Status, o.Code, told)
				}
				// The second never began where the first left its mouse in the cart.
				if !c.placed[i] && o.Status != "" && (o.Code != "spending_limit_exceeded" && o.Code != "approval_required") {
					t.Errorf("order %d ended with %q", i+1, o.Code)
				}
			}
			if refused := slices.ContainsFunc(told, func(t string) bool {
				return t == "order.payment_requested refused" || t == "spending.reserved refused" || t == "order.checkout_started refused"
			}); refused == c.placed[1] {
				t.Errorf("told %v", told)
			}
		})
	}
}
