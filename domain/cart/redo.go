package cart

// Redo returns the command that made the event of a cart in state s, so that
// it can be decided again on another state. A claim is for the revision that s
// is at, whatever the quote behind it said.
func Redo(s State, e Event) Command {
	switch e := e.(type) {
	case ItemAdded:
		return Add{e.Item, e.Quantity}
	case Filled:
		return refill(s, e.Items)
	case QuantityChanged:
		return SetQuantity{e.SKU, e.To}
	case ItemRemoved:
		return Remove{e.SKU}
	case DiscountApplied:
		return ApplyCode(e)
	case DiscountRemoved:
		return RemoveCode{}
	case Cleared:
		return Clear{}
	case CheckoutClaimed:
		return Claim{e.Order, s.Revision}
	case CheckoutReleased:
		return Unclaim(e)
	case CheckedOut:
		return CheckOut(e)
	}
	panic("cart: an event without a command")
}
