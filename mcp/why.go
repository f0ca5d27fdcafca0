package mcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"till/domain/cart"
	"till/domain/history"
	"till/domain/history/past"
	"till/domain/order"
	"till/projections"
)

// reasonsMost bounds how many events are looked at for one answer.
const reasonsMost = 2000

// origin is where an order or a cart's line comes from.
type origin struct {
	Of        string   `json:"of"`
	Events    []reason `json:"events" about:"in the order in which they happened"`
	Omitted   int      `json:"events_omitted,omitempty"`
	NextSteps []string `json:"next_steps"`
	included
}

// reason is an event that made the row what it is.
type reason struct {
	// Part is what it has to do with it.
	Part string `json:"part" one:"allowed|into_cart|purchase|cart|stock|discount|spending"`
	happened
}

// why leads from a row back to the events that made it, and with them to the
// commands, the tools, the agents and what they were allowed.
func why(ctx context.Context, c *call) (a answer, err error) {
	if c.at, err = c.until(ctx); err != nil {
		return a, err
	}
	var of string
	var parts []past.Part
	look := past.Past{Log: c.Log, Types: c.Types, Upto: c.at, Find: func(ctx context.Context, k history.Key) ([]history.Happened, error) {
		return c.Views.Concerning(ctx, k, 0, c.at, reasonsMost)
	}}
	switch {
	case c.at == 0:
		return a, invalid("as_of", "Before the first event there was nothing.")
	case c.given("order_id"):
		id := order.Spelling(c.text("order_id"))
		of = "order " + id
		if parts, err = look.Order(ctx, id); errors.Is(err, order.ErrUnknown) {
			p, _ := explain(order.ErrUnknown, c.request)
			p.Message, p.NextTools = fmt.Sprintf("Up to log position %d there was no order %s.", c.at, quote(id)), []string{"replay_view"}
			err = p
		}
	case c.given("user") && c.given("sku"):
		of, parts, err = c.ofLine(ctx, look)
	default:
		err = invalid("order_id", "Name an order by order_id, or a line of a cart by user and sku.")
	}
	if err != nil {
		return a, err
	}
	causes := inOrder(parts)

	o := &origin{Of: of, Events: []reason{}, NextSteps: []string{"show_history for everything about one of them", "replay_view for what the person saw"}}
	left, who := wholeRoom, c.names()
	var t strings.Builder
	fmt.Fprintf(&t, "Where %s comes from, in %s:", of, counted(len(causes), "event"))
	for i, k := range causes {
		r := reason{k.part, who.happenedOf(ctx, k.Envelope, k.Event)}
		if !left.takes(len(encode(r))) {
			o.Omitted = len(causes) - i
			break
		}
		o.Events = append(o.Events, r)
		if i < linesTold {
			fmt.Fprintf(&t, "\n%d  %s  %s %s", r.Position, r.At, r.Who, r.What)
			if tool, ok := strings.CutPrefix(r.Cause, "mcp:"); ok {
				t.WriteString(" (with " + tool + ")")
			}
		}
	}
	return answer{t.String(), o}, nil
}

// cause is an event that made a row what it is.
type cause struct {
	part string
	history.Happened
}

// inOrder are the events of all parts as they happened.
func inOrder(parts []past.Part) (causes []cause) {
	for _, p := range parts {
		for _, h := range p.Events {
			causes = append(causes, cause{p.Name, h})
		}
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return cmp.Compare(a.Position, b.Position) })
	return causes
}

// ofLine is a line of a person's cart and what made it.
func (c *call) ofLine(ctx context.Context, look past.Past) (of string, parts []past.Part, err error) {
	user, err := c.person(ctx, c.text("user"), "user")
	if err != nil {
		return "", nil, err
	}
	sku, err := c.spelt(ctx, c.text("sku"))
	if err != nil {
		return "", nil, err
	}
	parts, err = look.CartLine(ctx, user, sku)
	if errors.Is(err, cart.ErrNotInCart) {
		err = &problem{Code: "not_in_cart", Field: "sku", NextTools: []string{"replay_view", "show_history"},
			Message: fmt.Sprintf("At log position %d the cart of %s held no %s.", c.at, user, quote(sku))}
	}
	return "the cart line " + sku + " of " + user, parts, err
}

// spelt is the SKU that is meant, as the shop spells it.
func (c *call) spelt(ctx context.Context, ref string) (sku string, err error) {
	err = c.Views.Read(ctx, 0, func(r *projections.Reader) error {
		l, matched, ok, err := r.Product(ctx, ref)
		switch sku = ref; {
		case matched != "":
			sku = matched
		case ok && len(l.Variants) == 1:
			sku = l.Variants[0].SKU
		}
		return err
	})
	return sku, err
}
