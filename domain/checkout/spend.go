package checkout

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/spending"
)

// Spendings handles what agents may spend.
type Spendings = decider.Handler[spending.State, spending.Command, spending.Event]

// purchase names what a quote is for, without when it was made: a person who says
// yes to lines and total says it to a later quote of just the same too.
func (t ticket) purchase() string {
	var state [8]byte
	binary.BigEndian.PutUint64(state[:], t.version)
	// The first part has spending.PurchaseState characters.
	return base64.RawURLEncoding.EncodeToString(state[:]) + base64.RawURLEncoding.EncodeToString(t.digest[:])
}

// Purchase is what the quote of an order is for, in the words of package
// spending; empty for no quote. It proves nothing: the order did when it began.
func Purchase(quote string) string {
	t, _, ok := read(quote)
	if !ok {
		return ""
	}
	return t.purchase()
}

// allowed is why the agent may not buy this, by the rules of the person. Where
// their yes is needed, they are asked for it.
func (p *Process) allowed(ctx context.Context, start order.Start, t ticket, meta eventlog.Meta) error {
	if start.Client == "" {
		return nil
	}
	id := spending.ID(start.User, start.Client)
	s, _, err := p.Spendings.State(ctx, id)
	if err != nil {
		return err
	}
	err = s.Check(start.ID, t.purchase(), start.Total, p.Now())
	var ask *spending.Unapproved
	if errors.As(err, &ask) {
		out, failed := p.Spendings.Do(ctx, id, spending.Ask{
			Purchase: ask.Purchase, Order: start.ID, Lines: start.Lines, Total: start.Total, At: p.Now().UTC(),
		}, step(meta))
		if failed == nil {
			// The person may look at once.
			failed = p.Source.Wait(ctx, out.Position)
		}
		if failed != nil {
			return failed
		}
	}
	return err
}

// mayBuy says on the quote what the person's rules mean for it.
func (p *Process) mayBuy(ctx context.Context, q *Quote, client string) error {
	if client == "" || len(q.Problems) > 0 {
		return nil
	}
	s, _, err := p.Spendings.State(ctx, spending.ID(q.User, client))
	if err != nil {
		return err
	}
	t := ticket{version: q.CartVersion, digest: digest(*q)}
	found, stands := Forbidden(s.Check("", t.purchase(), q.Total, p.Now()))
	switch {
	case stands && found.Code == "approval_required":
		q.Warnings = append(q.Warnings, found)
	case stands:
		q.Problems = append(q.Problems, found)
	}
	return nil
}

// spend counts the attempt against what its agent may spend, or gives up.
func (r *run) spend(ctx context.Context) (may bool, err error) {
	if r.order.Client == "" {
		return true, nil
	}
	out, err := r.Spendings.Do(ctx, spending.ID(r.order.User, r.order.Client), spending.Reserve{
		Reservation: r.order.Reservation(), Purchase: Purchase(r.order.Quote), Amount: r.order.Total, At: r.Now().UTC(),
	}, r.named("spend"))
	if end, refused := Forbidden(err); refused {
		// The person's other agents may read the order: how much is left is not theirs
		// to know.
		return false, r.take(ctx, order.Fail{Attempt: r.order.Attempt, Code: end.Code, Reason: "The person's rules for this agent do not allow it."})
	}
	r.at = max(r.at, out.Position)
	return err == nil, err
}

// unspend says that the attempt came to nothing.
func (r *run) unspend(ctx context.Context, reason string) error {
	if r.order.Client == "" {
		return nil
	}
	out, err := r.Spendings.Do(ctx, spending.ID(r.order.User, r.order.Client),
		spending.Release{Reservation: r.order.Reservation(), Reason: reason}, r.named("unspend"))
	r.at = max(r.at, out.Position)
	return err
}

// Forbidden words why an agent may not spend; false for any other error.
func Forbidden(err error) (Finding, bool) {
	var over *spending.Exceeded
	var ask *spending.Unapproved
	var denial *spending.Denial
	switch {
	case errors.As(err, &over):
		return Finding{Code: "spending_limit_exceeded", Message: exceeded(over)}, true
	case errors.As(err, &denial):
		return Finding{Code: "approval_denied", Message: "The person said no to this purchase."}, true
	case errors.As(err, &ask) && ask.Above.Minor == 0:
		return Finding{Code: "approval_required", Message: "The person wants to approve every purchase themselves."}, true
	case errors.As(err, &ask):
		return Finding{Code: "approval_required", Message: fmt.Sprintf("The person has to approve what costs more than %s themselves.", ask.Above)}, true
	}
	return Finding{}, false
}

func exceeded(e *spending.Exceeded) string {
	switch e.Limit {
	case spending.Currency:
		return fmt.Sprintf("This costs %s, and the person has set the limits of this agent in %s.", e.Wanted, e.Most.Currency)
	case spending.Orders:
		return fmt.Sprintf("This agent has placed %d orders within 24 hours, which is the most.", spending.MaxOrders)
	case spending.PerOrder:
		return fmt.Sprintf("This costs %s, and the person lets this agent spend at most %s per order.", e.Wanted, e.Most)
	}
	text := fmt.Sprintf("This costs %s, and of the %s that the person lets this agent spend in 24 hours %s are left.", e.Wanted, e.Most, e.Left)
	if !e.Again.IsZero() {
		text += fmt.Sprintf(" It fits from %s on.", e.Again.UTC().Format("2006-01-02 15:04 MST"))
	}
	return text
}
