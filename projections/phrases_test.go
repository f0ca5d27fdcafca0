package projections_test

import (
	"fmt"
	"strings"
	"testing"

	"till/domain/catalog"
	"till/domain/money"
	"till/projections"
)

// What people put into a query besides words, what is understood, and what is then
// found first in the cat shop.
func TestPhrases(t *testing.T) {
	s := catShop(t)
	s.add("alice", "MOUSE-CATNIP", 3)
	s.add("alice", "WAND-WHISKER", 1)
	s.buy("alice")
	for _, c := range []struct{ query, means, first string }{
		{"cheapest cat bed", "sort=price_asc", "travel-mat,cooling-gel-mat,cardboard-castle"},
		{"the cheapest bed you have", "sort=price_asc", "travel-mat,cooling-gel-mat,cardboard-castle"},
		{"cheapest", "sort=price_asc", "sticker-sheet,crinkle-ball-trio,tick-hooks"},
		{"what is the cheapest thing in the shop?", "sort=price_asc", "sticker-sheet,crinkle-ball-trio,tick-hooks"},
		{"cheap scratching post", "sort=price_asc", "scratching-post-tower"},
		{"most affordable carrier", "sort=price_asc", "top-load-crate,cabin-carrier,bubble-backpack"},
		{"least expensive litter", "sort=price_asc", "odour-powder,clumping-clay,steel-scoop"},
		{"lowest priced collar", "sort=price_asc", "bow-tie,breakaway-collar,reflective-collar"},
		{"most expensive", "sort=price_desc", "catio-balcony,self-cleaning-box,ceiling-cat-tree"},
		{"most expensive cat tree", "sort=price_desc", "ceiling-cat-tree,scratching-post-tower"},
		{"priciest toy", "sort=price_desc", "robo-vole,treat-puzzle-board,track-tower-ball"},
		{"newest toy", "sort=newest", "cork-fishing-rod,silvervine-sticks,crackle-tunnel"},
		{"latest gifts", "sort=newest", "sticker-sheet,gift-card-box,wall-calendar"},
		{"new arrivals", "sort=newest", "sticker-sheet,gift-card-box,wall-calendar"},
		{"what's new?", "sort=newest", "sticker-sheet,gift-card-box,wall-calendar"},
		{"best selling toys", "sort=bestselling", "catnip-mouse,whisker-wand,catnip-kicker"},
		{"bestsellers", "sort=bestselling", "catnip-mouse,whisker-wand,food-storage-bin"},
		{"most popular food", "sort=bestselling", "food-storage-bin,broth-cubes,bonito-flakes"},
		{"toys under $10", "max_price=9.99", "catnip-kicker"},
		{"bed under 30", "max_price=29.99", "cozy-cat-bed"},
		{"bed below 30 dollars", "max_price=29.99", "cozy-cat-bed"},
		{"less than $5", "max_price=4.99", "sticker-sheet"},
		{"food up to $8", "max_price=8.00", "bonito-flakes"},
		{"toys for at most 10 USD", "max_price=10.00", "catnip-kicker"},
		{"between 5 and 10 dollars", "min_price=5.00, max_price=10.00", "breakaway-collar"},
		{"toys between $5 and $10", "min_price=5.00, max_price=10.00", "catnip-kicker"},
		{"toys $5-$10", "min_price=5.00, max_price=10.00", "catnip-kicker"},
		{"toys from 5 to 10 dollars", "min_price=5.00, max_price=10.00", "catnip-kicker"},
		{"gift over $15", "min_price=15.01", "gift-card-box"},
		{"furniture more than $100", "min_price=100.01", "catio-balcony"},
		{"furniture at least $100", "min_price=100.00", "catio-balcony"},
		{"feeder with a budget of $60", "max_price=60.00", "timed-feeder"},
		{"fishing rod in stock", "in_stock=true", "cork-fishing-rod"},
		{"toys that are available", "in_stock=true", "catnip-kicker"},
		{"cheapest bed in stock under $40", "sort=price_asc; in_stock=true; max_price=39.99", "travel-mat,cooling-gel-mat,cardboard-castle"},
		{"cheapest and newest toy", "sort=price_asc", "crinkle-ball-trio,catnip-mouse,feather-refill-pack"},
		{"top rated bed", "the shop has no ratings", "cozy-cat-bed"},
		{"new kitten", "", "gift-card-box"},
		{"new kitten gift box", "", "gift-card-box"},
		{"carrier for cats up to 8 kg", "", "cabin-carrier"},
		{"toys for kittens under 6 months", "", "catnip-kicker"},
		{"collar for kittens under 6", "", "gift-card-box"},
		{"cat over 7 kg", "", "cozy-cat-bed"},
		{"toys under 20 euros", "prices here are in USD", "catnip-kicker"},
		{"out of stock toys", "", "robo-vole"},
		{"best friend", "", "paw-print-kit"},
		{"bed", "", "cozy-cat-bed"},
		{"litter 10-20 kg", "", "clumping-clay"},
	} {
		s.read(func(r *projections.Reader) {
			page := must(r.Products(t.Context(), projections.ProductQuery{Text: c.query, Phrases: true, Currency: "USD", Limit: 3}))
			if got := meant(page); got != c.means {
				t.Errorf("%q is understood as %q, want %q", c.query, got, c.means)
			}
			if got := strings.Join(handles(page.Products), ","); got != c.first && !strings.HasPrefix(got, c.first+",") {
				t.Errorf("%q shows %s, want %s", c.query, got, c.first)
			}
		})
	}
}

