package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/checkout"
)

// askedBy is how the client can be made to ask its person.
type askedBy int

const (
	byNobody  askedBy = iota
	byAnswer          // the answer to the call holds the question (2026-07-28)
	bySession         // a request of the shop's own to the client (until 2025-11-25)
)

func asksBy(req *sdk.CallToolRequest) askedBy {
	if req == nil {
		return byNobody
	}
	can, how := req.ClientCapabilities(), byAnswer
	if req.ProtocolVersion() < modernSince {
		how = bySession
		// What the session was opened with; a call by itself was opened with nothing.
		if can = nil; req.Session.InitializeParams() != nil {
			can = req.Session.InitializeParams().Capabilities
		}
		if req.Extra != nil && streamless(req.Extra.Header) {
			return byNobody // the question would never reach it
		}
	}
	// Who says nothing of forms or addresses has forms (2025-11-25, elicitation).
	if can == nil || can.Elicitation == nil || can.Elicitation.Form == nil && can.Elicitation.URL != nil {
		return byNobody
	}
	return how
}

// question shows what would be bought, as the shop has it and not as a model
// tells it.
func (c *call) question(p checkout.Proposal) *sdk.ElicitParams {
	var t strings.Builder
	t.WriteString("Buy this?\n")
	var sum int64
	for _, l := range p.Lines {
		name := l.Title
		if l.Variant != "" {
			name += " (" + l.Variant + ")"
		}
		fmt.Fprintf(&t, "%d × %s: %s\n", l.Quantity, clip(name, 100), l.Subtotal())
		sum += l.Subtotal().Minor
	}
	if off := p.Total; sum > off.Minor {
		off.Minor = sum - off.Minor
		fmt.Fprintf(&t, "Discount: -%s\n", off)
	}
	fmt.Fprintf(&t, "Total: %s\nPaid with: %s", p.Total, clip(p.Method, 60))
	if c.Checkout.Gateway.Test() {
		t.WriteString("\nThis is test money: nothing real is charged.")
	}
	return &sdk.ElicitParams{Mode: "form", Message: t.String(), RequestedSchema: map[string]any{
		"type": "object", "required": []string{"buy"}, "properties": map[string]any{
			"buy": map[string]any{"type": "string", "enum": []string{"yes", "no"}, "title": fmt.Sprintf("Buy this for %s?", p.Total)},
		},
	}}
}

// verdict is "yes" or "no", or empty for anything that is neither.
func verdict(e *sdk.ElicitResult) string {
	switch {
	case e == nil:
	case e.Action == "decline":
		return "no"
	case e.Action == "accept":
		said, _ := e.Content["buy"].(string)
		if said = strings.ToLower(strings.TrimSpace(said)); said == "yes" || said == "no" {
			return said
		}
	}
	return ""
}

// wait asks within the call, as the old era does, and holds nothing meanwhile.
func (c *call) wait(ctx context.Context, question *sdk.ElicitParams) (*sdk.ElicitResult, error) {
	waiting, done := c.waits.of(ctx, c)
	defer done()
	defer context.AfterFunc(c.stopping, done)()
	c.asking.Store(true)
	defer c.asking.Store(false)
	e, err := c.sent.Session.Elicit(waiting, question)
	if err == nil {
		return e, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err() // the client has taken its call back
	}
	return nil, nil // whatever it was, it is no yes
}
