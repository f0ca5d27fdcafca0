package past

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
)

// Part is a group of events in an answer to "why".
type Part struct {
	Name   string
	Events []history.Happened
}

// The names of parts: the consents under which agents acted, what put lines into
// the cart and changed them there, the order's own events, what it did to the
// cart, to the stock, to its discount code and to what its agent may spend.
const (
	Allowed  = "allowed"
	IntoCart = "into_cart"
	Purchase = "purchase"
	Cart     = "cart"
	Stock    = "stock"
	Discount = "discount"
	Spending = "spending"
)

// always is behind the end of any log.
const always = eventlog.Position(1<<63 - 1)

// Order returns where an order comes from: who was allowed what, what put the
// ordered lines into the cart, the purchase itself, and what it did to the cart
// and the stock. It returns order.ErrUnknown if there is none.
func (p Past) Order(ctx context.Context, id string) ([]Part, error) {
	about, err := p.find(ctx, id)
	if err != nil {
		return nil, err
	}
	var purchase, basket, stocks, codes, spent []history.Happened
	var begun history.Happened
	for _, h := range about {
		switch h.Stream.Category {
		case order.Category:
			purchase = append(purchase, h)
			if _, ok := h.Event.(order.CheckoutStarted); ok {
				begun = h
			}
		case cart.Category:
			basket = append(basket, h)
		case stock.Category:
			stocks = append(stocks, h)
		case promotion.Category:
			codes = append(codes, h)
		case spending.Category:
			spent = append(spent, h)
		}
	}
	started, ok := begun.Event.(order.CheckoutStarted)
	if !ok {
		return nil, order.ErrUnknown
	}
	skus := make([]string, len(started.Lines))
	for i, l := range started.Lines {
		skus[i] = l.SKU
	}
	into, err := p.lines(ctx, started.User, begun.Position, skus)
	if err == nil && started.Discount != nil {
		into, codes, err = p.discounted(ctx, started, begun.Position, into, codes)
	}
	if err != nil {
		return nil, err
	}
	consent, err := p.consents(ctx, into, purchase)
	if err != nil {
		return nil, err
	}
	rules, err := p.rules(ctx, started, begun.Position)
	if err != nil {
		return nil, err
	}
	return filled(Part{Allowed, inOrder(append(consent, rules...))}, Part{IntoCart, into}, Part{Purchase, purchase},
		Part{Cart, basket}, Part{Stock, stocks}, Part{Discount, codes}, Part{Spending, spent}), nil
}

// CartLine returns where a line of a cart comes from: every event of the cart
// that made the line what it is, since it last was not there, and who was
// allowed what. It returns cart.ErrNotInCart if the cart has no such line.
func (p Past) CartLine(ctx context.Context, user, sku string) ([]Part, error) {
	into, err := p.lines(ctx, user, always, []string{sku})
	if err != nil {
		return nil, err
	}
	if len(into) == 0 {
		return nil, cart.ErrNotInCart
	}
	consent, err := p.consents(ctx, into)
	if err != nil {
		return nil, err
	}
	return filled(Part{Allowed, consent}, Part{IntoCart, into}), nil
}

func filled(parts ...Part) []Part {
	return slices.DeleteFunc(parts, func(p Part) bool { return len(p.Events) == 0 })
}

// find returns the events that concern an order, in the log's order.
func (p Past) find(ctx context.Context, id string) (found []history.Happened, err error) {
	key := history.Key{Kind: history.Order, ID: id}
	if p.Find != nil {
		found, err = p.Find(ctx, key)
	} else {
		found, err = p.read(ctx, key)
	}
	slices.SortFunc(found, func(a, b history.Happened) int { return cmp.Compare(a.Position, b.Position) })
	return found, err
}

