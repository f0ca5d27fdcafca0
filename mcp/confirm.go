package mcp

import (
	"context"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/checkout"
	"till/domain/eventlog"
)

// Bounds on asking a person about a purchase.
const (
	// answerTime is how long a call of the old era waits for the answer. In the new
	// era nothing waits: the answer comes with a call of its own.
	answerTime = 5 * time.Minute
	// A model must not ask until somebody clicks yes: at once as many questions as
	// a busy person answers, then one in ten seconds. It also bounds who waits.
	questionsAtOnce    = 20
	questionsPerSecond = 0.1
)

// buying names the question in a multi-round-trip request.
const buying = "confirm_purchase"

// confirm lets the person say yes to the purchase, if the client can ask them and
// they need to be asked: whatever the model says, they see lines and total. It
// fills in what they said yes to. The purchase goes on if err is nil and the call
// has no question.
//
// Nobody can switch it off. A merchant who could would take it from the person, and
// an argument that says "confirmed" is one that every model can send. The button in
// a view is a tool of its own, see viewsCheckout.
func (c *call) confirm(ctx context.Context, r *checkout.Request, meta eventlog.Meta) error {
	how := asksBy(c.sent)
	if c.sent != nil && c.sent.ProtocolVersion() >= modernSince && c.sent.Params.RequestState != "" {
		asked, err := c.opened(c.sent.Params.RequestState)
		if err != nil {
			return err
		}
		// Who was asked is not past it by declaring less the second time.
		if given, came := c.sent.Params.InputResponses[buying]; came || how == byNobody {
			e, _ := given.(*sdk.ElicitResult)
			return c.settle(ctx, r, asked, e)
		}
	}
	if how == byNobody {
		return nil
	}
	quick, cancel := context.WithTimeout(ctx, checkoutTime)
	defer cancel()
	p, err := c.Checkout.Propose(quick, *r, meta)
	if err != nil {
		return err
	}
	if p.Begun {
		// It may end in a decline before this call goes on. Then its end is the answer:
		// nobody has said yes to another try.
		r.Quote, r.Attempt = p.Quote, p.Attempt
		return nil
	}
	if p.Approved {
		r.Quote = p.Quote
		return nil
	}
	if !c.questions.may(c.caller.User, c.Now()) {
		return &problem{Code: "rate_limited", Retryable: true, QuoteID: r.Quote, NextTools: []string{"checkout"},
			Message: "Nothing was bought. The person has been asked about purchases very often just now; they will not be asked again for some seconds. Talk to them before you call checkout again."}
	}
	asked := consent{p.Quote, p.Attempt, c.Now().Add(checkout.QuoteLife)}
	question := c.question(p)
	if how == byAnswer {
		c.asks = &sdk.CallToolResult{InputRequests: sdk.InputRequestMap{buying: question}, RequestState: c.sealed(asked)}
		return nil
	}
	e, err := c.wait(ctx, question)
	if err != nil {
		return err
	}
	return c.settle(ctx, r, asked, e)
}

// settle makes the person's answer the request's. A purchase that was made meanwhile,
// by the same yes or elsewhere, is answered as it ended, also if this answer is another
// or none.
func (c *call) settle(ctx context.Context, r *checkout.Request, asked consent, e *sdk.ElicitResult) error {
	r.Quote, r.Attempt = asked.quote, asked.attempt
	said := verdict(e)
	if said == "yes" {
		return nil
	}
	tried, err := c.Checkout.Tried(ctx, asked.quote)
	if err != nil || tried >= asked.attempt {
		return err
	}
	p := &problem{Code: "confirmation_declined", QuoteID: asked.quote, NextTools: []string{"view_cart", "update_cart_quantity", "search_products"}}
	switch {
	case said == "no":
		p.Message = "The person said no to this purchase. "
	case e != nil && e.Action == "cancel":
		p.Message = "The person closed the question without saying yes. "
	default:
		return unanswered(asked.quote)
	}
	p.Message += "Nothing was bought, nothing was charged and the cart is as before. Do not call checkout again by yourself: ask them what they would like to change."
	return p
}

func unanswered(quote string) *problem {
	return &problem{Code: "confirmation_unanswered", Retryable: true, QuoteID: quote, NextTools: []string{"checkout", "view_cart"},
		Message: "Nothing was bought and nothing was charged: the person was asked and no answer came. Tell them; when they are ready, call checkout again with the same quote_id, and they are asked once more."}
}
