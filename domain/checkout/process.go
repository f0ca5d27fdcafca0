package checkout

import (
	"context"
	"errors"
	"time"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/payment"
	"till/domain/stock"
)

// ReservationLife is how long pieces are kept apart before the shop looks
// whether their checkout is still under way.
const ReservationLife = 10 * time.Minute

// patience bounds how long a checkout goes on once it has begun, also when the
// caller has gone away: half a purchase helps nobody.
const patience = 30 * time.Second

// Handlers of the aggregates that a purchase touches.
type (
	Carts  = decider.Handler[cart.State, cart.Command, cart.Event]
	Stocks = decider.Handler[stock.State, stock.Command, stock.Event]
	Orders = decider.Handler[order.State, order.Command, order.Event]
)

// Process runs purchases.
type Process struct {
	Carts  *Carts
	Stocks *Stocks
	Orders *Orders
	// Spendings are what agents may spend.
	Spendings *Spendings
	// Promotions are the discount codes.
	Promotions *Promotions
	Source     decider.Source
	Shelf      Shelf
	Gateway    payment.Gateway
	// Secret signs quotes; all nodes of a shop share it.
	Secret []byte
	Now    func() time.Time

	locks decider.Locks // by order: one caller at a time takes the steps
}

// Request is a person's word to buy.
type Request struct {
	User string
	// Client is the agent that says it, whose limits hold; empty where it is none.
	Client string
	// Quote is the id of the quote to buy; empty quotes and buys at once, where
	// no real money moves.
	Quote string
	// Method is a reference that the gateway understands; empty takes the
	// gateway's default.
	Method string
	// Attempt is the only try to pay that the person has said yes to, from 1: if it
	// was made before, its end is the answer. 0 is whichever is next.
	Attempt int
}

// Result is where a purchase stands.
type Result struct {
	Order order.State
	// At is the position of the last event that the purchase made.
	At eventlog.Position
	// Replayed is whether an earlier call had already brought it there.
	Replayed bool
}

// Review quotes the person's cart for the agent. It returns cart.ErrEmpty for an
// empty one.
func (p *Process) Review(ctx context.Context, user, client string) (Quote, error) {
	q, err := p.quote(ctx, user)
	if err != nil {
		return Quote{}, err
	}
	if err := p.mayBuy(ctx, &q, client); err != nil {
		return Quote{}, err
	}
	now := p.Now()
	q.Expires = now.Add(QuoteLife).UTC().Truncate(time.Second)
	if q.claim != "" {
		q.Problems = append(q.Problems, Finding{Code: "checkout_in_progress",
			Message: "Order " + q.claim + " is buying this cart and is not finished; look at it with get_order and wait a moment."})
	}
	if len(q.Problems) == 0 {
		q.ID = sign(p.Secret, q, now)
	}
	return q, nil
}

func (p *Process) quote(ctx context.Context, user string) (Quote, error) {
	s, _, err := p.Carts.State(ctx, user)
	if err != nil {
		return Quote{}, err
	}
	if len(s.Lines) == 0 {
		return Quote{}, cart.ErrEmpty
	}
	q, err := price(ctx, p.Shelf, user, s)
	if err == nil {
		err = p.discount(ctx, &q, s)
	}
	q.claim = s.Claim
	return q, err
}

// CheckOut buys a quote: exactly what it says, once, however often it is
// called. A declined or failed purchase may be tried again by another call,
// unless meta repeats a command that was answered before. The errors are those
// of this package, of cart and of decider; how the purchase itself ended is
// the Result's order status.
func (p *Process) CheckOut(ctx context.Context, r Request, meta eventlog.Meta) (Result, error) {
	if r.Method == "" {
		r.Method = p.Gateway.DefaultMethod()
	}
	if r.Method == "" {
		return Result{}, ErrMethod
	}
	if done, ok, err := p.answered(ctx, r, meta); ok || err != nil {
		return done, err
	}
	start, err := p.admit(ctx, r, meta)
	if err != nil {
		return Result{}, err
	}
	return p.run(ctx, start.ID, meta, func(ctx context.Context) (o order.State, at eventlog.Position, changed bool, err error) {
		if err := p.tidy(ctx, start, meta); err != nil {
			return o, 0, false, err
		}
		out, err := p.Orders.Do(ctx, start.ID, start, meta)
		if changed = out.Changed; err == nil && !changed && !out.Replayed && meta.Fingerprint != "" {
			// Two agents bought one cart: this one's key must find the order again
			// when the cart is empty.
			out, err = p.Orders.Do(ctx, start.ID, order.Join{By: meta.Command}, meta)
		}
		return out.State, out.Position, changed, err
	})
}

// run takes an order to its end from where begin finds it, alone with it in this
// process. From the first event on it goes on, whoever listens.
func (p *Process) run(ctx context.Context, id string, meta eventlog.Meta,
	begin func(context.Context) (o order.State, at eventlog.Position, changed bool, err error)) (Result, error) {
	unlock, err := p.locks.Lock(ctx, id)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	o, at, changed, err := begin(ctx)
	if err != nil {
		return Result{}, err
	}
	r := &run{Process: p, order: o, at: at, meta: step(meta)}
	err = r.drive(ctx)
	return Result{Order: r.order, At: r.at, Replayed: !changed}, err
}

// tidy gives back what the attempt before kept apart, in case its caller was
// killed before it could.
func (p *Process) tidy(ctx context.Context, start order.Start, meta eventlog.Meta) error {
	o, version, err := p.Orders.State(ctx, start.ID)
	if err != nil || o.Attempt != start.After || (o.Status != order.Declined && o.Status != order.Failed) {
		return err
	}
	r := &run{Process: p, order: o, at: version.Position, meta: step(meta)}
	return r.drive(ctx)
}

