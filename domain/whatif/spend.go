package whatif

import (
	"context"

	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/spending"
)

// maySpend is why the agent of the purchase, whose payment is about to be asked
// for, could not have bought by rules that are not what they were. Under none
// nothing was counted, so that only here it shows what other rules mean; what
// they let pass counts from here on.
func (t *thought) maySpend(ctx context.Context, e eventlog.Envelope) error {
	if !t.spending {
		return nil
	}
	o, err := t.of(ctx, e.Stream, e.Position)
	if err != nil {
		return err
	}
	now := o.now.(order.State)
	s := eventlog.Stream{Category: spending.Category, ID: spending.ID(now.User, now.Client)}
	if now.Client == "" || t.streams[s] == nil {
		return nil
	}
	st := t.streams[s]
	events, reason := spending.Decide(st.now.(spending.State), spending.Reserve{
		Reservation: now.Reservation(), Purchase: checkout.Purchase(now.Quote), Amount: now.Total, At: e.Time,
	})
	for _, event := range events {
		if err := t.put(s, st, e.Meta, event); err != nil {
			return err
		}
	}
	return reason
}
