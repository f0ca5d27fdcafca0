package tests

import (
	"fmt"
	"testing"
)

// promised is a discount code, and the attempts that use it by person.
type promised struct {
	limit, perPerson int
	uses             map[string]string
}

// redeemed follows the uses of a code: each by an attempt that is under way, never more
// than the code promises, and given back only by what came to nothing or was cancelled.
func (r *record) redeemed(e written) string {
	c, d := r.codes[e.Stream.ID], e.Data
	if e.Type == "promotion.created" {
		r.codes[e.Stream.ID] = &promised{d.Terms.Limit, d.Terms.PerPerson, map[string]string{}}
		return ""
	}
	o := r.orders[orderOf(d.Reservation)]
	if c == nil || o == nil || o.code != e.Stream.ID {
		return "there is no such code, or the order has another"
	}
	switch e.Type {
	case "promotion.redeemed":
		if _, twice := c.uses[d.Reservation]; twice || o.user != d.User || d.Reservation != fmt.Sprintf("%s/%d", orderOf(d.Reservation), o.attempt) || o.placed > 0 {
			return "it is used already, by another person's order, or its attempt is over"
		}
		c.uses[d.Reservation] = d.User
		theirs := 0
		for _, user := range c.uses {
			if user == d.User {
				theirs++
			}
		}
		if len(c.uses) > c.limit || theirs > c.perPerson {
			return fmt.Sprintf("it is used %d times of %d, by this person %d times of %d", len(c.uses), c.limit, theirs, c.perPerson)
		}
	case "promotion.redemption_reversed":
		nothing := o.placed == 0 && (o.status == "order.payment_declined" || o.status == "order.checkout_failed")
		if !nothing && !(o.paysBack(d.Reason) && c.uses[d.Reservation] == o.user) {
			return "the order stands at " + o.status + " and is not cancelled, or another attempt used it"
		}
		delete(c.uses, d.Reservation)
	}
	return ""
}

// uses is whether the attempt uses the order's code, if it has one.
func (r *record) uses(id string, o *purchase) bool {
	if o.code == "" {
		return true
	}
	c := r.codes[o.code]
	return c != nil && c.uses[fmt.Sprintf("%s/%d", id, o.attempt)] == o.user
}

// dangling are the uses by orders that are not placed.
func (r *record) dangling() (left []string) {
	for code, c := range r.codes {
		for by := range c.uses {
			if o := r.orders[orderOf(by)]; o.status != "order.placed" {
				left = append(left, "order "+by+" uses the code "+code)
			}
		}
	}
	return left
}

// kept checks that the codes are used by just those orders that were placed with one
// and not undone.
func (r *record) kept(t testing.TB) {
	t.Helper()
	discounted, uses, undone := 0, 0, 0
	for id, o := range r.orders {
		if o.placed == 0 || o.code == "" {
			continue
		}
		if o.undone() {
			undone++
			continue
		}
		if discounted++; !r.uses(id, o) {
			t.Errorf("order %s has a discount and does not use the code %s", id, o.code)
		}
	}
	for _, c := range r.codes {
		uses += len(c.uses)
	}
	if uses != discounted {
		t.Errorf("%d orders have a discount, and codes are used %d times", discounted, uses)
	}
	t.Logf("%d orders stand that were placed with a discount, %d are cancelled", discounted, undone)
}
