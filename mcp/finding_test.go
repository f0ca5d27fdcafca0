package mcp

import (
	"fmt"
	"strings"
	"testing"

	"till/domain/catalog"
	"till/domain/stock"
)

// fullShop also sells the whole cat shop, so that there is something to choose.
func fullShop(t *testing.T) *shop {
	s := newShop(t)
	rows, faults := catalog.ReadJSONL(catalog.CatShop())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, r := range rows {
		do(s, s.products, r.Product.ID, catalog.Command(catalog.Offer{Product: r.Product}))
		for i, v := range r.Product.Variants {
			do(s, s.process.Stocks, v.SKU, stock.Command(stock.Count{OnHand: (len(r.Product.ID) + i) % 3}))
		}
	}
	return s
}

// Each value of a facet, used as the argument that it stands for, finds as many
// products as it says.
func TestFacetsSayWhatNarrowing(t *testing.T) {
	s := fullShop(t)
	eachEra(t, func(t *testing.T, e era) {
		a := s.agent("alice", e)
		for _, in := range []args{{}, {"category": "collars"}, {"max_price": 15}, {"in_stock": true}, {"attributes": "colour=grey"}, {"attributes": "colour=grey, size=L", "in_stock": true}} {
			with := func(more args) int {
				t.Helper()
				all := args{}
				for k, v := range in {
					all[k] = v
				}
				for k, v := range more {
					all[k] = v
				}
				return a.ok("list_products", all).number("total")
			}
			page := a.ok("list_products", in)
			tried := 0
			check := func(what string, more args, n any) {
				t.Helper()
				tried++
				if got := with(more); float64(got) != n {
					t.Errorf("%v: %s has %v products, and finds %d", in, what, n, got)
				}
			}
			object := func(path string) map[string]any {
				m, _ := page.at("facets." + path).(map[string]any)
				return m
			}
			for name, n := range object("category") {
				check(name, args{"category": name}, n)
			}
			for name, values := range object("attributes") {
				for value, n := range values.(map[string]any) {
					if in["attributes"] == nil {
						check(value, args{"attributes": name + "=" + value}, n)
					}
				}
			}
			if bands, _ := page.at("facets.price").([]any); in["max_price"] == nil {
				sum := 0.0
				for _, b := range bands {
					band := b.(map[string]any)
					more := args{}
					for _, bound := range []string{"min_price", "max_price"} {
						if band[bound] != nil {
							more[bound] = band[bound]
						}
					}
					check(fmt.Sprint(more), more, band["products"])
					sum += band["products"].(float64)
				}
				if len(bands) > 0 && int(sum) != page.number("total") {
					t.Errorf("%v: the price bands hold %v of %d", in, sum, page.number("total"))
				}
			}
			if n := object("stock")["in_stock"]; n != nil {
				check("in stock", args{"in_stock": true}, n)
			}
			if tried < 3 && in["attributes"] == nil {
				t.Errorf("%v: only %d values: %s", in, tried, page.Text)
			}
		}
		first := a.ok("list_products", args{"limit": 5})
		if next := a.ok("list_products", args{"limit": 5, "cursor": first.text("next_cursor")}); next.at("facets") != nil {
			t.Errorf("the second page repeats the facets: %s", next.Text)
		}
		if !strings.Contains(first.Text, "\nNarrow with category (food 14, toys 1") || !strings.Contains(first.Text, "attributes (") {
			t.Errorf("the text does not say how to narrow: %s", first.Text)
		}
		// A past moment has the facets of that moment.
		sold := a.ok("search_products", args{"query": "mouse"})
		if again := a.ok("search_products", args{"query": "mouse", "as_of": sold.number("as_of")}); again.Text != sold.Text {
			t.Errorf("asked again: %s", again.Text)
		}
	})
}

func TestAttributesAreTakenInEveryForm(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	for _, given := range []any{
		"colour=grey, size=large", "Colour: GREY; Size: large", "color=grey,size=large", "size=large, colour=grey|blue", "colour=grey, blue, size=large",
		[]string{"colour=grey", "size=large"}, map[string]any{"colour": "grey", "size": []string{"large"}},
	} {
		if got := a.ok("search_products", args{"query": "bed", "attributes": given}); got.text("products.0.handle") != "cozy-cat-bed" {
			t.Errorf("%v finds %s", given, got.Text)
		}
	}
	if got := a.ok("list_products", args{"options": "colour=blue, size=small"}); got.number("total") != 0 || !strings.Contains(got.Text, "Without attributes there are 5.") {
		t.Errorf("no variant is small and blue, but: %s", got.Text)
	}
	for _, c := range []struct {
		given      any
		says, near string
	}{
		{"colour=gray", `There is no colour "gray". There are blue and grey.`, "colour=grey"},
		{"colr=grey", `There is no attribute "colr". There are colour and size.`, "colour"},
		{"flavour=fish", `There is no attribute "flavour".`, ""},
		{"grey", "must be names with values", ""},
		{"colour=", "must be names with values", ""},
		{"=", "must be names with values", ""},
		{[]int{1}, "attributes must be", ""},
		{strings.Repeat("size=large,", 13), "12 values at most", ""},
	} {
		got := a.refused("invalid_argument", "list_products", args{"attributes": c.given})
		if got.text("field") != "attributes" || !strings.Contains(got.Text, c.says) || c.near != "" && got.text("suggestions.0.use") != c.near {
			t.Errorf("%v is told %s", c.given, got.Text)
		}
	}
}

