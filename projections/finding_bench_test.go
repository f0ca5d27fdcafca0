package projections_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"till/projections"
)

// BenchmarkFinding lists and searches 20,000 products, without facets and with
// them; Changed after each time something was repriced.
func BenchmarkFinding(b *testing.B) {
	m := &market{shop: newShop(b), random: rand.New(rand.NewPCG(1, 7)), gone: map[string]bool{}, restless: map[string]bool{}, room: 20_000}
	for range 20_000 {
		m.add()
	}
	m.catchUp()
	for _, c := range []struct {
		name string
		q    projections.ProductQuery
	}{
		{"List", projections.ProductQuery{}},
		{"Cheapest", projections.ProductQuery{Sort: projections.PriceUp}},
		{"InStock", projections.ProductQuery{InStock: true}},
		{"Search/rare", projections.ProductQuery{Text: "soft quiet bright bed"}},
		{"Search/many", projections.ProductQuery{Text: "soft bed"}},
		{"Search/all", projections.ProductQuery{Text: "cat"}},
	} {
		for _, facets := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/facets=%t", c.name, facets), func(b *testing.B) {
				c.q.Facets = facets
				for b.Loop() {
					if err := m.views.Read(b.Context(), 0, func(r *projections.Reader) error {
						_, err := r.Products(b.Context(), c.q)
						return err
					}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("Changed", func(b *testing.B) {
		for b.Loop() {
			m.change(false, false)
			m.catchUp()
			if err := m.views.Read(b.Context(), 0, func(r *projections.Reader) error {
				_, err := r.Products(b.Context(), projections.ProductQuery{Facets: true})
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
