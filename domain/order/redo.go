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
	return redoAfter(e)
}

func redoAfter(e Event) Command {
	switch e := e.(type) {
	case OrderDispatched:
		return Dispatch(e)
	case OrderDelivered:
		return Deliver(e)
	case OrderCancelled:
		return Cancel{e.Reason, e.By, e.At}
	case ReturnRequested:
		pieces := make([]Pieces, len(e.Lines))
		for i, l := range e.Lines {
			pieces[i] = l.Pieces
		}
		return RequestReturn{e.Return, pieces, e.Reason, e.At}
	case ReturnApproved:
		return ApproveReturn(e)
	case ReturnRejected:
		return RejectReturn(e)
	case ReturnReceived:
		return ReceiveReturn{e.Return, e.Sellable, e.At}
	case OrderRefunded:
		return PayBack{e.Refund, e.Reference, e.At}
	case RefundRefused:
		return RefuseRefund(e)
	}
	panic("order: an event without a step")
}
