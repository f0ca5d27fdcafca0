package aftersale

import (
	"context"
	"errors"

	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/payment"
	"till/domain/spending"
	"till/domain/stock"
)

// ErrPending: the gateway has not said yet whether a refund is paid.
var ErrPending = errors.New("aftersale: the payment service has not answered yet whether the refund is paid")

// run is one caller's hold on an order.
type run struct {
	*Process
	order order.State
	at    eventlog.Position
	meta  eventlog.Meta
}

// Settle does what is left to do of an order whose caller may be gone. It may be
// called at any time and any number of times. done is false while the outcome of a
// refund is unknown: call again later.
func (p *Process) Settle(ctx context.Context, id string, meta eventlog.Meta) (done bool, err error) {
	unlock, err := p.locks.Lock(ctx, id)
	if err != nil {
		return false, err
	}
	defer unlock()
	o, version, err := p.Checkout.Orders.State(ctx, id)
	if err != nil {
		return false, err
	}
	r := &run{Process: p, order: o, at: version.Position, meta: meta}
	switch err := r.settle(ctx); {
	case errors.Is(err, ErrPending):
		return false, nil
	default:
		return err == nil, err
	}
}

// settle takes every refund that is due to its end. Each step may have been taken
// before: by a caller that was killed, or by another machine at the same time. The
// last one is the order's own event, so that as long as it is missing somebody
// comes back.
func (r *run) settle(ctx context.Context) error {
	var late error
	for _, refund := range r.order.Refunds {
		if refund.Status != order.Due {
			continue
		}
		// One that the gateway is silent about does not hold the others up.
		if err := r.end(ctx, refund); err != nil {
			late = errors.Join(late, err)
		}
	}
	return late
}

// end takes a refund to its end.
func (r *run) end(ctx context.Context, refund order.Refund) error {
	// The pieces are for sale again whatever the gateway says.
	if err := r.restock(ctx, refund.ID); err != nil {
		return err
	}
	result, err := r.payBack(ctx, refund)
	switch {
	case err != nil:
		// Nobody knows what happened, just as with an unknown outcome.
		return errors.Join(ErrPending, err)
	case result.Outcome == payment.Declined:
		return r.take(ctx, order.RefuseRefund{Refund: refund.ID, Code: result.Code, Reason: result.Reason, At: r.now()})
	case result.Outcome != payment.Refunded:
		return ErrPending
	}
	if err := r.giveBack(ctx, refund.ID); err != nil {
		return err
	}
	return r.take(ctx, order.PayBack{Refund: refund.ID, Reference: result.Reference, At: r.now()})
}

// restock puts the pieces back that are for sale again, in each SKU's own stream
// and once.
func (r *run) restock(ctx context.Context, what string) error {
	for _, p := range r.backOnTheShelf(what) {
		meta := r.named(what + ":restock:" + p.SKU)
		meta.Fingerprint = "restocked" // found again by its command, so done once
		out, err := r.Checkout.Stocks.Do(ctx, p.SKU, stock.Restock{Order: r.order.ID, For: what, Quantity: p.Quantity}, meta)
		if err != nil {
			return err
		}
		r.at = max(r.at, out.Position)
	}
	return nil
}

// backOnTheShelf are the pieces that can be sold again.
func (r *run) backOnTheShelf(what string) (pieces []order.Pieces) {
	if what == order.ForCancel {
		for _, l := range r.order.Lines {
			pieces = append(pieces, order.Pieces{SKU: l.SKU, Quantity: l.Quantity})
		}
		return pieces
	}
	if ret, ok := r.order.FindReturn(what); ok && ret.Sellable {
		for _, l := range ret.Lines {
			pieces = append(pieces, l.Pieces)
		}
	}
	return pieces
}

// payBack asks the gateway under the refund's key; nothing is asked for nothing.
func (r *run) payBack(ctx context.Context, refund order.Refund) (payment.Result, error) {
	if refund.Amount.Minor == 0 {
		return payment.Result{Outcome: payment.Refunded}, nil
	}
	return r.Checkout.Gateway.Refund(ctx, payment.RefundRequest{
		Key: r.order.RefundKey(refund.ID), Payment: r.order.Payment, Amount: refund.Amount,
	})
}

// giveBack returns what a cancelled order had used up, once its money is paid back:
// with no other refund. Each part is given back once, however often it is asked to be.
func (r *run) giveBack(ctx context.Context, refund string) error {
	if refund != order.ForCancel {
		return nil
	}
	if err := r.unspend(ctx); err != nil {
		return err
	}
	return r.unredeem(ctx)
}

// unspend no longer counts the order against what its agent may spend.
func (r *run) unspend(ctx context.Context) error {
	if r.order.Client == "" {
		return nil
	}
	out, err := r.Checkout.Spendings.Do(ctx, spending.ID(r.order.User, r.order.Client),
		spending.Release{Reservation: r.order.Reservation(), Reason: spending.Cancelled}, r.named("unspend"))
	r.at = max(r.at, out.Position)
	return err
}

// unredeem gives the use of the order's discount code back.
func (r *run) unredeem(ctx context.Context) error {
	at, err := r.Checkout.ReverseRedemption(ctx, r.order, spending.Cancelled, r.meta)
	r.at = max(r.at, at)
	return err
}

// take records on the order how a refund ended.
func (r *run) take(ctx context.Context, cmd order.Command) error {
	out, err := r.Checkout.Orders.Do(ctx, r.order.ID, cmd, r.meta)
	if err != nil {
		return err
	}
	r.order, r.at = out.State, max(r.at, out.Position)
	return nil
}

// named is the meta of a follow-up on another aggregate: its command id says what
// it is of which order.
func (r *run) named(what string) eventlog.Meta {
	meta := r.meta
	meta.Command = "aftersale:" + r.order.ID + ":" + what
	return meta
}
