package checkout

import (
	"context"
	"time"

	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/stock"
)

// Grace is how long a purchase is left to its caller before the shop takes it
// to its end.
const Grace = 5 * time.Second

// Resume takes a purchase whose caller may be gone to its end: before the
// payment was asked for it is undone, afterwards the gateway's word decides. It
// may be called at any time and any number of times. done is false while the
// payment's outcome is unknown: call again later.
func (p *Process) Resume(ctx context.Context, id string, meta eventlog.Meta) (done bool, err error) {
	unlock, err := p.locks.Lock(ctx, id)
	if err != nil {
		return false, err
	}
	defer unlock()
	o, version, err := p.Orders.State(ctx, id)
	if err != nil || o.Status == "" {
		return err == nil, err
	}
	r := &run{Process: p, order: o, at: version.Position, meta: meta}
	if o.Status == order.Started {
		if p.Now().Sub(o.StartedAt) < Grace {
			return false, nil
		}
		if err := r.take(ctx, order.Fail{Attempt: o.Attempt, Code: "interrupted",
			Reason: "The checkout was interrupted before the payment."}); err != nil {
			return false, err
		}
	}
	if err := r.drive(ctx); err != nil {
		return false, err
	}
	return !r.order.Open(), nil
}

// Expire looks after a reservation whose time is over: it is given back or
// committed if its attempt has ended. done is false while it is under way.
func (p *Process) Expire(ctx context.Context, sku, reservation string, meta eventlog.Meta) (done bool, err error) {
	id, _ := order.OfReservation(reservation)
	o, _, err := p.Orders.State(ctx, id)
	if err != nil {
		return false, err
	}
	meta.Command = "expire:" + reservation
	switch {
	case o.Reservation() == reservation && o.Open():
		return false, nil
	case o.Reservation() == reservation && o.Status == order.Placed:
		_, err = p.Stocks.Do(ctx, sku, stock.Commit{Reservation: reservation}, meta)
	default:
		_, err = p.Stocks.Do(ctx, sku, stock.Release{Reservation: reservation, Reason: "expired"}, meta)
	}
	return err == nil, err
}
