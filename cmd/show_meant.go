package cmd

import (
	"context"
	"fmt"
	"strings"

	"till/domain/account"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/eventlog"
	"till/domain/history"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/stock"
	"till/projections"
)

// meant is the stream of a thing as people name it, and what to call it.
func (a *App) meant(ctx context.Context, kind, id string) (s eventlog.Stream, title string, err error) {
	s = eventlog.Stream{Category: kind, ID: strings.TrimSpace(id)}
	switch kind {
	case cart.Category, account.Category:
		s.ID, err = a.userID(ctx, s.ID)
		title = "The " + kind + " of " + history.Plain(id, 60)
	case order.Category:
		s.ID, err = a.orderID(ctx, s.ID)
	case promotion.Category:
		s.ID, err = promotion.Normal(s.ID)
	case stock.Category, catalog.Category:
		err = a.views.Read(ctx, 0, func(r *projections.Reader) error {
			l, sku, ok, err := r.Product(ctx, s.ID)
			switch {
			case err != nil || !ok:
				return err
			case kind == catalog.Category:
				s.ID = l.ID
			case sku != "":
				s.ID = sku
			case len(l.Variants) == 1:
				s.ID = l.Variants[0].SKU
			}
			return nil
		})
	}
	if title == "" {
		title = "The " + kind + " " + history.Plain(s.ID, 60)
	}
	return s, title, err
}

// orderID is the number of an order in whatever spelling; the text itself when
// no order has it.
func (a *App) orderID(ctx context.Context, text string) (string, error) {
	for _, id := range []string{text, order.Spelling(text)} {
		for _, err := range a.log.Read(ctx, eventlog.Stream{Category: order.Category, ID: id}) {
			return id, err
		}
	}
	return text, nil
}

// missing says that a thing is not there, or was not yet, and what is nearest.
func (a *App) missing(ctx context.Context, q showQuery, title string, at eventlog.Position) error {
	thing := strings.ToLower(title[:1]) + title[1:]
	if q.AsOf != "" {
		return fmt.Errorf("there is no event of %s up to position %d", thing, at)
	}
	if q.Kind == stock.Category || q.Kind == catalog.Category {
		if near := a.nearest(ctx, q.Kind, q.ID); near != "" {
			return fmt.Errorf("there is no event of %s; the nearest is %s", thing, near)
		}
	}
	return fmt.Errorf("there is no event of %s", thing)
}

// nearest is the name of the product, or of a SKU of it, that is most like the
// text; empty if none is.
func (a *App) nearest(ctx context.Context, kind, text string) (name string) {
	// Without a suggestion the answer is as true, so an error only costs that.
	_ = a.views.Read(ctx, 0, func(r *projections.Reader) error {
		found, err := r.Nearest(ctx, text, 1)
		if err != nil || len(found) == 0 {
			return err
		}
		if name = found[0].Handle; kind == stock.Category && len(found[0].Variants) > 0 {
			name = found[0].Variants[0].SKU
		}
		return nil
	})
	return name
}