// What a query asks for besides words is followed, and said; what keeps everything
// out is named.
func TestSearchesAreUnderstoodAndExplained(t *testing.T) {
	s := newShop(t)
	eachEra(t, func(t *testing.T, e era) {
		a := s.agent("alice", e)
		for _, c := range []struct {
			tool  string
			in    args
			first string
			says  []string
		}{
			{"search_products", args{"query": "cheapest thing"}, "catnip-mouse", []string{`Understood "cheapest": sort=price_asc.`}},
			{"search_products", args{"query": "most expensive toy in stock"}, "rare-thing", []string{"sort=price_desc", "in_stock=true"}},
			{"search_products", args{"query": "newest toy"}, "gone-thing", []string{"sort=newest"}},
			{"search_products", args{"query": "toy under $6"}, "catnip-mouse", []string{"max_price=5.99"}},
			{"search_products", args{"query": "best rated bed"}, "cozy-cat-bed", []string{"the shop has no ratings"}},
			{"search_products", args{"query": "bed under $10"}, "", []string{"No products", "Without max_price there are 1."}},
			{"search_products", args{"query": "gone thing", "in_stock": true, "category": "beds"}, "", []string{"No single filter keeps them out"}},
			{"search_products", args{"query": "xylophone qqqq", "category": "beds"}, "", []string{"No products in beds for \"xylophone qqqq\". The nearest is gone-thing."}},
			{"search_products", args{"query": "whisker elephant"}, "whisker-wand", []string{"None has all the words; these have some."}},
			{"search_products", args{"query": "rare thing", "max_price": 5}, "", []string{"Without max_price there are 1."}},
			{"list_products", args{"category": "beds", "max_price": 6}, "", []string{"No products in beds.", "Without max_price there are 1 and without category there are 1."}},
			{"list_products", args{"sort": "newest"}, "gone-thing", nil},
		} {
			got := a.ok(c.tool, c.in)
			if got.text("products.0.handle") != c.first {
				t.Errorf("%v shows %s", c.in, got.Text)
			}
			for _, say := range c.says {
				if !strings.Contains(got.Text, say) {
					t.Errorf("%v does not say %q: %s", c.in, say, got.Text)
				}
			}
		}
		a.ok("add_to_cart", args{"product": "whisker-wand", "quantity": 2})
		a.ok("checkout", nil)
		if got := a.ok("search_products", args{"query": "best selling toys"}); got.text("products.0.handle") != "whisker-wand" {
			t.Errorf("the best seller is %s", got.Text)
		}
	})
}

// Ten hits of an ordinary catalogue take two to three kilobytes with all that they
// can be narrowed to; the worst that a catalogue may hold stays below twenty.
func TestFoundProductsStaySmall(t *testing.T) {
	s := fullShop(t)
	a := s.agent("alice", modernEra)
	for _, c := range []struct {
		tool string
		in   args
		most int
	}{
		{"list_products", args{}, 3300}, {"search_products", args{"query": "cat"}, 3300}, {"search_products", args{"query": "scratching post"}, 1000},
		{"list_products", args{"category": "toys"}, 3000}, {"list_products", args{"limit": 25}, 6200},
	} {
		got := a.ok(c.tool, c.in)
		t.Logf("%s %v: %d bytes, of which facets %d", c.tool, c.in, len(got.Text), len(encode(got.at("facets"))))
		if len(got.Text) > c.most {
			t.Errorf("%s %v answers with %d bytes: %s", c.tool, c.in, len(got.Text), got.Text)
		}
	}
	bad := strings.Repeat("<", 57) // six bytes each, as JSON
	for i := range 60 {
		var vs []catalog.Variant
		for j := range 20 {
			vs = append(vs, variants(fmt.Sprintf("%s-%d-%d", strings.Repeat("S", 50), i, j), "", 100+i)...)
			vs[j].Values = []string{fmt.Sprint(bad, j), fmt.Sprint(bad, i), fmt.Sprint(bad, "x")}
		}
		p := catalog.Product{ID: fmt.Sprint("x", i), Handle: fmt.Sprint(strings.Repeat("h", 90), i), Title: fmt.Sprint(strings.Repeat("<\U0001F408", 99), i),
			Category: fmt.Sprint(strings.Repeat("\U0001F408", 57), i), Options: []string{bad + "a", bad + "b", bad + "c"}, Variants: vs}
		do(s, s.products, p.ID, catalog.Command(catalog.Offer{Product: p}))
	}
	seen, cursor := map[string]bool{}, ""
	for {
		got := a.ok("list_products", args{"limit": pageMax, "sort": "price_asc", "cursor": cursor})
		if len(got.Text) > 20_000 {
			t.Errorf("a page has %d bytes", len(got.Text))
		}
		hits := got.at("products").([]any)
		for i := range hits {
			id := got.text(fmt.Sprintf("products.%d.id", i))
			if seen[id] {
				t.Errorf("%s is shown twice", id)
			}
			seen[id] = true
		}
		if cursor = got.text("next_cursor"); cursor == "" {
			if len(seen) != got.number("total") {
				t.Errorf("%d of %d are shown", len(seen), got.number("total"))
			}
			break
		}
		if len(cursor) > 400 {
			t.Errorf("the cursor has %d bytes", len(cursor))
		}
	}
}
