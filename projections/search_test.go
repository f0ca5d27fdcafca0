package projections_test

import (
	"testing"

	"till/domain/catalog"
	"till/projections"
)

func TestCatShopLoads(t *testing.T) {
	s := newShop(t)
	rows, faults := catalog.ReadJSONL(catalog.CatShop())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, r := range rows {
		s.sell(r.Product, 5)
	}
	for _, q := range []string{"mouse", "catnip mose", "toys", "feather toy", "scrathing post", "lazer", "a bed for my cat", "colar", "tuna", "foutain", "litter", "grooming brush", "\"mouse OR", "mous", "automatic feder", "blue", "zzzzqqq", "carier"} {
		s.read(func(r *projections.Reader) {
			p := must(r.Products(t.Context(), projections.ProductQuery{Text: q, Limit: 4}))
			var names []string
			for _, l := range p.Products {
				names = append(names, l.Title)
			}
			t.Logf("%q (%q): %d %v", q, p.Corrected, p.Total, names)
		})
	}
	for _, q := range []string{"mouse toy", "catnip mose", "3 laser", "beds"} {
		s.read(func(r *projections.Reader) {
			var names []string
			for _, l := range must(r.Nearest(t.Context(), q, 3)) {
				names = append(names, l.Title)
			}
			t.Logf("near %q %v", q, names)
		})
	}
	s.read(func(r *projections.Reader) { t.Log(must(r.Categories(t.Context()))) })
}
