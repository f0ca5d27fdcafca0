package order

// Redo returns the step that made the event of a purchase in state s, so that
// it can be taken again on another state. The gateway is not asked again: what
// it said stands in the event.
func Redo(s State, e Event) Command {
	switch e := e.(type) {
	case CheckoutStarted:
		return Start{ID: e.ID, User: e.User, Quote: e.Quote, CartVersion: e.CartVersion, Lines: e.Lines, Total: e.Total, Method: e.Method, At: e.At, Client: e.Client, Discount: e.Discount}
	case CheckoutJoined:
		return Join(e)
	case CheckoutRetried:
		return Start{ID: s.ID, User: s.User, Quote: s.Quote, CartVersion: s.CartVersion, Lines: s.Lines, Total: s.Total,
			Method: e.Method, At: e.At, After: e.Attempt - 1, Client: e.Client, Discount: s.Discount}
	case PaymentRequested:
		return RequestPayment{e.Attempt}
	case PaymentPending:
		return AwaitPayment(e)
	case PaymentDeclined:
		return Decline(e)
	case CheckoutFailed:
		return Fail(e)
	case OrderPlaced:
		return Place{e.Attempt, e.Payment, e.At}
	}
	panic("order: an event without a step")
}
