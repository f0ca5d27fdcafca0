package mcp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/order"
	"till/domain/stock"
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
	Part string `json:"part" one:"allowed|into_cart|purchase|cart|stock"`
	happened
}

// cause is an event that made a row what it is, as it stands on the log.
type cause struct {
	part     string
	envelope eventlog.Envelope
	event    any
}

// why leads from a row back to the events that made it, and with them to the
// commands, the tools, the agents and what they were allowed.
func why(ctx context.Context, c *call) (a answer, err error) {
	if c.at, err = c.until(ctx); err != nil {
		return a, err
	}
	var of string
	var causes []cause
	switch {
	case c.given("order_id"):
		id := order.Spelling(c.text("order_id"))
		of = "order " + id
		causes, err = c.ofOrder(ctx, id)
	case c.given("user") && c.given("sku"):
		var user string
		sku := ""
		if user, err = c.person(ctx, c.text("user"), "user"); err == nil {
			sku, err = c.spelt(ctx, c.text("sku"))
		}
		if err == nil {
			of = "the cart line " + sku + " of " + user
			causes, err = c.ofLine(ctx, user, sku)
		}
	default:
		err = invalid("order_id", "Name an order by order_id, or a line of a cart by user and sku.")
	}
	if err != nil {
		return a, err
	}
	allowed, err := c.allowed(ctx, causes)
	if err != nil {
		return a, err
	}
	causes = append(allowed, causes...)
	slices.SortFunc(causes, func(a, b cause) int { return cmp.Compare(a.envelope.Position, b.envelope.Position) })
	causes = slices.CompactFunc(causes, func(a, b cause) bool { return a.envelope.Position == b.envelope.Position })

	o := &origin{Of: of, Events: []reason{}, NextSteps: []string{"show_history for everything about one of them", "replay_view for what the person saw"}}
	left, who := wholeRoom, c.names()
	var t strings.Builder
	fmt.Fprintf(&t, "Where %s comes from, in %s:", of, counted(len(causes), "event"))
	for i, k := range causes {
		r := reason{k.part, who.happenedOf(ctx, k.envelope, k.event)}
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

// ofOrder are all events about the order, and what put its lines into the cart.
func (c *call) ofOrder(ctx context.Context, id string) (causes []cause, err error) {
	key := history.Key{Kind: history.Order, ID: id}
	at, err := c.Views.TrailBetween(ctx, key, 0, c.at)
	if err != nil {
		return nil, err
	}
	var begun eventlog.Position
	var started order.CheckoutStarted
	for e, err := range c.Log.GetMany(ctx, at[:min(len(at), reasonsMost)]) {
		if err != nil {
			return nil, err
		}
		event, err := c.Types.Decode(e)
		if err != nil {
			return nil, err
		}
		about := false // the trail may find what only looks like it
		history.Concerns(&e, event, func(k history.Key) { about = about || k == key })
		if !about {
			continue
		}
		part := "purchase"
		switch e.Stream.Category {
		case cart.Category:
			part = "cart"
		case stock.Category:
			part = "stock"
		}
		if first, ok := event.(order.CheckoutStarted); ok {
			begun, started = e.Position, first
		}
		causes = append(causes, cause{part, e, event})
	}
	if begun == 0 {
		p, _ := explain(order.ErrUnknown, c.request)
		p.Message = fmt.Sprintf("Up to log position %d there was no order %s.", c.at, quote(id))
		p.NextTools = []string{"replay_view"}
		return nil, p
	}
	var skus []string
	for _, l := range started.Lines {
		skus = append(skus, l.SKU)
	}
	into, err := c.into(ctx, started.User, skus, begun-1)
	return append(causes, into...), err
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

// ofLine are the events that made a line of a person's cart.
func (c *call) ofLine(ctx context.Context, user, sku string) ([]cause, error) {
	into, err := c.into(ctx, user, []string{sku}, c.at)
	if err == nil && len(into) == 0 {
		err = &problem{Code: "not_in_cart", Field: "sku", NextTools: []string{"replay_view", "show_history"},
			Message: fmt.Sprintf("At log position %d the cart of %s held no %s.", c.at, user, quote(sku))}
	}
	return into, err
}

// into are the cart's events up to the position that made the lines what they
// were there, each line's since it was last not in the cart.
func (c *call) into(ctx context.Context, user string, skus []string, until eventlog.Position) ([]cause, error) {
	lines := make([][]cause, len(skus))
	var s cart.State
	for e, err := range c.Log.Read(ctx, eventlog.Stream{Category: cart.Category, ID: user}) {
		if err != nil {
			return nil, err
		}
		if e.Position > until {
			break
		}
		event, err := c.Types.Decode(e)
		if err != nil {
			return nil, err
		}
		happened, ok := event.(cart.Event)
		if !ok {
			continue
		}
		before := s
		s = cart.Evolve(s, happened)
		for i, sku := range skus {
			was, _ := before.Find(sku)
			is, there := s.Find(sku)
			switch {
			case !there:
				lines[i] = nil
			case was != is && len(lines[i]) < reasonsMost:
				lines[i] = append(lines[i], cause{"into_cart", e, event})
			}
		}
	}
	return slices.Concat(lines...), nil
}

// allowed are the consents under which the agents acted.
func (c *call) allowed(ctx context.Context, causes []cause) (found []cause, err error) {
	asked := map[string]bool{"": true}
	for _, k := range causes {
		id := k.envelope.Actor.Grant
		if asked[id] {
			continue
		}
		asked[id] = true
		for e, err := range c.Log.Read(ctx, eventlog.Stream{Category: grant.Category, ID: id}) {
			if err != nil {
				return nil, err
			}
			event, err := c.Types.Decode(e)
			if err != nil {
				return nil, err
			}
			found = append(found, cause{"allowed", e, event})
			break // the consent is its first event
		}
	}
	return found, nil
}
