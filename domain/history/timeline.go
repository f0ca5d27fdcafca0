package history

import (
	"fmt"
	"time"

	"till/domain/eventlog"
	"till/domain/order"
)

// Step is one line of an order's story.
type Step struct {
	Position eventlog.Position `json:"position"`
	Time     time.Time         `json:"time"`
	Text     string            `json:"text"`
}

// Timeline tells a buyer what became of their order, in plain words, from the
// order's own events: decoded, in order, beside the envelopes that they came in.
// It names nothing of how the shop works inside.
func Timeline(envelopes []eventlog.Envelope, events []any) []Step {
	var steps []Step
	for i, event := range events {
		if text := tell(event); text != "" {
			e := envelopes[i]
			steps = append(steps, Step{e.Position, e.Time, text})
		}
	}
	return steps
}

func tell(event any) string {
	switch e := event.(type) {
	case order.CheckoutStarted:
		return fmt.Sprintf("The purchase of %s for %s%s began, and the pieces were kept apart.", contents(e.Lines), price(e.Total), less(e.Discount))
	case order.CheckoutRetried:
		return fmt.Sprintf("The purchase was tried again, for the %s time, with %s.", nth(e.Attempt), clean(e.Method))
	case order.PaymentRequested:
		if e.Amount.Minor == 0 {
			return "All pieces were there, and nothing was to be paid."
		}
		return fmt.Sprintf("All pieces were there. %s was asked for with %s.", price(e.Amount), clean(e.Method))
	case order.PaymentPending:
		return "The payment could not be confirmed at once; the shop keeps asking and never charges twice."
	case order.PaymentDeclined:
		return "The payment was declined: " + reason(e.Reason, "") + ". Nothing was charged, and the pieces were given back."
	case order.CheckoutFailed:
		return "The purchase ended before any payment: " + reason(e.Reason, "") + ". Nothing was charged."
	case order.OrderPlaced:
		if e.Payment == "" {
			return "The order was placed."
		}
		return fmt.Sprintf("The payment of %s went through (reference %s), and the order was placed.", price(e.Total), clean(e.Payment))
	}
	return tellAfter(event)
}

// tellAfter tells what became of the order once it was placed.
func tellAfter(event any) string {
	switch e := event.(type) {
	case order.OrderDispatched:
		return fmt.Sprintf("The order was sent off with %s, tracking number %s%s.", clean(e.Carrier), clean(e.Tracking), at(e.URL))
	case order.OrderDelivered:
		return "The order was delivered. It may be sent back until " + clock(e.ReturnsUntil) + "."
	case order.OrderCancelled:
		return fmt.Sprintf("The order was cancelled by the %s%s. %s are to be paid back, and the pieces go back into the stock.", clean(e.By), why(e.Reason), price(e.Refund))
	case order.ReturnRequested:
		return fmt.Sprintf("Return %s was asked for: %s for %s%s.", clean(e.Return), goods(e.Lines), price(order.Return{Lines: e.Lines}.Amount()), why(e.Reason))
	case order.ReturnApproved:
		return "The shop approved return " + clean(e.Return) + "; the goods may be sent back."
	case order.ReturnRejected:
		return "The shop rejected return " + clean(e.Return) + why(e.Reason) + "."
	case order.ReturnReceived:
		return fmt.Sprintf("The goods of return %s are back at the shop, and %s are to be paid back.", clean(e.Return), price(e.Refund))
	case order.OrderRefunded:
		return fmt.Sprintf("%s were paid back for %s%s.", price(e.Amount), refunded(e.Refund), as(e.Reference))
	case order.RefundRefused:
		return fmt.Sprintf("The payment service refused the refund for %s: %s. The shop pays it in another way.", refunded(e.Refund), reason(e.Reason, ""))
	}
	return ""
}

// at adds an address.
func at(url string) string {
	if url == "" {
		return ""
	}
	return " (" + clean(url) + ")"
}

func nth(n int) string {
	switch n {
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}
