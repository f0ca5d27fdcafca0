package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
	"till/projections"
)

// told is one row of the error table.
type told struct {
	when      error
	code      string
	message   string
	retryable bool
	field     string
	next      []string
}

// table says of every error of the domain what a model is told. The first row
// that matches counts.
var table = []told{
	{cart.ErrEmpty, "cart_empty", "The cart is empty. Put something in with add_to_cart first.", false, "", []string{"search_products", "add_to_cart"}},
	{cart.ErrNotInCart, "not_in_cart", "That item is not in the cart.", false, "product", []string{"view_cart"}},
	{cart.ErrTooManyLines, "cart_full", fmt.Sprintf("The cart already holds %d different items, which is the most. Check out or remove something first.", cart.MaxLines), false, "", []string{"view_cart", "remove_from_cart", "review_checkout"}},
	{cart.ErrCurrency, "currency_mismatch", "The cart holds items in another currency. Check out or clear the cart first.", false, "product", []string{"view_cart", "clear_cart"}},

	{checkout.ErrReviewFirst, "review_first", "Real money moves here: call review_checkout, show the person the lines and the total, and call checkout with its quote_id after their yes.", false, "quote_id", []string{"review_checkout"}},
	{checkout.ErrQuoteExpired, "quote_expired", "The quote has expired and nothing was bought. Call review_checkout for a new one and show it to the person.", false, "quote_id", []string{"review_checkout"}},
	{checkout.ErrQuoteOutdated, "quote_outdated", "The cart or a price changed since the quote, so nothing was bought. Call review_checkout for a new one and show it to the person.", false, "quote_id", []string{"review_checkout"}},
	{checkout.ErrQuote, "quote_invalid", "That is not a quote_id for this person's cart. Send the quote_id exactly as review_checkout gave it.", false, "quote_id", []string{"review_checkout"}},
	{checkout.ErrMethod, "payment_method_required", "Name a payment_method.", false, "payment_method", []string{"checkout"}},

	{order.ErrUnknown, "order_not_found", "There is no such order of this person. get_order_history lists their orders.", false, "order_id", []string{"get_order_history"}},
	{order.ErrOther, "quote_invalid", "That quote_id belongs to another purchase. Call review_checkout for a new one.", false, "quote_id", []string{"review_checkout"}},
	{order.ErrMoved, "checkout_in_progress", "The purchase moved on meanwhile. Call checkout again with the same quote_id: it never buys twice.", true, "", []string{"checkout", "get_order"}},
	{order.ErrNotInOrder, "not_in_order", "The order does not hold that; nothing was changed. get_order shows its SKUs.", false, "items", []string{"get_order"}},
	{order.ErrNothing, "nothing_to_return", "Nothing is left of that order to send back: all of it is in returns already. get_order shows them.", false, "items", []string{"get_order"}},
	{order.ErrTooManyReturns, "too_many_returns", fmt.Sprintf("An order takes %d returns, and this one has had them. The person has to write to the shop.", order.MaxReturns), false, "order_id", []string{"get_order"}},
	{order.ErrExceedsPaid, "refund_exceeds_paid", "More would be paid back than was paid for the order, so nothing was changed. get_order shows what was paid back.", false, "order_id", []string{"get_order"}},

	{decider.ErrReused, "idempotency_key_reused", "That idempotency_key was used before for something else. Reuse a key only to retry the very same call; for a new intent send a new key or none.", false, keyArgument, nil},
	{decider.ErrBusy, "busy", "Too many changes at once; nothing was changed. Send the same call again.", true, "", nil},
	{projections.ErrCursor, "invalid_argument", "That is not a cursor of this list. Send next_cursor of the last page unchanged and with the same other arguments, or leave cursor out to begin again.", false, "cursor", nil},

	{projections.ErrUnfoldable, "set_aside", "That moment cannot be replayed: the shop's program has a fault in reading an event before it. The present is not touched. Leave as_of out, or tell the person that the shop's keeper has to see to it.", false, "as_of", nil},
	{projections.ErrCatchingUp, "shop_unavailable", "The shop is just opening. Try again in a few seconds.", true, "", nil},
	{projections.ErrClosed, "shop_unavailable", "The shop is just closing. Try again in a minute, a write with the same idempotency_key.", true, "", nil},
	{eventlog.ErrUnavailable, "shop_unavailable", "The shop cannot be reached right now. Try again in a few seconds, a write with the same idempotency_key.", true, "", nil},
	{eventlog.ErrDamaged, "shop_unavailable", "The shop is closed until its keeper has repaired its records. Nothing was changed.", true, "", nil},
	{context.DeadlineExceeded, "shop_unavailable", "The shop took too long to answer. Look with view_cart or get_order_history whether the change was made before you send it again, a write with the same idempotency_key.", true, "", nil},
}