// answered finds the order of a command that was done before.
func (p *Process) answered(ctx context.Context, r Request, meta eventlog.Meta) (Result, bool, error) {
	if meta.Fingerprint == "" {
		return Result{}, false, nil
	}
	receipt, ok, err := p.Source.Command(ctx, meta.Command)
	if err != nil || !ok {
		return Result{}, false, err
	}
	if receipt.Fingerprint != meta.Fingerprint || receipt.Stream.Category != order.Category {
		return Result{}, true, decider.ErrReused
	}
	o, version, err := p.Orders.State(ctx, receipt.Stream.ID)
	if err == nil && o.User != r.User {
		err = decider.ErrReused
	}
	if err != nil {
		return Result{}, true, err
	}
	if !o.Open() {
		return Result{Order: o, At: version.Position, Replayed: true}, true, nil
	}
	// Still under way: this very order goes on, whatever the cart holds by now.
	done, err := p.run(ctx, o.ID, meta, func(ctx context.Context) (order.State, eventlog.Position, bool, error) {
		o, version, err := p.Orders.State(ctx, o.ID)
		return o, version.Position, false, err
	})
	return done, true, err
}

// admit turns the request into the order's first command. A quote whose order
// exists needs no further proof: the order is its own.
func (p *Process) admit(ctx context.Context, r Request, meta eventlog.Meta) (order.Start, error) {
	q, fresh := Quote{}, ticket{}
	var err error
	if r.Quote == "" {
		if !p.Gateway.Test() {
			return order.Start{}, ErrReviewFirst
		}
		if q, err = p.unquoted(ctx, r.User); err != nil {
			return order.Start{}, err
		}
		fresh = ticket{version: q.CartVersion, digest: digest(q)}
	} else if fresh, err = open(p.Secret, r.User, r.Quote); err != nil {
		return order.Start{}, err
	} else {
		q.ID = r.Quote
	}

	start := order.Start{ID: OrderID(q.ID), User: r.User, Quote: q.ID, Method: r.Method, At: p.Now().UTC(), Client: r.Client}
	if begun, err := p.begun(ctx, &start, r.Attempt); begun || err != nil {
		return start, err
	}
	confirmed, err := p.confirm(ctx, start, q, fresh)
	if err == nil {
		err = p.allowed(ctx, confirmed, fresh, meta)
	}
	if err != nil {
		// Another call with this quote may have bought the cart since.
		if begun, _ := p.begun(ctx, &start, r.Attempt); begun {
			return start, nil
		}
	}
	return confirmed, err
}

// begun fills in what an order is about that exists, and returns whether it is
// under way or placed, or has made the only attempt that is asked for.
func (p *Process) begun(ctx context.Context, start *order.Start, only int) (bool, error) {
	known, _, err := p.Orders.State(ctx, start.ID)
	if err != nil || known.Status == "" {
		return false, err
	}
	start.After, start.Lines, start.Total, start.Discount = known.Attempt, known.Lines, known.Total, known.Discount
	if known.Open() {
		// Who finds it under way waits for its end, and does not try again by
		// themselves if that is a decline: with another card perhaps, or another
		// agent's limits.
		start.After--
	}
	if only > 0 && known.Attempt >= only {
		start.After = min(start.After, only-1)
		return true, nil
	}
	return known.Open() || known.Status == order.Placed, nil
}

// confirm checks that the quote still is what the cart costs.
func (p *Process) confirm(ctx context.Context, start order.Start, q Quote, t ticket) (order.Start, error) {
	if !t.issued.IsZero() && p.Now().Sub(t.issued) > QuoteLife {
		return order.Start{}, ErrQuoteExpired
	}
	if q.Lines == nil {
		var err error
		if q, err = p.quote(ctx, start.User); errors.Is(err, cart.ErrEmpty) {
			return order.Start{}, ErrQuoteOutdated
		} else if err != nil {
			return order.Start{}, err
		}
	}
	if q.CartVersion != t.version {
		return order.Start{}, ErrQuoteOutdated
	}
	if q.claim != "" && q.claim != start.ID {
		return p.after(ctx, start, t, q.claim)
	}
	if len(q.Problems) > 0 {
		return order.Start{}, &Blocked{q.Problems}
	}
	if digest(q) != t.digest {
		return order.Start{}, ErrQuoteOutdated
	}
	start.Lines, start.Total, start.Discount, start.CartVersion = q.Lines, q.Total, q.Discount, q.CartVersion
	return start, nil
}

// after looks after the order that holds the cart, whose caller may have been
// killed just before the end, and then looks at the quote again.
func (p *Process) after(ctx context.Context, start order.Start, t ticket, other string) (order.Start, error) {
	meta := eventlog.Meta{Command: "after:" + other, Causation: "checkout", Actor: eventlog.Actor{Kind: eventlog.System}, Time: p.Now().UTC()}
	if done, err := p.Resume(ctx, other, meta); err != nil || !done {
		return order.Start{}, errors.Join(err, &Busy{other})
	}
	if s, _, err := p.Carts.State(ctx, start.User); err != nil || s.Claim == other {
		return order.Start{}, errors.Join(err, &Busy{other})
	}
	return p.confirm(ctx, start, Quote{ID: start.Quote}, t)
}

// step is the meta of the process's own commands: the same request, but none
// of them is the command that the caller may repeat.
func step(meta eventlog.Meta) eventlog.Meta {
	meta.Causation, meta.Fingerprint = meta.Command, ""
	return meta
}
