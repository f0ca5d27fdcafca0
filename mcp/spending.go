package mcp

import (
	"errors"

	"till/domain/checkout"
	"till/domain/spending"
)

// forbidden is what a model is told of a purchase that the person's rules forbid
// or want them to approve; nil for any other error.
func (c *call) forbidden(err error, quote string) error {
	found, ok := checkout.Forbidden(err)
	if !ok {
		return nil
	}
	p := &problem{Code: found.Code, QuoteID: quote, NextTools: []string{"review_checkout", "view_cart"}}
	var ask *spending.Unapproved
	var denial *spending.Denial
	if errors.As(err, &denial) {
		p.ApproveURL = c.Approval(c.caller.Client, denial.Purchase)
		p.Message = "Nothing was bought. " + found.Message + " Do not ask again or put the same together anew. If the person tells you that they have changed their mind, they can say so themselves at " + p.ApproveURL + " ."
		return p
	}
	if !errors.As(err, &ask) {
		p.Message = "Nothing was bought. " + found.Message + c.rulesAre()
		return p
	}
	p.Retryable, p.NextTools = true, []string{"checkout", "review_checkout"}
	p.ApproveURL = c.Approval(c.caller.Client, ask.Purchase)
	p.Message = "Nothing was bought yet. " + found.Message + " Give them this link, where they see the lines and the total and say yes or no: " + p.ApproveURL +
		" . After their yes call checkout again with the same quote_id, or with one of a new review_checkout if it has expired; as long as cart and prices stay as they are, the yes holds for an hour. You cannot approve it yourself."
	return p
}

// rulesAre says whose the rules are, since a model that is refused looks for a
// way round.
func (c *call) rulesAre() string {
	return " These rules are the person's: do not split the purchase or go another way round them. Tell the person; they can change the rules here: " + c.Limits + " ."
}
