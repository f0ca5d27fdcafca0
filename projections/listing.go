package projections

import (
	"context"
	"strings"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
)

// Product finds a product by id, handle or SKU, in any case of letters; for a
// SKU, sku is the variant's as it is spelt, otherwise "". ok is false when
// there is none. Where a withdrawn product has the same name, the one on offer
// is meant.
func (r *Reader) Product(_ context.Context, ref string) (l Listing, sku string, ok bool, err error) {
	id, sku, ok, err := r.named(ref)
	if err != nil || !ok {
		return Listing{}, "", false, err
	}
	l, err = r.listing(id)
	return l, sku, err == nil, err
}

func (r *Reader) named(ref string) (product, sku string, ok bool, err error) {
	ref = strings.ToLower(strings.TrimSpace(ref))
	names := r.store.products.names
	if h, ok := r.recall(names, ref); ok {
		m := h.state.(meant)
		return m.product, m.sku, true, nil
	}
	ok, err = r.row("SELECT product, sku FROM names WHERE name = ? ORDER BY withdrawn, rank, product, sku LIMIT 1",
		[]any{ref}, &product, &sku)
	if ok && err == nil {
		// Not before the row: a change in between would be kept as older than it
		// is. One after the row is newer than r.at, and learn refuses it.
		changed := eventlog.Position(r.store.products.changed.Load())
		names.learn(ref, held{meant{product, sku}, decider.Version{Position: changed}}, r.at)
	}
	return product, sku, ok, r.store.look(err)
}

// listing is a product with what is left of it.
func (r *Reader) listing(id string) (Listing, error) {
	s, _, err := get(r, r.store.products.aggregate, id)
	if err != nil {
		return Listing{}, err
	}
	l := Listing{Product: s.Product, Withdrawn: s.Withdrawn, Available: make([]int, len(s.Variants))}
	for i, v := range s.Variants {
		if l.Available[i], err = r.available(v.SKU); err != nil {
			return Listing{}, err
		}
	}
	l.From, l.To = prices(s.Product)
	return l, nil
}

// prices are the lowest and the highest price among the variants.
func prices(p catalog.Product) (from, to money.Amount) {
	for i, v := range p.Variants {
		if i == 0 || v.Price.Minor < from.Minor {
			from = v.Price
		}
		if i == 0 || v.Price.Minor > to.Minor {
			to = v.Price
		}
	}
	return from, to
}

// Categories returns the categories on offer by name.
func (r *Reader) Categories(ctx context.Context) ([]CategoryCount, error) {
	var all []CategoryCount
	err := r.rows(ctx, "SELECT category, count(*) FROM listings WHERE withdrawn = 0 GROUP BY category ORDER BY category", nil,
		func(scan func(...any) error) error {
			all = append(all, CategoryCount{})
			c := &all[len(all)-1]
			return scan(&c.Category, &c.Products)
		})
	return all, r.store.look(err)
}

// Offer implements checkout.Shelf.
func (r *Reader) Offer(_ context.Context, sku string) (checkout.Offer, bool, error) {
	id, _, ok, err := r.named(sku)
	if err != nil || !ok {
		return checkout.Offer{}, false, err
	}
	p, _, err := get(r, r.store.products.aggregate, id)
	if err != nil {
		return checkout.Offer{}, false, err
	}
	for _, v := range p.Variants {
		// By the SKU itself: a product's SKU may be its handle in capitals, and
		// then the name stands for the product.
		if !strings.EqualFold(v.SKU, strings.TrimSpace(sku)) {
			continue
		}
		n, err := r.available(v.SKU)
		return checkout.Offer{
			Item:     cart.Item{SKU: v.SKU, Product: p.ID, Handle: p.Handle, Title: p.Title, Variant: v.Title(), Price: v.Price},
			Category: p.Category, Available: n, Withdrawn: p.Withdrawn,
		}, err == nil, err
	}
	return checkout.Offer{}, false, nil // the name is an id or a handle: no SKU
}