// explain turns an error into what a model is told. Internal errors are told by
// the id of the request alone; the caller logs them.
func explain(err error, requestID string) (p *problem, internal bool) {
	var blocked *checkout.Blocked
	var busy *checkout.Busy
	var amount *cart.Quantity
	var aside *projections.Quarantined
	var past *projections.Replaying
	var unfit *order.Unfit
	var closed *order.WindowClosed
	var many *order.TooMany
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &amount):
		return tooMany(amount), false
	case errors.As(err, &blocked):
		return blockedBy(blocked), false
	case errors.As(err, &busy):
		return boughtBy(busy), false
	case errors.As(err, &past):
		return replaying(past), false
	case errors.As(err, &unfit):
		return unfitFor(unfit), false
	case errors.As(err, &closed):
		return &problem{Code: "return_window_closed", Field: "order_id", NextTools: []string{"get_order"},
			Message: fmt.Sprintf("The time for returns of this order ended at %s. Nothing was changed; the person can only write to the shop.", stamp(closed.Until))}, false
	case errors.As(err, &many):
		return &problem{Code: "return_quantity_exceeded", Field: "items", Available: &many.Left, NextTools: []string{"get_order", "request_return"},
			Message: fmt.Sprintf("Of %s %d can still go back, not %d; nothing was changed.", many.SKU, many.Left, many.Asked)}, false
	}
	if errors.As(err, &aside) {
		return setAside(aside), true
	}
	for _, t := range table {
		if errors.Is(err, t.when) {
			return &problem{Code: t.code, Message: t.message, Retryable: t.retryable, Field: t.field, NextTools: t.next},
				t.when == eventlog.ErrDamaged || t.when == eventlog.ErrUnavailable
		}
	}
	return &problem{
		Code: "internal_error", Retryable: true, RequestID: requestID,
		Message: fmt.Sprintf("The shop made a mistake. Try once more; if it happens again, report request %s to the shop.", requestID),
	}, true
}

// setAside is what a fault in the program keeps from being read or changed.
func setAside(q *projections.Quarantined) *problem {
	return &problem{Code: "set_aside", Message: fmt.Sprintf("This %s is set aside from log position %d on, because the shop's program has a fault in reading it. Nothing is lost and everything else works. Do not try again; tell the person that the shop's keeper has to see to it, naming the position.",
		q.Stream.Category, q.Position)}
}

// unfitFor is a step that the stage of an order does not allow, with the way that
// it does.
func unfitFor(u *order.Unfit) *problem {
	p := &problem{Code: "order_not_cancelable", Field: "order_id", State: string(u.Stage), NextTools: []string{"get_order"}}
	if u.Step == "return" {
		p.Code = "order_not_returnable"
	}
	switch {
	case u.Stage == order.StageCancelled:
		p.Message = "The order is cancelled; get_order shows its refund."
	case u.Stage == order.StagePlaced:
		p.Message = "The order is not dispatched yet, so there is nothing to send back: cancel_order calls it off."
		p.NextTools = []string{"cancel_order", "get_order"}
	case slices.Contains(order.Stages(), u.Stage):
		p.Message = fmt.Sprintf("The order is %s and can no longer be cancelled; nothing was changed. request_return sends items of it back.", u.Stage.Standing())
		p.NextTools = []string{"request_return", "get_order"}
	case u.Stage == order.Stage(order.Declined) || u.Stage == order.Stage(order.Failed):
		p.Message = "The order was never placed and nothing was charged, so there is nothing to call off."
	default:
		p.Retryable = true
		p.Message = "The purchase is not finished yet. Look at it with get_order in some seconds and send the same call again once it is placed."
	}
	return p
}

// tooMany is a line that would hold more than a cart takes.
func tooMany(q *cart.Quantity) *problem {
	p := &problem{Code: "quantity_limit_exceeded", Field: "quantity", NextTools: []string{"update_cart_quantity"}}
	p.Message = fmt.Sprintf("A line holds 1 to %d pieces; %d were asked for.", cart.MaxQuantity, q.Asked)
	if q.Has > 0 {
		left := max(0, cart.MaxQuantity-q.Has)
		p.Message = fmt.Sprintf("A line holds at most %d pieces: %d are in the cart, so %d more can be added, not %d.", cart.MaxQuantity, q.Has, left, q.Asked)
		p.Available = &left
	}
	return p
}

// blockedBy tells every line of a cart that cannot be bought.
func blockedBy(b *checkout.Blocked) *problem {
	p := &problem{Code: "cart_not_buyable", NextTools: []string{"update_cart_quantity", "remove_from_cart", "review_checkout"}}
	if len(b.Problems) == 1 {
		p.Code = b.Problems[0].Code
	}
	p.Message = "Nothing was bought."
	for _, f := range b.Problems {
		p.Message += " " + f.Message
		p.Suggestions = append(p.Suggestions, suggestion{f.SKU, f.Message})
	}
	p.Message = clip(p.Message, 1000)
	return p
}

// boughtBy is a cart that another purchase holds.
func boughtBy(b *checkout.Busy) *problem {
	return &problem{Code: "checkout_in_progress", Retryable: true, OrderID: b.Order, NextTools: []string{"get_order", "checkout"},
		Message: fmt.Sprintf("Another purchase of this cart, order %s, is not finished yet, so nothing was bought. Look at it with get_order; call checkout again with its quote_id or wait a moment.", b.Order)}
}
