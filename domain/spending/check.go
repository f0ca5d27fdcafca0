package spending

import (
	"fmt"
	"slices"
	"time"

	"till/domain/money"
	"till/domain/order"
)

// Limit is which rule an order breaks.
type Limit string

// The limits.
const (
	PerOrder Limit = "per_order"
	PerDay   Limit = "per_day"
	// Orders is the number of orders of a day, see [MaxOrders].
	Orders Limit = "orders"
	// Currency: the limits are in another currency than the order.
	Currency Limit = "currency"
)

// Exceeded is the refusal of an order that a limit forbids.
type Exceeded struct {
	Limit Limit
	// Wanted is what the order costs, Most what the rule allows and Left what of
	// that is left.
	Wanted, Most, Left money.Amount
	// Again is when as much will be left, if the limit is per day and waiting
	// helps.
	Again time.Time
}

func (e *Exceeded) Error() string {
	switch e.Limit {
	case Currency:
		return fmt.Sprintf("spending: %s, and the limits are in %s", e.Wanted, e.Most.Currency)
	case Orders:
		return fmt.Sprintf("spending: more than %d orders in a day", MaxOrders)
	}
	return fmt.Sprintf("spending: %s is beyond the limit %s of %s, %s is left", e.Wanted, e.Limit, e.Most, e.Left)
}

// Unapproved is the refusal of an order that needs the person's yes.
type Unapproved struct {
	Purchase string
	Above    money.Amount
}

func (e *Unapproved) Error() string {
	return "spending: the person has to approve what costs over " + e.Above.String()
}

// Denial is the refusal of a purchase to which the person said no: to this one, or
// to the same things at the same prices in the cart as it was before.
type Denial struct{ Purchase string }

func (e *Denial) Error() string { return "spending: the person said no to this purchase" }

// Check returns why the agent may not buy the purchase with the order of that id now: an
// *Exceeded, a *Denial or an *Unapproved, in that order.
func (s State) Check(id, purchase string, amount money.Amount, now time.Time) error {
	if !s.Rules.Any() {
		return nil
	}
	for _, limit := range []*money.Amount{s.Rules.PerOrder, s.Rules.PerDay} {
		if limit != nil && limit.Currency != amount.Currency {
			return &Exceeded{Limit: Currency, Wanted: amount, Most: *limit}
		}
	}
	if most := s.Rules.PerOrder; most != nil && amount.Minor > most.Minor {
		return &Exceeded{Limit: PerOrder, Wanted: amount, Most: *most, Left: *most}
	}
	sum, orders := s.Within(now, amount.Currency, id)
	if orders >= MaxOrders {
		return &Exceeded{Limit: Orders, Wanted: amount}
	}
	if most := s.Rules.PerDay; most != nil && amount.Minor > most.Minor-sum.Minor {
		return &Exceeded{Limit: PerDay, Wanted: amount, Most: *most,
			Left: money.Of(max(0, most.Minor-sum.Minor), most.Currency), Again: s.again(id, amount, *most, now)}
	}
	above := s.Rules.AskAbove
	// A threshold of 0 asks before every order, also before one that costs nothing.
	if above == nil || above.Minor > 0 && above.Currency == amount.Currency && amount.Minor <= above.Minor {
		return nil
	}
	if r, ok := s.Find(purchase); ok && r.Total == amount && now.Before(r.Approved) {
		return nil
	}
	if err := s.denied(purchase, now); err != nil {
		return err
	}
	return &Unapproved{purchase, *above}
}

// denied is the no that stands against the purchase, nil for none.
func (s State) denied(purchase string, now time.Time) error {
	for _, r := range s.Requests {
		if r.Open(now) && !r.Denied.IsZero() && contents(r.Purchase) == contents(purchase) {
			return &Denial{r.Purchase}
		}
	}
	return nil
}

// again is when enough of the day's orders will be past; zero if never.
func (s State) again(but string, amount, most money.Amount, now time.Time) time.Time {
	if amount.Minor > most.Minor {
		return time.Time{}
	}
	spent := slices.SortedFunc(slices.Values(s.Spent), func(a, b Spent) int { return a.At.Compare(b.At) })
	sum, _ := s.Within(now, amount.Currency, but)
	for _, one := range spent {
		if id, _ := order.OfReservation(one.Reservation); id == but || !one.recent(now) || one.Amount.Currency != amount.Currency {
			continue
		}
		if sum.Minor -= one.Amount.Minor; amount.Minor <= most.Minor-sum.Minor {
			return one.At.Add(Day)
		}
	}
	return time.Time{}
}