// read finds an order's events in the streams that it touches.
func (p Past) read(ctx context.Context, key history.Key) (found []history.Happened, err error) {
	take := func(h history.Happened) error {
		if h.About(key) {
			found = append(found, h)
		}
		return nil
	}
	if err := p.each(ctx, eventlog.Stream{Category: order.Category, ID: key.ID}, always, take); err != nil || len(found) == 0 {
		return nil, err
	}
	started, _ := found[0].Event.(order.CheckoutStarted)
	streams := []eventlog.Stream{{Category: cart.Category, ID: started.User}}
	for _, l := range started.Lines {
		streams = append(streams, eventlog.Stream{Category: stock.Category, ID: l.SKU})
	}
	if started.Discount != nil {
		streams = append(streams, eventlog.Stream{Category: promotion.Category, ID: started.Discount.Code})
	}
	if started.Client != "" {
		streams = append(streams, eventlog.Stream{Category: spending.Category, ID: spending.ID(started.User, started.Client)})
	}
	for _, s := range streams {
		if err := p.each(ctx, s, always, take); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lines returns the cart's events that made the lines what they are before the
// position, each since it last was not there, in order.
func (p Past) lines(ctx context.Context, user string, before eventlog.Position, skus []string) ([]history.Happened, error) {
	made := map[string][]history.Happened{}
	err := p.Walk(ctx, eventlog.Stream{Category: cart.Category, ID: user}, before-1, func(s Step) error {
		was, is := s.Before.(cart.State), s.After.(cart.State)
		for _, sku := range skus {
			old, _ := was.Find(sku)
			line, there := is.Find(sku)
			switch {
			case !there:
				delete(made, sku)
			case line != old || touches(s.Event, sku):
				made[sku] = append(made[sku], s.Happened)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrNone) {
		return nil, err
	}
	var all []history.Happened
	for _, events := range made {
		all = append(all, events...)
	}
	return inOrder(all), nil
}

// discounted adds what put the order's code on the cart before the position to what
// put the lines there, and who made the code to what became of it.
func (p Past) discounted(ctx context.Context, o order.CheckoutStarted, at eventlog.Position, into, codes []history.Happened) (_, _ []history.Happened, err error) {
	var applied []history.Happened
	err = p.each(ctx, eventlog.Stream{Category: cart.Category, ID: o.User}, at-1, func(h history.Happened) error {
		if e, ok := h.Event.(cart.DiscountApplied); ok && e.Code == o.Discount.Code {
			applied = []history.Happened{h}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = p.each(ctx, eventlog.Stream{Category: promotion.Category, ID: o.Discount.Code}, at, func(h history.Happened) error {
		if _, ok := h.Event.(promotion.Created); ok {
			codes = append(codes, h)
		}
		return nil
	})
	return inOrder(append(into, applied...)), inOrder(codes), err
}

// touches is whether a person did something about the line, even if it stayed
// as it was.
func touches(event any, sku string) bool {
	switch e := event.(type) {
	case cart.ItemAdded:
		return e.SKU == sku
	case cart.Filled:
		return slices.ContainsFunc(e.Items, func(i cart.ItemAdded) bool { return i.SKU == sku })
	}
	return false
}

// inOrder sorts events and drops those that come twice.
func inOrder(all []history.Happened) []history.Happened {
	slices.SortFunc(all, func(a, b history.Happened) int { return cmp.Compare(a.Position, b.Position) })
	return slices.CompactFunc(all, func(a, b history.Happened) bool { return a.Position == b.Position })
}

// rules returns the event that set what the agent may spend when the purchase
// began, if there is one.
func (p Past) rules(ctx context.Context, o order.CheckoutStarted, at eventlog.Position) (set []history.Happened, err error) {
	if o.Client == "" {
		return nil, nil
	}
	s := eventlog.Stream{Category: spending.Category, ID: spending.ID(o.User, o.Client)}
	err = p.each(ctx, s, at, func(h history.Happened) error {
		if _, ok := h.Event.(spending.RulesSet); ok {
			set = []history.Happened{h}
		}
		return nil
	})
	return set, err
}

// consents returns the first event of each grant under which something was done.
func (p Past) consents(ctx context.Context, groups ...[]history.Happened) ([]history.Happened, error) {
	asked := map[string]bool{}
	var all []history.Happened
	for _, events := range groups {
		for _, e := range events {
			id := e.Actor.Grant
			if id == "" || asked[id] {
				continue
			}
			asked[id] = true
			err := p.each(ctx, eventlog.Stream{Category: grant.Category, ID: id}, always, func(h history.Happened) error {
				if _, ok := h.Event.(grant.Authorized); ok {
					all = append(all, h)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return inOrder(all), nil
}
