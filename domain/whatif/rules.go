package whatif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
)

// The rules that hold between streams.
var (
	// ErrNotLetIn: the agent's grant has no token that is good then.
	ErrNotLetIn = errors.New("the agent would not have been let in: its grant holds no good token then")
	// ErrNoAccount: the person's account is not open then.
	ErrNoAccount = errors.New("the person has no open account then")
	// ErrPassword: another password counts then.
	ErrPassword = errors.New("another password counts then")
	// ErrPasskey: the passkey does not count then.
	ErrPasskey = errors.New("the passkey does not count then")
	// ErrNoClient: the client is not registered then.
	ErrNoClient = errors.New("the client is not registered then")
	// ErrNotQuoted: the cart is not the one that was bought.
	ErrNotQuoted = errors.New("the cart holds something else than was quoted")
	// ErrNotUnderWay: the purchase that it is a step of is not under way.
	ErrNotUnderWay = errors.New("the purchase is not under way then")
	// ErrNotBack: the order is neither cancelled nor are its goods back.
	ErrNotBack = errors.New("the order is not cancelled then, or its goods are not back")
	// ErrNotReserved: the purchase does not hold its cart, its pieces and its code.
	ErrNotReserved = errors.New("the purchase holds not its cart, not all its pieces or not its discount code")
	// ErrNoCode: the discount code does not hold then.
	ErrNoCode = errors.New("the discount code does not hold then")
)

// rules is why the event could not be whatever its own stream says, and whether
// something else follows from its purchase in its place.
func (t *thought) rules(ctx context.Context, e eventlog.Envelope, event any) (otherwise bool, reason error) {
	if len(t.streams) == 0 {
		return false, nil
	}
	if reason := t.letIn(e, event); reason != nil {
		return false, reason
	}
	switch event := event.(type) {
	case grant.Authorized:
		if was, now, ok := pair[client.State](t, client.Category, event.Client); ok && was.ID != "" && now.ID == "" {
			return false, ErrNoClient
		}
	case session.Started:
		was, now, ok := pair[account.State](t, account.Category, event.User)
		switch {
		case !ok:
		case was.Credential == event.Credential && now.Credential != event.Credential:
			return false, ErrPassword
		case was.HasPasskey(event.Passkey) && !now.HasPasskey(event.Passkey):
			return false, ErrPasskey
		}
	case order.CheckoutStarted:
		return false, cmp.Or(t.quoted(event.User), t.discounted(event.User, e.Stream.ID, event.Discount, event.At))
	case order.CheckoutRetried:
		delete(t.lacking, e.Stream.ID)
		if _, now, ok := pair[order.State](t, order.Category, e.Stream.ID); ok {
			return false, cmp.Or(t.quoted(now.User), t.discounted(now.User, e.Stream.ID, now.Discount, event.At))
		}
	case order.PaymentRequested:
		if t.lacking[e.Stream.ID] {
			return false, ErrNotReserved
		}
		return false, t.maySpend(ctx, e)
	case cart.CheckoutClaimed:
		return false, t.underWay(event.Order, 0)
	case cart.DiscountApplied:
		if was, now, ok := pair[promotion.State](t, promotion.Category, event.Code); ok && was.Code != "" && now.Code == "" {
			return false, ErrNoCode
		}
	case promotion.Redeemed:
		return false, t.underWay(order.OfReservation(event.Reservation))
	case stock.Reserved:
		return false, t.underWay(order.OfReservation(event.Reservation))
	case spending.Reserved:
		return false, t.underWay(order.OfReservation(event.Reservation))
	case stock.Restocked:
		return false, t.paysBack(event.Order, event.For)
	case cart.CheckedOut, cart.CheckoutReleased, stock.Committed, stock.Released, spending.Released, promotion.RedemptionReversed:
		if id, _ := purchase(event); cancelled(event) {
			return false, t.paysBack(id, order.ForCancel)
		}
		return t.endedOtherwise(event), nil
	}
	return false, nil
}

// endedOtherwise is whether the purchase that the event is of did not end as it did.
func (t *thought) endedOtherwise(event any) bool {
	id, n := purchase(event)
	was, now, ok := pair[order.State](t, order.Category, id)
	return ok && (was.Status != now.Status || was.Attempt != now.Attempt) && (n == 0 || was.Attempt == n)
}

// cancelled is whether the event gives something back since a placed order was
// cancelled.
func cancelled(event any) bool {
	switch e := event.(type) {
	case spending.Released:
		return e.Reason == spending.Cancelled
	case promotion.RedemptionReversed:
		return e.Reason == spending.Cancelled
	}
	return false
}

// paysBack is why nothing of the order is given back: it was not cancelled, or the
// goods of the return did not come back.
func (t *thought) paysBack(id, what string) error {
	was, now, ok := pair[order.State](t, order.Category, id)
	if !ok {
		return nil
	}
	_, did := was.FindRefund(what)
	if _, does := now.FindRefund(what); did && !does {
		return ErrNotBack
	}
	return nil
}

// letIn is why who did it could not have done it.
func (t *thought) letIn(e eventlog.Envelope, event any) error {
	users := []string{e.Actor.User}
	switch event := event.(type) {
	case grant.Authorized:
		users = append(users, event.User)
	case session.Started:
		users = append(users, event.User)
	}
	for _, user := range users {
		own := e.Stream == eventlog.Stream{Category: account.Category, ID: user}
		if was, now, ok := pair[account.State](t, account.Category, user); ok && !own && was.Active() && !now.Active() {
			return ErrNoAccount
		}
	}
	own := e.Stream == eventlog.Stream{Category: grant.Category, ID: e.Actor.Grant}
	if was, now, ok := pair[grant.State](t, grant.Category, e.Actor.Grant); ok && !own && holds(was, e.Time) && !holds(now, e.Time) {
		return ErrNotLetIn
	}
	return nil
}

