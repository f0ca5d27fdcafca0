package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"till/domain/cart"
	"till/domain/history"
	"till/domain/history/past"
	"till/domain/order"
	"till/domain/stock"
)

type whyCmd struct {
	Order    whyOrderCmd `cmd:"" help:"Where an order comes from."`
	CartLine whyLineCmd  `cmd:"" help:"Where a line of a cart comes from."`
}

type whyOrderCmd struct {
	dataFlag
	Order string `arg:"" help:"The order's number."`
	JSON  bool   `help:"One JSON object a line."`
}

type whyLineCmd struct {
	dataFlag
	User string `arg:"" help:"Whose cart: login name or id."`
	SKU  string `arg:"" help:"The line's SKU."`
	JSON bool   `help:"One JSON object a line."`
}

func (c whyOrderCmd) Run(ctx context.Context, t terminal) error {
	return c.dataFlag.why(ctx, t, whyQuery{Order: c.Order}, c.JSON)
}

func (c whyLineCmd) Run(ctx context.Context, t terminal) error {
	return c.dataFlag.why(ctx, t, whyQuery{User: c.User, SKU: c.SKU}, c.JSON)
}

// partTitle is a part of the answer as people read it.
func partTitle(part string) string {
	switch part {
	case past.Allowed:
		return "What the person allowed"
	case past.IntoCart:
		return "What put it into the cart"
	case past.Spending:
		return "What its agent may spend"
	}
	return "The " + part
}

func (d dataFlag) why(ctx context.Context, t terminal, q whyQuery, asJSON bool) error {
	shop, err := reach(ctx, d)
	if err != nil {
		return err
	}
	defer shop.close()
	part := ""
	return askWhy.ask(ctx, shop, q, func(r reason) error {
		if asJSON {
			return json.NewEncoder(t.out).Encode(r)
		}
		if r.Part != part {
			part = r.Part
			fmt.Fprintln(t.out, partTitle(part)+":")
		}
		_, err := fmt.Fprintf(t.out, "%s\n          %s\n", line(r.listed), r.cause())
		return err
	}, nil)
}

// whyQuery asks where an order, or else a line of a user's cart, comes from.
type whyQuery struct {
	Order string `json:"order,omitempty"`
	User  string `json:"user,omitempty"`
	SKU   string `json:"sku,omitempty"`
}

// reason is an event that made the row what it is, and in which part of the
// answer it stands.
type reason struct {
	Part string `json:"part"`
	listed
}

// cause is what led to the event: the tool or event, the command, the request
// and what the agent was allowed.
func (r reason) cause() string {
	words := make([]string, 0, 4)
	led := history.Plain(r.Causation, 80)
	tool, isTool := strings.CutPrefix(led, "mcp:")
	event, isEvent := strings.CutPrefix(led, "event:")
	switch {
	case isTool:
		words = append(words, "tool "+tool)
	case isEvent:
		words = append(words, "because of the event at "+event)
	case strings.HasPrefix(led, "catalog ") || led == "sweep" || led == "checkout":
		words = append(words, led)
	case led != "" && led != r.Command: // a step of the command that it names
		words = append(words, "a step of command "+led)
	}
	for _, w := range [][2]string{{"command", r.Command}, {"request", r.Correlation}, {"client", r.Actor.Client}, {"grant", r.Actor.Grant}} {
		if w[1] != "" {
			words = append(words, w[0]+" "+history.Plain(w[1], 80))
		}
	}
	return strings.Join(words, ", ")
}

var askWhy = question[whyQuery, reason]{"why", (*App).why}

func (a *App) why(ctx context.Context, q whyQuery, out reply[reason]) error {
	parts, err := a.reasons(ctx, q)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, p := range parts {
		for _, h := range p.Events {
			if err := out.item(reason{p.Name, a.listed(ctx, names, h.Envelope)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *App) reasons(ctx context.Context, q whyQuery) ([]past.Part, error) {
	if q.Order != "" {
		id, err := a.orderID(ctx, strings.TrimSpace(q.Order))
		if err != nil {
			return nil, err
		}
		parts, err := a.past().Order(ctx, id)
		if errors.Is(err, order.ErrUnknown) {
			err = fmt.Errorf("there is no order %s; till events --type order.placed lists them", history.Plain(id, 60))
		}
		return parts, err
	}
	user, err := a.userID(ctx, q.User)
	if err != nil {
		return nil, err
	}
	s, _, err := a.meant(ctx, stock.Category, q.SKU)
	if err != nil {
		return nil, err
	}
	parts, err := a.past().CartLine(ctx, user, s.ID)
	if errors.Is(err, cart.ErrNotInCart) {
		err = fmt.Errorf("the cart of %s has no line %s; till show cart %[1]s shows what it has", history.Plain(q.User, 60), history.Plain(s.ID, 60))
	}
	return parts, err
}
