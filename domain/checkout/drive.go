package checkout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/payment"
	"till/domain/stock"
)

// run is one caller's hold on a purchase.
type run struct {
	*Process
	order order.State
	at    eventlog.Position
	meta  eventlog.Meta
}

// drive takes the purchase from wherever it stands as far as it goes. Every
// step may have been taken before: by a caller that was killed, or by another
// machine at the same time.
func (r *run) drive(ctx context.Context) error {
	for {
		switch r.order.Status {
		case order.Started:
			mine, err := r.claim(ctx)
			if err == nil && mine {
				mine, err = r.spend(ctx)
			}
			if err == nil && mine {
				mine, err = r.reserve(ctx)
			}
			if err == nil && mine {
				mine, err = r.redeem(ctx)
			}
			if err == nil && mine {
				err = r.take(ctx, order.RequestPayment{Attempt: r.order.Attempt})
			}
			if err != nil {
				return err
			}
		case order.Paying, order.Pending:
			waiting, err := r.pay(ctx)
			if err != nil || waiting {
				return err
			}
		case order.Placed:
			return r.settle(ctx)
		default:
			return r.release(ctx, string(r.order.Status))
		}
	}
}

// claim makes the cart this order's until it ends, or gives up when another
// order has it or its lines have changed: what the quote promised no longer is.
func (r *run) claim(ctx context.Context) (mine bool, err error) {
	out, err := r.Carts.Do(ctx, r.order.User, cart.Claim{Order: r.order.ID, Revision: r.order.CartVersion}, r.named("claim"))
	var other *cart.Claimed
	switch {
	case errors.As(err, &other):
		return false, r.take(ctx, order.Fail{Attempt: r.order.Attempt, Code: "checkout_in_progress",
			Reason: "Order " + other.Order + " is buying the same cart."})
	case errors.Is(err, cart.ErrChanged):
		return false, r.take(ctx, order.Fail{Attempt: r.order.Attempt, Code: "quote_outdated", Reason: "The cart changed meanwhile."})
	case err != nil:
		return false, err
	}
	r.at = max(r.at, out.Position)
	return true, nil
}

// reserve keeps every line's pieces apart, or gives up at the first SKU that has
// too few.
func (r *run) reserve(ctx context.Context) (all bool, err error) {
	lines := slices.SortedFunc(slices.Values(r.order.Lines), func(a, b cart.Line) int { return cmp.Compare(a.SKU, b.SKU) })
	for _, l := range lines {
		out, err := r.Stocks.Do(ctx, l.SKU, stock.Reserve{
			Reservation: r.order.Reservation(), Quantity: l.Quantity, Until: r.Now().Add(ReservationLife).UTC(),
		}, r.named("reserve"))
		var few *stock.Insufficient
		if errors.As(err, &few) {
			return false, r.take(ctx, order.Fail{Attempt: r.order.Attempt, Code: "insufficient_stock",
				Reason: fmt.Sprintf("Only %d of %s are left.", few.Available, l.Title)})
		}
		if err != nil {
			return false, err
		}
		r.at = max(r.at, out.Position)
	}
	return true, nil
}

// pay asks the gateway under the attempt's key, if there is anything to pay. waiting
// is whether nobody knows the outcome yet.
func (r *run) pay(ctx context.Context) (waiting bool, err error) {
	if r.order.Total.Minor == 0 {
		return false, r.take(ctx, order.Place{Attempt: r.order.Attempt, At: r.Now().UTC()})
	}
	result, err := r.Gateway.Authorize(ctx, payment.Request{
		Key: r.order.PaymentKey(), Amount: r.order.Total, Method: r.order.Method,
	})
	switch {
	case err == nil && result.Outcome == payment.Authorized:
		return false, r.take(ctx, order.Place{Attempt: r.order.Attempt, Payment: result.Reference, At: r.Now().UTC()})
	case err == nil && result.Outcome == payment.Declined:
		return false, r.take(ctx, order.Decline{Attempt: r.order.Attempt, Code: result.Code, Reason: result.Reason})
	}
	// An error leaves the outcome as open as the gateway's own "unknown".
	return true, r.take(ctx, order.AwaitPayment{Attempt: r.order.Attempt})
}

// settle is what follows from a placed order: the sold pieces leave the stock
// and the bought lines leave the cart.
func (r *run) settle(ctx context.Context) error {
	meta := r.named("cart")
	meta.Fingerprint = "checked out" // found again by its command, so done once
	out, err := r.Carts.Do(ctx, r.order.User, cart.CheckOut{Order: r.order.ID, Lines: r.order.Bought(), Code: r.order.DiscountCode()}, meta)
	if err != nil {
		return err
	}
	r.at = max(r.at, out.Position)
	return r.stocks(ctx, stock.Commit{Reservation: r.order.Reservation()}, "commit")
}

// release gives back what a purchase that came to nothing had kept apart.
func (r *run) release(ctx context.Context, reason string) error {
	if err := r.stocks(ctx, stock.Release{Reservation: r.order.Reservation(), Reason: reason}, "release"); err != nil {
		return err
	}
	// The code before the cart: as long as the order holds the cart, its own use of
	// the code does not stand in its way.
	if err := r.unredeem(ctx, reason); err != nil {
		return err
	}
	out, err := r.Carts.Do(ctx, r.order.User, cart.Unclaim{Order: r.order.ID}, r.named("unclaim"))
	r.at = max(r.at, out.Position)
	if err != nil {
		return err
	}
	return r.unspend(ctx, reason)
}

func (r *run) stocks(ctx context.Context, cmd stock.Command, name string) error {
	for _, l := range r.order.Lines {
		out, err := r.Stocks.Do(ctx, l.SKU, cmd, r.named(name))
		if err != nil {
			return err
		}
		r.at = max(r.at, out.Position)
	}
	return nil
}

// take records a step on the order. When the purchase has moved on meanwhile,
// the run goes on from where it is now.
func (r *run) take(ctx context.Context, cmd order.Command) error {
	out, err := r.Orders.Do(ctx, r.order.ID, cmd, r.meta)
	if err != nil && !errors.Is(err, order.ErrMoved) {
		return err
	}
	if errors.Is(err, order.ErrMoved) && out.State.Attempt == r.order.Attempt && out.State.Status == r.order.Status {
		return err // it did not move at all: the step is wrong, do not spin
	}
	r.order, r.at = out.State, max(r.at, out.Position)
	return nil
}

// named is the meta of a follow-up on another aggregate: its command id says
// what it is of which attempt.
func (r *run) named(what string) eventlog.Meta {
	meta := r.meta
	meta.Command = "checkout:" + r.order.Reservation() + ":" + what
	return meta
}
