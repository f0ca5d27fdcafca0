package mcp

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"till/domain/cart"
	"till/projections"
)

// substitutesTold is how many substitutes a line gets; categoryRead is how many
// products of its category are looked at on either side of its price.
const (
	substitutesTold = 3
	categoryRead    = 25
)

// substitutes are SKUs that can be bought now in place of the line, the nearest
// first: other variants of its product, then what a search for its title finds in
// its category, then what costs about as much there. What the person has anyway
// is none.
func substitutes(ctx context.Context, r *projections.Reader, l cart.Line, has []cart.Line, currency string) ([]suggestion, error) {
	found := []suggestion{}
	seen := map[string]bool{}
	for _, h := range has {
		seen[h.SKU] = true
	}
	// take offers the product's buyable variants, those at the nearest price first.
	take := func(p projections.Listing, most int) {
		var fit []int
		for i, v := range p.Variants {
			if !p.Withdrawn && p.Available[i] > 0 && v.Price.Currency == currency && !seen[v.SKU] {
				fit = append(fit, i)
			}
		}
		slices.SortStableFunc(fit, func(a, b int) int {
			return cmp.Compare(apart(p.Variants[a].Price.Minor, l.Price.Minor), apart(p.Variants[b].Price.Minor, l.Price.Minor))
		})
		for _, i := range fit[:min(len(fit), most, substitutesTold-len(found))] {
			v := variantOf(p, i)
			about := []string{clip(p.Title, 60), clip(v.Title, 40), v.Price.Display}
			seen[v.SKU] = true
			found = append(found, suggestion{v.SKU, strings.Join(slices.DeleteFunc(about, func(s string) bool { return s == "" }), ", ")})
		}
	}
	query := projections.ProductQuery{Text: clip(l.Title, 100), InStock: true, Limit: 2 * substitutesTold}
	for _, ref := range []string{l.SKU, l.Handle} { // the variant may be gone alone
		p, _, ok, err := r.Product(ctx, ref)
		if errors.Is(err, projections.ErrQuarantined) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ok {
			query.Category = p.Category
			take(p, substitutesTold)
			break
		}
	}
	if len(found) == substitutesTold {
		return found, nil
	}
	page, err := r.Products(ctx, query)
	if err != nil {
		return nil, err
	}
	alike := page.Products
	if query.Category != "" {
		near := make([]projections.Listing, 0, 2*categoryRead)
		for _, q := range []projections.ProductQuery{{MinPrice: l.Price.Minor, Sort: projections.PriceUp}, {MaxPrice: l.Price.Minor, Sort: projections.PriceDown}} {
			q.Category, q.InStock, q.Limit = query.Category, true, categoryRead
			if page, err = r.Products(ctx, q); err != nil {
				return nil, err
			}
			near = append(near, page.Products...)
		}
		slices.SortStableFunc(near, func(a, b projections.Listing) int {
			return cmp.Compare(apart(a.From.Minor, l.Price.Minor), apart(b.From.Minor, l.Price.Minor))
		})
		alike = append(alike, near...)
	}
	for _, p := range alike {
		take(p, 1) // of another product one variant says enough
	}
	return found, nil
}

// apart is how far two amounts lie apart.
func apart(a, b int64) int64 { return max(a-b, b-a) }
