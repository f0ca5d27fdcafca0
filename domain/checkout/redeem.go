package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/promotion"
)

// Promotions handles discount codes.
type Promotions = decider.Handler[promotion.State, promotion.Command, promotion.Event]

// discount takes off the quote what the cart's code is worth now, or warns that it
// is worth nothing.
func (p *Process) discount(ctx context.Context, q *Quote, s cart.State) error {
	if s.Code == "" {
		return nil
	}
	code, _, err := p.Promotions.State(ctx, s.Code)
	if err != nil {
		return err
	}
	// What the order that holds the cart has used is this very purchase.
	off, why := Discount(code, q.User, s.Claim, q.Lines, q.categories, p.Now())
	if why != nil {
		found := Worthless(s.Code, why)
		found.Message += " The total is without it."
		q.Warnings = append(q.Warnings, found)
		return nil
	}
	if off.Amount.Minor == 0 {
		return nil // what costs nothing must not use the code up
	}
	q.Discount = off
	q.Total.Minor -= off.Amount.Minor
	return nil
}

// Discount is what the code takes off the person's lines now, whose products are of
// those categories, or why it does not hold: one of the errors of package promotion.
// What the order but has used counts for nothing.
func Discount(code promotion.State, user, but string, lines []cart.Line, categories []string, now time.Time) (*order.Discount, error) {
	if err := code.Check(user, but, now); err != nil {
		return nil, err
	}
	worth := make([]promotion.Line, len(lines))
	for i, l := range lines {
		worth[i] = promotion.Line{Subtotal: l.Subtotal(), Category: categories[i]}
	}
	parts, err := code.Terms.Discount(worth)
	if err != nil {
		return nil, err
	}
	d := &order.Discount{Code: code.Code, Lines: []order.LineDiscount{}}
	for i, part := range parts {
		d.Amount = money.Of(d.Amount.Minor+part, lines[i].Price.Currency)
		if part > 0 {
			d.Lines = append(d.Lines, order.LineDiscount{SKU: lines[i].SKU, Amount: money.Of(part, lines[i].Price.Currency)})
		}
	}
	return d, nil
}

// Worthless words why a code does not hold.
func Worthless(code string, why error) Finding {
	var few *promotion.Minimum
	var elsewhere *promotion.Elsewhere
	f := Finding{Code: "discount_code_invalid", Message: "There is no code " + code + "."}
	switch {
	case errors.Is(why, promotion.ErrEnded):
		f.Code, f.Message = "discount_code_expired", "The code "+code+" is no longer valid."
	case errors.Is(why, promotion.ErrUsedUp):
		f.Code, f.Message = "discount_code_used_up", "The code "+code+" has been used as often as it can be."
	case errors.Is(why, promotion.ErrNotAgain):
		f.Code, f.Message = "discount_code_user_ineligible", "This person has already used the code "+code+" as often as one person can."
	case errors.As(why, &few):
		f.Code, f.Message = "discount_code_minimum", fmt.Sprintf("The code %s needs a cart of %s or more; %s are missing.", code, few.Needs, few.Missing)
	case errors.As(why, &elsewhere) && elsewhere.Category != "":
		f.Code, f.Message = "discount_code_not_applicable", fmt.Sprintf("The code %s is only for products of the category %s, and the cart holds none.", code, elsewhere.Category)
	case errors.As(why, &elsewhere):
		f.Code, f.Message = "discount_code_not_applicable", fmt.Sprintf("The code %s is only for prices in %s.", code, elsewhere.Currency)
	}
	return f
}

// redeem uses the order's code, if it has one, or gives up: others were faster, or
// it has ended since.
func (r *run) redeem(ctx context.Context) (may bool, err error) {
	code := r.order.DiscountCode()
	if code == "" {
		return true, nil
	}
	out, err := r.Promotions.Do(ctx, code, promotion.Redeem{
		Reservation: r.order.Reservation(), User: r.order.User, At: r.Now().UTC(),
	}, r.named("redeem"))
	if refused(err) {
		end := Worthless(code, err)
		return false, r.take(ctx, order.Fail{Attempt: r.order.Attempt, Code: end.Code, Reason: end.Message})
	}
	r.at = max(r.at, out.Position)
	return err == nil, err
}

// refused is whether the code itself refused to be used.
func refused(err error) bool {
	for _, rule := range []error{promotion.ErrUnknown, promotion.ErrEnded, promotion.ErrUsedUp, promotion.ErrNotAgain} {
		if errors.Is(err, rule) {
			return true
		}
	}
	return false
}

// unredeem says that the attempt does not use its code.
func (r *run) unredeem(ctx context.Context, reason string) error {
	at, err := r.ReverseRedemption(ctx, r.order, reason, r.meta)
	r.at = max(r.at, at)
	return err
}

// ReverseRedemption gives the use of the order's code back, for an order that came
// to nothing or was cancelled: it counts neither in all nor for the person. It may
// be called any number of times and does it once for each attempt; for an order
// without a code it does nothing. at is the position of what is on the log of it, 0
// for nothing.
func (p *Process) ReverseRedemption(ctx context.Context, o order.State, reason string, meta eventlog.Meta) (at eventlog.Position, err error) {
	code := o.DiscountCode()
	if code == "" {
		return 0, nil
	}
	meta.Command = "checkout:" + o.Reservation() + ":unredeem"
	meta.Fingerprint = "reversed" // found again by its command, so done once
	out, err := p.Promotions.Do(ctx, code, promotion.Reverse{Reservation: o.Reservation(), Reason: reason, At: p.Now().UTC()}, meta)
	return out.Position, err
}