// holds is whether the grant has a token that is good at the time.
func holds(s grant.State, at time.Time) bool {
	return slices.ContainsFunc(s.Access, func(a grant.Access) bool { return at.Before(a.Expires) })
}

func (t *thought) quoted(user string) error {
	if was, now, ok := pair[cart.State](t, cart.Category, user); ok && (was.Code != now.Code || !reflect.DeepEqual(was.Lines, now.Lines)) {
		return ErrNotQuoted
	}
	return nil
}

// discounted is why the order could not have been quoted with its discount.
func (t *thought) discounted(user, id string, d *order.Discount, at time.Time) error {
	if d == nil {
		return nil
	}
	was, now, ok := pair[promotion.State](t, promotion.Category, d.Code)
	if ok && was.Check(user, id, at) == nil && (now.Check(user, id, at) != nil || !reflect.DeepEqual(was.Terms, now.Terms)) {
		return ErrNoCode
	}
	return nil
}

// underWay is why the attempt (0 is any) can take no step. What is reserved for no
// order that ever was is not judged.
func (t *thought) underWay(id string, n int) error {
	if was, now, ok := pair[order.State](t, order.Category, id); ok && was.ID != "" && (now.Status != order.Started || n > 0 && now.Attempt != n) {
		return ErrNotUnderWay
	}
	return nil
}

// otherwise is what follows from a purchase that did not end as it did: what it
// held is given back if it came to nothing, and kept while it is under way.
func (t *thought) otherwise(st *stream, event any) ([]any, error) {
	id, _ := purchase(event)
	_, now, _ := pair[order.State](t, order.Category, id)
	switch {
	case now.Open():
		return nil, nil
	case now.Status == order.Placed:
		switch event.(type) {
		case stock.Committed, cart.CheckedOut:
			return st.kind.again(st.was, st.now, event)
		}
		return nil, nil
	}
	reason := string(now.Status)
	switch e := event.(type) {
	case stock.Committed:
		event = stock.Released{Reservation: e.Reservation, Reason: reason}
	case cart.CheckedOut:
		event = cart.CheckoutReleased{Order: e.Order}
	}
	return st.kind.again(st.was, st.now, event)
}

// lack remembers that a purchase has not got what it needs.
func (t *thought) lack(event any) {
	switch e := event.(type) {
	case cart.CheckoutClaimed:
		t.lacking[e.Order] = true
	case stock.Reserved:
		id, _ := order.OfReservation(e.Reservation)
		t.lacking[id] = true
	case promotion.Redeemed:
		id, _ := order.OfReservation(e.Reservation)
		t.lacking[id] = true
	}
}

// fail ends the purchase of which a step was refused, as the process does.
func (t *thought) fail(ctx context.Context, e eventlog.Envelope, event any, reason error) error {
	var few *stock.Insufficient
	var other *cart.Claimed
	end := order.CheckoutFailed{}
	id := e.Stream.ID
	forbidden, refused := checkout.Forbidden(reason)
	switch event := event.(type) {
	case spending.Reserved:
		if !refused {
			return nil
		}
		id, end.Attempt = order.OfReservation(event.Reservation)
		end.Code, end.Reason = forbidden.Code, forbidden.Message
	case promotion.Redeemed:
		if errors.Is(reason, ErrNotUnderWay) {
			return nil
		}
		id, end.Attempt = order.OfReservation(event.Reservation)
		found := checkout.Worthless(e.Stream.ID, reason)
		end.Code, end.Reason = found.Code, found.Message
	case stock.Reserved:
		if !errors.As(reason, &few) {
			return nil
		}
		id, end.Attempt = order.OfReservation(event.Reservation)
		end.Code, end.Reason = "insufficient_stock", fmt.Sprintf("Only %d of %s are left.", few.Available, e.Stream.ID)
	case cart.CheckoutClaimed:
		id = event.Order
		if end.Code, end.Reason = "quote_outdated", "The cart changed meanwhile."; errors.As(reason, &other) {
			end.Code, end.Reason = "checkout_in_progress", "Order "+other.Order+" is buying the same cart."
		}
	case order.PaymentRequested:
		if end.Code, end.Reason = forbidden.Code, forbidden.Message; !refused {
			end.Code, end.Reason = "interrupted", "The checkout was interrupted before the payment."
		}
	default:
		return nil
	}
	s := eventlog.Stream{Category: order.Category, ID: id}
	st, err := t.of(ctx, s, e.Position)
	if err != nil {
		return err
	}
	now := st.now.(order.State)
	if end.Attempt == 0 {
		end.Attempt = now.Attempt
	}
	if now.Status != order.Started || now.Attempt != end.Attempt {
		return nil
	}
	return t.put(s, st, e.Meta, end)
}

// pair is the stream's state as it was and as it would be, if they may differ.
func pair[S any](t *thought, category, id string) (was, now S, ok bool) {
	st := t.streams[eventlog.Stream{Category: category, ID: id}]
	if st == nil {
		return was, now, false
	}
	return st.was.(S), st.now.(S), true
}

// purchase is the order and, where it says, the attempt that the event is of.
func purchase(event any) (id string, n int) {
	switch e := event.(type) {
	case cart.CheckedOut:
		return e.Order, 0
	case cart.CheckoutReleased:
		return e.Order, 0
	case stock.Committed:
		return order.OfReservation(e.Reservation)
	case stock.Released:
		return order.OfReservation(e.Reservation)
	case spending.Released:
		return order.OfReservation(e.Reservation)
	case promotion.RedemptionReversed:
		return order.OfReservation(e.Reservation)
	}
	return "", 0
}
