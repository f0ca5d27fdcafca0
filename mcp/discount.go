package mcp

import (
	"context"
	"fmt"
	"math"
	"time"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/order"
	"till/domain/promotion"
	"till/projections"
)

// How many codes a person may try: some at once, then three in a minute. Codes are
// worth money, and who tries more is guessing.
const (
	codesAtOnce    = 10
	codesPerSecond = 0.05
)

// taken is what a discount code takes off, or why it takes nothing off now. It
// stands beside the total, which is what is left; Subtotal is what there was before.
type taken struct {
	Code     string   `json:"code"`
	Subtotal price    `json:"subtotal"`
	Amount   *price   `json:"amount,omitempty"`
	Warning  *warning `json:"warning,omitempty"`
}

// takenOff is the discount of a quote or an order that costs the total; nil for none.
func takenOff(d *order.Discount, total price) *taken {
	if d == nil {
		return nil
	}
	off, before := priced(d.Amount), d.Amount
	before.Minor += total.Amount
	return &taken{Code: d.Code, Subtotal: priced(before), Amount: &off}
}

// told is the discount as a line of text, nothing for none.
func (t *taken) told() string {
	switch {
	case t == nil:
		return ""
	case t.Amount == nil:
		return "\n" + t.Warning.Message
	}
	return fmt.Sprintf("\nSubtotal %s, %s less with the code %s.", t.Subtotal.Display, t.Amount.Display, t.Code)
}

func discountTool() tool {
	return tool{
		name: "apply_discount_code", title: "Use a discount code",
		about: "Use this when the person names a discount code. Example: {\"code\": \"WELCOME10\"}. It replaces the cart's code; \"\" removes it. Returns the whole cart.",
		args: []argument{
			{name: "code", kind: text, most: 64, required: true, blank: true, about: "As they gave it.", example: "WELCOME10", also: []string{"discount_code"}},
			keyOfWrite,
		},
		output: basket{}, repeats: true, time: writeTime, run: applyCode,
	}
}

func applyCode(ctx context.Context, c *call) (answer, error) {
	meta := c.meta()
	if c.text("code") == "" {
		return c.change(ctx, cart.RemoveCode{}, meta, func(*basket) string { return "There is no discount code on the cart now." })
	}
	var was string
	tried := false // the look may be taken twice
	code, err := promotion.Normal(c.text("code"))
	if err != nil {
		code = c.text("code")
	}
	err = c.unlessDone(ctx, meta, func(r *projections.Reader) error {
		s, _, err := r.Cart(ctx, c.caller.User)
		if was = s.Code; err != nil {
			return err
		}
		if !tried && s.Code != code {
			if err := c.mayTry(); err != nil {
				return err
			}
		}
		tried = true
		return c.usable(ctx, r, s, code)
	})
	if err != nil {
		return answer{}, err
	}
	return c.change(ctx, cart.ApplyCode{Code: code}, meta, func(b *basket) string {
		said := "The code " + code + " is on the cart."
		if was != "" && was != code {
			said = "The code " + code + " is on the cart in place of " + was + "; a cart takes one."
		}
		if len(b.Lines) == 0 {
			said += " The cart is empty; the code counts for what is put in."
		}
		return said
	})
}

// mayTry counts a code that the person tries, and refuses who tried too many.
func (c *call) mayTry() error {
	now := c.Now()
	tries := c.codes.of(c.caller.User, now)
	if tries.AllowN(now, 1) {
		return nil
	}
	wait := time.Duration((1 - tries.TokensAt(now)) / codesPerSecond * float64(time.Second))
	return &problem{Code: "rate_limited", Retryable: true, Field: "code", NextTools: []string{"view_cart"},
		Message: fmt.Sprintf("Too many discount codes were tried, and nothing was changed. Do not guess codes: ask the person for the right one, and send it in %d seconds.", int(math.Ceil(wait.Seconds())))}
}

// usable is why the code takes nothing off the cart now.
func (c *call) usable(ctx context.Context, r *projections.Reader, s cart.State, code string) error {
	state := promotion.State{}
	if _, err := promotion.Normal(code); err == nil {
		if state, err = r.Code(ctx, code); err != nil {
			return err
		}
	}
	categories := make([]string, len(s.Lines))
	for i, l := range s.Lines {
		seen, err := checkout.Inspect(ctx, r, l)
		if err != nil {
			return err
		}
		categories[i] = seen.Category
	}
	_, why := checkout.Discount(state, c.caller.User, s.Claim, s.Lines, categories, c.Now())
	if why == nil {
		return nil
	}
	return worthless(checkout.Worthless(quoted(code), why))
}

// quoted is a code as it is said back: it may be any text.
func quoted(code string) string {
	if _, err := promotion.Normal(code); err == nil {
		return code
	}
	return quote(code)
}

// worthless is what a model is told of a code that cannot be used.
func worthless(f checkout.Finding) *problem {
	p := &problem{Code: f.Code, Field: "code", NextTools: []string{"view_cart", "review_checkout"}}
	p.Message = f.Message + " Nothing was changed. "
	switch f.Code {
	case "discount_code_minimum":
		p.Field, p.NextTools = "", []string{"search_products", "add_to_cart", "apply_discount_code"}
		p.Message += "Tell the person; if they want more, add it and apply the code again."
	case "discount_code_not_applicable":
		p.Field, p.NextTools = "", []string{"search_products", "add_to_cart", "apply_discount_code"}
		p.Message += "Tell the person; if they want something that it is for, add it and apply the code again."
	case "discount_code_invalid":
		p.Message += "Ask the person how it is spelt and from when on it is valid; do not try others."
	default:
		p.Message += "Tell the person and go on without it, or with another code of theirs."
	}
	return p
}

// takeOff puts what the cart's code is worth into the basket, by the prices in it.
func (b *basket) takeOff(ctx context.Context, c *call, r *projections.Reader, s cart.State, categories []string) error {
	if s.Code == "" {
		return nil
	}
	code, err := r.Code(ctx, s.Code)
	if err != nil {
		return err
	}
	now, err := c.moment(ctx)
	if err != nil {
		return err
	}
	b.Discount = &taken{Code: s.Code, Subtotal: b.Total}
	off, why := checkout.Discount(code, c.caller.User, s.Claim, s.Lines, categories, now)
	if why != nil {
		f := checkout.Worthless(s.Code, why)
		b.Discount.Warning = &warning{f.Code, f.Message + " It takes nothing off now."}
		return nil
	}
	amount := c.total(off.Amount)
	b.Discount.Amount = &amount
	total := s.Total()
	total.Minor -= off.Amount.Minor
	b.Total = c.total(total)
	return nil
}

// moment is when the answer is about: now, or when the last event was that an answer
// about the past includes.
func (c *call) moment(ctx context.Context) (time.Time, error) {
	if c.asked == nil || *c.asked == 0 {
		return c.Now(), nil
	}
	e, err := c.Log.Get(ctx, *c.asked)
	return e.Time, err
}
