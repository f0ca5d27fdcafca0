// Package aftersale is what becomes of an order once it is placed: it goes off and
// arrives, is cancelled, or comes back, and what was paid is paid back. It keeps no
// state of its own: what it has reached stands in the streams of the order and of
// the SKUs, so that anybody can finish it.
package aftersale

import (
	"cmp"
	"context"
	"time"

	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
)

// ReturnDays is for how many days after delivery goods are taken back, unless the
// shop says otherwise.
const ReturnDays = 30

// patience bounds how long a step goes on once it has been recorded, also when the
// caller has gone away.
const patience = 30 * time.Second

// Process takes the steps.
type Process struct {
	// Checkout made the orders; its handlers, gateway and clock serve here too.
	Checkout *checkout.Process
	// ReturnDays is the shop's policy; 0 is the constant of that name.
	ReturnDays int

	locks decider.Locks // by order: one caller at a time takes the steps
}

// Result is where an order stands after a step.
type Result struct {
	Order order.State
	// At is the position of the last event that the step made.
	At eventlog.Position
	// Replayed is whether an earlier call had already brought it there.
	Replayed bool
	// Late is why what follows from the step is not all done; nil if it is. It will
	// be done without the caller.
	Late error
}

// Dispatch says that the goods are on their way; the time comes from the process.
func (p *Process) Dispatch(ctx context.Context, id string, d order.Dispatch, meta eventlog.Meta) (Result, error) {
	d.At = p.now()
	return p.step(ctx, id, d, meta)
}

// Deliver says that the goods have arrived, from when on the time for returns runs:
// for so many days, 0 for as many as the policy in force says, whatever it says
// later.
func (p *Process) Deliver(ctx context.Context, id string, days int, meta eventlog.Meta) (Result, error) {
	days = cmp.Or(days, p.ReturnDays, ReturnDays)
	now := p.now()
	return p.step(ctx, id, order.Deliver{At: now, ReturnsUntil: now.AddDate(0, 0, days)}, meta)
}

// Cancel calls an order off that has not gone off yet: the money is paid back, the
// pieces are for sale again and what the agent may spend is given back. It returns
// [order.Unfit] for one that cannot be cancelled; a cancelled one stays as it is.
// by is order.ByBuyer or order.ByShop.
func (p *Process) Cancel(ctx context.Context, id, reason, by string, meta eventlog.Meta) (Result, error) {
	return p.step(ctx, id, order.Cancel{Reason: reason, By: by, At: p.now()}, meta)
}

// Approve answers a return: the goods may come.
func (p *Process) Approve(ctx context.Context, id, ret string, meta eventlog.Meta) (Result, error) {
	return p.step(ctx, id, order.ApproveReturn{Return: ret, At: p.now()}, meta)
}

// Reject answers a return: the goods may not come, or not any more.
func (p *Process) Reject(ctx context.Context, id, ret, reason string, meta eventlog.Meta) (Result, error) {
	return p.step(ctx, id, order.RejectReturn{Return: ret, Reason: reason, At: p.now()}, meta)
}

// Receive says that the goods of an approved return are back: their share of what
// was paid is paid back, and the sellable ones are for sale again.
func (p *Process) Receive(ctx context.Context, id, ret string, sellable bool, meta eventlog.Meta) (Result, error) {
	return p.step(ctx, id, order.ReceiveReturn{Return: ret, Sellable: sellable, At: p.now()}, meta)
}

// PaidOtherwise says that a refund which the gateway refused was paid in another
// way, which the reference names. With a cancelled order's it gives back what that
// had used up, as when the gateway pays.
func (p *Process) PaidOtherwise(ctx context.Context, id, refund, reference string, meta eventlog.Meta) (Result, error) {
	o, _, err := p.Checkout.Orders.State(ctx, id)
	if err != nil {
		return Result{}, err
	}
	r, ok := o.FindRefund(refund)
	if !ok || r.Status == order.Due {
		return Result{Order: o}, order.ErrNoRefund // the gateway may be paying it just now
	}
	if r.Status == order.Refused {
		// Before the order's own event: without that, somebody says it again.
		back := &run{Process: p, order: o, meta: follow(meta)}
		if err := back.giveBack(ctx, refund); err != nil {
			return Result{Order: o}, err
		}
	}
	return p.step(ctx, id, order.PayBack{Refund: refund, Reference: reference, At: p.now()}, meta)
}

func (p *Process) now() time.Time { return p.Checkout.Now().UTC() }

// step records a step and does what follows from it.
func (p *Process) step(ctx context.Context, id string, cmd order.Command, meta eventlog.Meta) (Result, error) {
	unlock, err := p.locks.Lock(ctx, id)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	out, err := p.Checkout.Orders.Do(ctx, id, cmd, meta)
	if err != nil {
		return Result{Order: out.State}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	r := &run{Process: p, order: out.State, at: out.Position, meta: follow(meta)}
	late := r.settle(ctx)
	return Result{Order: r.order, At: r.at, Replayed: !out.Changed, Late: late}, nil
}

// follow is the meta of what follows: the same request, but none of it is the
// command that the caller may repeat.
func follow(meta eventlog.Meta) eventlog.Meta {
	meta.Causation, meta.Fingerprint = meta.Command, ""
	return meta
}
