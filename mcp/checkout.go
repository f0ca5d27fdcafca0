package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/order"
	"till/projections"
)

// review is a quote: what the cart costs now.
type review struct {
	Ready     bool       `json:"ready"`
	QuoteID   string     `json:"quote_id,omitempty" about:"only when ready"`
	Lines     []cartLine `json:"lines"`
	Omitted   int        `json:"lines_omitted,omitempty"`
	Discount  *taken     `json:"discount,omitempty"`
	Total     price      `json:"total"`
	Problems  []finding  `json:"problems"`
	Warnings  []finding  `json:"warnings"`
	ExpiresAt string     `json:"expires_at,omitempty"`
	TestMoney bool       `json:"test_money" about:"no real money moves"`
	NextSteps []string   `json:"next_steps"`
	included
}

// finding is something to know about an item.
type finding struct {
	Code    string `json:"code"`
	SKU     string `json:"sku"`
	Message string `json:"message"`
}

// bought is a finished purchase.
type bought struct {
	orderDetail
	Replayed  bool     `json:"replayed"`
	NextSteps []string `json:"next_steps"`
	included
}

func (s *Server) checkoutTools() []tool {
	return []tool{
		{
			name: "review_checkout", title: "Review the checkout",
			about:  "Use this when the person wants to buy, before checkout. Example: {}. Changes nothing. Returns the lines at present prices, the total, warnings and a quote_id that is good for 15 minutes. Show them to the person and get a yes.",
			output: review{}, reads: true, time: readTime, run: reviewCheckout,
		},
		{
			name: "checkout", title: "Buy the cart",
			about: "Use this when the person has said yes to the lines and total of review_checkout. Example: {\"quote_id\": \"q_…\"}. Places exactly that quote and pays. Sending the same quote_id again never buys twice; after a declined payment send it again with another payment_method. If it answers approval_required, give the person its approve_url. Returns the order.",
			args: []argument{
				{name: "quote_id", kind: text, most: 200, about: "From review_checkout.", also: []string{"quote"}},
				{name: "payment_method", kind: text, most: 200, about: "A reference of the payment service, never a card number. In a test shop pm_card_visa succeeds; leave it out for that."},
				keyOfWrite,
			},
			output: bought{}, destroys: true, repeats: true, open: true, time: answerTime + checkoutTime, run: checkOut,
		},
		{
			name: viewsCheckout, title: "Confirm in a view",
			about: "Use this when the person presses the button in the shop's view, and never otherwise. Example: {\"quote_id\": \"q_…\"}. Does what checkout does without asking again. Returns the order.",
			args: []argument{
				{name: "quote_id", kind: text, most: 200, required: true, about: "From review_checkout."},
				{name: "payment_method", kind: text, most: 200, about: "As for checkout."},
				keyOfWrite,
			},
			output: bought{}, destroys: true, repeats: true, open: true, time: checkoutTime, run: checkOut,
		},
	}
}

func reviewCheckout(ctx context.Context, c *call) (answer, error) {
	c.at = c.Views.Position() // what is read from here on includes it
	q, err := c.Checkout.Review(ctx, c.caller.User, c.caller.Client)
	if errors.Is(err, cart.ErrEmpty) {
		return answer{}, c.emptied(ctx)
	}
	if err != nil {
		return answer{}, err
	}
	a := &review{
		Ready: q.ID != "", QuoteID: q.ID, Total: c.total(q.Total),
		Problems: findings(q.Problems), Warnings: findings(q.Warnings), TestMoney: c.Checkout.Gateway.Test(),
	}
	a.Lines, a.Omitted = fit(linesOf(q.Lines))
	a.Discount = takenOff(q.Discount, a.Total)
	var t strings.Builder
	if a.Ready {
		a.ExpiresAt = stamp(q.Expires)
		a.NextSteps = []string{"show the person the lines, the warnings and the total", "after an explicit yes: checkout with this quote_id"}
		if slices.ContainsFunc(a.Warnings, func(f finding) bool { return f.Code == "approval_required" }) {
			a.NextSteps = append(a.NextSteps, "give the person the approve_url that checkout answers with, and checkout again after their yes")
		}
		fmt.Fprintf(&t, "Ready to buy for %s until %s.", a.Total.Display, a.ExpiresAt)
	} else {
		a.NextSteps = []string{"tell the person about the problems", "update_cart_quantity or remove_from_cart for those items", "review_checkout again"}
		switch a.Problems[0].Code {
		case "checkout_in_progress":
			a.NextSteps[1] = "get_order for the order that is buying this cart, and wait a moment"
		case "spending_limit_exceeded", "approval_denied":
			a.NextSteps[1] = "ask the person what to leave out; only they can change the rules, at " + c.Limits
		}
		t.WriteString("This cart cannot be bought as it is.")
	}
	for _, f := range append(a.Problems, a.Warnings...) {
		t.WriteString(" " + f.Message)
	}
	writeLines(&t, a.Lines)
	t.WriteString(a.Discount.told())
	return answer{t.String(), a}, nil
}

func findings(fs []checkout.Finding) []finding {
	out := []finding{}
	for _, f := range fs {
		out = append(out, finding{f.Code, f.SKU, clip(f.Message, 300)})
	}
	return out
}

