package mcp

import (
	"fmt"
	"time"
)

// consent is what a person is asked to say yes to.
type consent struct {
	quote   string
	attempt int
	until   time.Time
}

// bound is what an answer must come back with, beside the state itself.
func (c *call) bound() []string {
	return []string{c.caller.User, c.caller.Client, c.tool, c.canonical(), c.text(keyArgument)}
}

// sealed is the consent as the client keeps it: the shop remembers no question, so
// that it may be answered after a restart and at any node.
func (c *call) sealed(asked consent) string {
	text := fmt.Sprintf("%s %d %d", asked.quote, asked.attempt, asked.until.Unix())
	return sealer(c.Checkout.Secret).seal(text, c.bound()...)
}

func (c *call) opened(state string) (asked consent, err error) {
	text, ok := sealer(c.Checkout.Secret).open(state, c.bound()...)
	var until int64
	if ok {
		_, err = fmt.Sscan(text, &asked.quote, &asked.attempt, &until)
	}
	asked.until = time.Unix(until, 0)
	p := &problem{Code: "confirmation_invalid", NextTools: []string{"checkout", "review_checkout"}}
	switch {
	case !ok || err != nil:
		p.Message = "Nothing was bought: the requestState is none that this shop gave for this very call. Leave it out and call checkout again; the person is asked anew."
		return consent{}, p
	case c.Now().After(asked.until):
		p.Message = "Nothing was bought: the person's answer came too late. Call review_checkout, then checkout with its quote_id; the person is asked anew."
		return consent{}, p
	}
	return asked, nil
}