func meant(page projections.ProductPage) string {
	var all []string
	for _, p := range page.Understood {
		all = append(all, p.Means+p.Why)
	}
	return strings.Join(all, "; ")
}

// A phrase is left alone where a title holds it that matches better, and an
// argument stands above what the words say.
func TestPhrasesInTitles(t *testing.T) {
	s := newShop(t)
	for i, title := range []string{"Cheap Thrills Mouse", "Under 20 Club Badge", "In Stock Photo Frame", "Cheapest Cat Bed", "Plain Bed", "Latest Cat Bed Deluxe"} {
		p := mouse()
		p.ID, p.Handle, p.Title, p.Description, p.Tags = fmt.Sprint(i+10), strings.ReplaceAll(strings.ToLower(title), " ", "-"), title, "", nil
		p.Variants = []catalog.Variant{{SKU: fmt.Sprint("SKU-", i), Price: money.Of(int64(1000-100*i), "USD")}}
		s.sell(p, i%2)
	}
	for _, c := range []struct {
		q            projections.ProductQuery
		means, first string
	}{
		{projections.ProductQuery{Text: "cheap thrills mouse"}, "", "cheap-thrills-mouse"},
		{projections.ProductQuery{Text: "cheap thrills mouse toy"}, "", "cheap-thrills-mouse"},
		{projections.ProductQuery{Text: "under 20 club badge"}, "", "under-20-club-badge"},
		{projections.ProductQuery{Text: "in stock photo frame"}, "", "in-stock-photo-frame"},
		{projections.ProductQuery{Text: "in stock photo frame in stock"}, "", "in-stock-photo-frame"},
		{projections.ProductQuery{Text: "cheapest cat bed"}, "", "cheapest-cat-bed"},
		{projections.ProductQuery{Text: "cheapest bed"}, "", "cheapest-cat-bed"},
		{projections.ProductQuery{Text: "cheapest plain bed"}, "sort=price_asc", "plain-bed"},
		{projections.ProductQuery{Text: "cheap bed"}, "sort=price_asc", "latest-cat-bed-deluxe"},
		{projections.ProductQuery{Text: "cheap thrills mouse under $20"}, "max_price=19.99", "cheap-thrills-mouse"},
		{projections.ProductQuery{Text: "cheapest of any bed", Sort: projections.PriceDown}, "", "cheapest-cat-bed"},
		{projections.ProductQuery{Text: "cheap bed", Sort: projections.PriceDown}, "", "cheapest-cat-bed"},
		{projections.ProductQuery{Text: "bed under $5.55", MaxPrice: 650}, "", "plain-bed"},
		{projections.ProductQuery{Text: "bed available now", InStock: true}, "", "cheapest-cat-bed"},
	} {
		c.q.Phrases, c.q.Currency = true, "USD"
		s.read(func(r *projections.Reader) {
			page := must(r.Products(t.Context(), c.q))
			if len(page.Products) == 0 || page.Products[0].Handle != c.first || meant(page) != c.means {
				t.Errorf("%+v is understood as %q and shows %v, want %q and %s", c.q, meant(page), handles(page.Products), c.means, c.first)
			}
		})
	}
}

// Prices are in the shop's currency, whatever its decimals.
func TestPhrasesInOtherCurrencies(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 1)
	for _, c := range []struct{ currency, query, means string }{
		{"EUR", "mouse under 20 euros", "max_price=19.99"},
		{"EUR", "mouse under $20", "prices here are in EUR"},
		{"CAD", "mouse under $20", "max_price=19.99"},
		{"JPY", "mouse up to ¥2000", "max_price=2000"},
		{"JPY", "mouse under 9.99", ""},
		{"KWD", "mouse up to 2.125", "max_price=2.125"},
		{"CHF", "mouse up to 20", "max_price=20.00"},
	} {
		s.read(func(r *projections.Reader) {
			page := must(r.Products(t.Context(), projections.ProductQuery{Text: c.query, Phrases: true, Currency: c.currency}))
			if got := meant(page); got != c.means {
				t.Errorf("%q in %s is understood as %q, want %q", c.query, c.currency, got, c.means)
			}
		})
	}
}
