package checkout

import (
	"context"
	"time"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/spending"
)

// Proposal is what a checkout would do: what a person is shown before they say
// yes to it. Making one reserves nothing and charges nothing.
type Proposal struct {
	// Quote is the id to buy it by, also if the request named none.
	Quote string
	Lines []cart.Line
	Total money.Amount
	// Method is what would be charged.
	Method string
	// Attempt is which try to pay it would be, from 1; of a purchase that is begun, the
	// one that was made last, 0 where that is not looked up.
	Attempt int
	// Begun is whether a checkout would only go on with, or answer with, what
	// stands on the log: there is nothing left to say yes to.
	Begun bool
	// Approved is whether the person has said yes to just this on the approval page.
	Approved bool
}

// Propose says what CheckOut would do with the request now, or why it would not:
// the errors are those of CheckOut. Unlike CheckOut it takes a request without a
// quote also where real money moves, since the person will see what it proposes.
func (p *Process) Propose(ctx context.Context, r Request, meta eventlog.Meta) (Proposal, error) {
	if r.Method == "" {
		r.Method = p.Gateway.DefaultMethod()
	}
	if r.Method == "" {
		return Proposal{}, ErrMethod
	}
	if meta.Fingerprint != "" {
		if _, known, err := p.Source.Command(ctx, meta.Command); known || err != nil {
			return Proposal{Quote: r.Quote, Begun: known}, err
		}
	}
	if r.Quote == "" {
		q, err := p.unquoted(ctx, r.User)
		if err != nil {
			return Proposal{}, err
		}
		r.Quote = q.ID
	}
	start, err := p.admit(ctx, r, meta)
	if err != nil {
		return Proposal{}, err
	}
	o, _, err := p.Orders.State(ctx, start.ID)
	if err != nil {
		return Proposal{}, err
	}
	s, _, err := p.Spendings.State(ctx, spending.ID(r.User, r.Client))
	if err != nil {
		return Proposal{}, err
	}
	asked, found := s.Find(Purchase(r.Quote))
	proposed := Proposal{
		Quote: r.Quote, Lines: start.Lines, Total: start.Total, Method: r.Method,
		Attempt: o.Attempt + 1, Begun: o.Open() || o.Status == order.Placed,
		Approved: found && asked.Total == start.Total && p.Now().Before(asked.Approved),
	}
	if proposed.Begun {
		proposed.Attempt = o.Attempt
	}
	return proposed, nil
}

// Tried is how often the quote has been tried to be bought.
func (p *Process) Tried(ctx context.Context, quote string) (int, error) {
	o, _, err := p.Orders.State(ctx, OrderID(quote))
	return o.Attempt, err
}

// unquoted quotes the cart for a request that names no quote. The quote's id
// depends on nothing but person and cart, so that a retry is the same order.
func (p *Process) unquoted(ctx context.Context, user string) (Quote, error) {
	q, err := p.quote(ctx, user)
	if err != nil {
		return Quote{}, err
	}
	if len(q.Problems) > 0 {
		return Quote{}, &Blocked{q.Problems}
	}
	q.ID = sign(p.Secret, q, time.Time{})
	return q, nil
}