// emptied is the problem of an empty cart, which after a purchase names the
// order: a model that checks out twice is told so.
func (c *call) emptied(ctx context.Context) error {
	p, _ := explain(cart.ErrEmpty, c.request)
	err := c.read(ctx, func(r *projections.Reader) error {
		s, _, err := r.Cart(ctx, c.caller.User)
		p.OrderID = s.LastOrder
		return err
	})
	if err != nil {
		return err
	}
	if p.OrderID != "" {
		p.Message = "The cart is empty: it was just bought as order " + p.OrderID + ". get_order shows it."
		p.NextTools = []string{"get_order", "get_order_history"}
	}
	return p
}

func checkOut(ctx context.Context, c *call) (answer, error) {
	r, meta := checkout.Request{
		User: c.caller.User, Client: c.caller.Client, Quote: c.text("quote_id"), Method: c.text("payment_method"),
	}, c.meta()
	var err error
	if c.tool != viewsCheckout {
		err = c.confirm(ctx, &r, meta)
	} else if !showsApps(c.sent.ClientCapabilities()) {
		return answer{}, &problem{Code: "views_only", QuoteID: r.Quote, NextTools: []string{"checkout"},
			Message: "Nothing was bought: this tool is the button of the shop's own views, and this client does not say that it shows them. Call checkout with the same quote_id."}
	}
	if c.asks != nil {
		return answer{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkoutTime)
	defer cancel()
	var res checkout.Result
	if err == nil {
		res, err = c.Checkout.CheckOut(ctx, r, meta)
	}
	// What was reached stands whether or not the views can show it; waiting lets
	// the next call see it.
	_ = c.Views.Wait(ctx, res.At)
	c.at = res.At
	switch {
	case errors.Is(err, cart.ErrEmpty):
		return answer{}, c.emptied(ctx)
	case c.forbidden(err, r.Quote) != nil:
		return answer{}, c.forbidden(err, r.Quote)
	case err != nil && res.Order.ID != "":
		return answer{}, c.unfinished(res.Order, err)
	case err != nil:
		return answer{}, err
	case res.Order.Status != order.Placed:
		return answer{}, c.notPlaced(res.Order, res.Replayed)
	}
	b := &bought{orderDetail: detailOf(res.Order), Replayed: res.Replayed,
		NextSteps: []string{"tell the person the order_id and the total", "get_order shows its status"}}
	var t strings.Builder
	if b.Replayed {
		fmt.Fprintf(&t, "This was bought already, as order %s for %s; nothing was bought again.", res.Order.ID, b.Total.Display)
	} else {
		fmt.Fprintf(&t, "Bought: order %s for %s.", res.Order.ID, b.Total.Display)
	}
	writeLines(&t, b.Lines)
	t.WriteString(b.Discount.told())
	return answer{t.String(), b}, nil
}

// unfinished is a purchase that broke off on the way. The shop finishes or
// undoes it by itself, so the model must not begin another.
func (c *call) unfinished(o order.State, err error) error {
	p, internal := explain(err, c.request)
	if internal {
		c.Logger.Error("checkout broke off", "order", o.ID, "request", c.request, "error", err.Error())
	}
	return &problem{
		Code: "checkout_in_progress", Retryable: true, OrderID: o.ID, QuoteID: o.Quote, RequestID: p.RequestID,
		NextTools: []string{"get_order", "checkout"},
		Message:   fmt.Sprintf("The purchase is under way as order %s and will be finished or undone by the shop. Do not start another: call get_order, or checkout again with the same quote_id, which never pays twice.", o.ID),
	}
}

// notPlaced is a purchase that was not made, or not yet. One that is replayed
// stays as it is, however often the same call is sent.
func (c *call) notPlaced(o order.State, replayed bool) *problem {
	p := &problem{OrderID: o.ID, QuoteID: o.Quote}
	switch o.Status {
	case order.Declined:
		p.Code, p.DeclineCode, p.Field = "payment_declined", o.Code, "payment_method"
		p.NextTools = []string{"checkout"}
		p.Message = fmt.Sprintf("The payment was declined (%s): %s Nothing was charged and the cart is as before. Ask the person for another payment_method and call checkout with the same quote_id and, if you use keys, a new idempotency_key.", o.Code, o.Reason)
	case order.Failed:
		p.Code = o.Code
		p.NextTools = []string{"review_checkout", "view_cart"}
		p.Message = strings.TrimSpace(o.Reason+" Nothing was charged and the cart is as before.") + " Call review_checkout again, then checkout with its quote_id and, if you use keys, a new idempotency_key."
		p.Retryable = o.Code == "interrupted" && !replayed
		if strings.HasPrefix(o.Code, "approval") || o.Code == "spending_limit_exceeded" {
			p.Message += c.rulesAre()
		}
	default:
		p.Code, p.Retryable = "payment_pending", true
		p.NextTools = []string{"get_order", "checkout"}
		p.Message = fmt.Sprintf("The payment service has not answered yet whether order %s is paid. Do not pay again and start no other purchase: in some seconds call checkout again with the same quote_id, or get_order with the order_id.", o.ID)
	}
	return p
}
