package reactors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"till/domain/checkout"
	"till/domain/eventlog"
)

const (
	// sweepEvery is how often the views are asked for what was left over.
	sweepEvery = 30 * time.Second
	// sweepMost bounds what one sweep takes on.
	sweepMost = 100
)

// sweepUntil looks after what messages have stopped standing for, until ctx
// ends: purchases and refunds whose outcome stays unknown, and reservations.
func (r *Reactors) sweepUntil(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := r.Sweep(ctx); err != nil && ctx.Err() == nil {
			r.Logger.Warn("looking for unfinished checkouts failed; it is tried again", "because", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Sweep takes every purchase, refund and reservation that is overdue by more than a
// minute one step further. Run does so every half minute.
func (r *Reactors) Sweep(ctx context.Context) error {
	now := r.Now()
	orders, err := r.Views.OpenOrders(ctx, now.Add(-checkout.Grace-stand), sweepMost)
	if err != nil {
		return err
	}
	var failed []error // one that fails does not keep the others waiting
	for _, id := range orders {
		if _, err := r.Process.Resume(ctx, id, r.sweeping("checkouts", id)); err != nil {
			failed = append(failed, fmt.Errorf("order %s: %w", id, err))
		}
	}
	if orders, err = r.Views.DueRefunds(ctx, now.Add(-checkout.Grace-stand), sweepMost); err != nil {
		failed = append(failed, err)
	}
	for _, id := range orders {
		if _, err := r.Aftersale.Settle(ctx, id, r.sweeping("refunds", id)); err != nil {
			failed = append(failed, fmt.Errorf("refunds of order %s: %w", id, err))
		}
	}
	overdue, err := r.Views.OverdueReservations(ctx, now.Add(-stand), sweepMost)
	if err != nil {
		failed = append(failed, err)
	}
	for _, o := range overdue {
		if _, err := r.Process.Expire(ctx, o.SKU, o.Reservation, r.sweeping("reservations", o.Reservation)); err != nil {
			failed = append(failed, fmt.Errorf("reservation %s of %s: %w", o.Reservation, o.SKU, err))
		}
	}
	return errors.Join(failed...)
}

// sweeping is the meta of a command that answers no single event.
func (r *Reactors) sweeping(reactor, what string) eventlog.Meta {
	now := r.Now().UTC()
	return eventlog.Meta{
		Command:   fmt.Sprintf("reactor:%s:sweep:%s:%d", reactor, what, now.UnixMilli()),
		Actor:     eventlog.Actor{Kind: eventlog.System},
		Causation: "sweep",
		Time:      now,
	}
}
