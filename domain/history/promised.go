package history

import (
	"fmt"
	"strings"

	"till/domain/order"
	"till/domain/promotion"
)

// promised says what happened to a discount code.
func promised(event any) string {
	switch e := event.(type) {
	case promotion.Created:
		return "made the code " + clean(e.Code) + ": " + Terms(e.Terms)
	case promotion.Ended:
		return "ended the code"
	case promotion.Redeemed:
		return "used the code for order " + orderOf(e.Reservation)
	case promotion.RedemptionReversed:
		return fmt.Sprintf("does not count order %s against the code: %s", orderOf(e.Reservation), clean(strings.ReplaceAll(e.Reason, "_", " ")))
	}
	return ""
}

// Terms says in words what a code promises: "10 % off toys above $20.00, 100 times
// in all, once per person".
func Terms(t promotion.Terms) string {
	text := t.Worth() + " off"
	if t.Category != "" {
		text += " " + clean(t.Category)
	}
	if t.Minimum != nil {
		text += " from " + price(*t.Minimum) + " on"
	}
	text += ", " + times(t.Limit) + " in all"
	if t.PerPerson > 0 {
		text += ", " + times(t.PerPerson) + " per person"
	}
	if !t.Starts.IsZero() {
		text += ", from " + clock(t.Starts)
	}
	if !t.Ends.IsZero() {
		text += ", until " + clock(t.Ends)
	}
	return text
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// less says what a discount took off, as the end of a sentence; nothing for none.
func less(d *order.Discount) string {
	if d == nil {
		return ""
	}
	return fmt.Sprintf(", %s less with the code %s", price(d.Amount), clean(d.Code))
}
