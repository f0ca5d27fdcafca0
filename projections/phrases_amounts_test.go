package projections_test

import (
	"testing"

	"till/projections"
)

// Amounts are understood as people write them: with commas between thousands or
// before the decimals. Of two upper bounds the lower one holds.
func TestAmountsInPhrases(t *testing.T) {
	s := catShop(t)
	for _, c := range []struct {
		query, means string
		most         int64
	}{
		{"furniture under $1,000", "max_price=999.99", 99999},
		{"furniture up to 1,000 dollars", "max_price=1000.00", 100000},
		{"furniture between $100 and $2,500.50", "min_price=100.00, max_price=2500.50", 250050},
		{"toys under $12,345,678", "max_price=12345677.99", 1234567799},
		{"toys up to $9,99", "max_price=9.99", 999},
		{"toys under $20, up to $10", "max_price=19.99; max_price=10.00", 1000},
		{"carrier up to 1,500 g", "", 1 << 40},
	} {
		s.read(func(r *projections.Reader) {
			page := must(r.Products(t.Context(), projections.ProductQuery{Text: c.query, Phrases: true, Currency: "USD", Limit: 50}))
			if got := meant(page); got != c.means {
				t.Errorf("%q is understood as %q, want %q", c.query, got, c.means)
			}
			if page.Total == 0 {
				t.Errorf("%q finds nothing", c.query)
			}
			for _, p := range page.Products {
				if p.From.Minor > c.most {
					t.Errorf("%q shows %s for %s", c.query, p.Handle, p.From)
				}
			}
		})
	}
}
