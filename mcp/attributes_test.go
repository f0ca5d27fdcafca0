package mcp

import (
	"testing"

	"till/domain/catalog"
	"till/domain/money"
)

// A value may hold what else stands between values, and is asked for as the facets
// name it. Two spellings of one value on one product count once.
func TestAttributesWithPunctuation(t *testing.T) {
	s := newShop(t)
	for i, values := range [][]string{{"Black, white", "3:1", "Black, white; dotted", "2:1"}, {"Red", "3:1", "red", "4|1"}} {
		handle := []string{"odd-one", "odd-two"}[i]
		p := catalog.Product{ID: handle, Handle: handle, Title: "Odd", Category: "toys", Options: []string{"Pattern", "Ratio"}}
		for j := 0; j < len(values); j += 2 {
			p.Variants = append(p.Variants, catalog.Variant{SKU: handle + values[j+1][:1], Price: money.Of(500, "USD"), Values: values[j : j+2]})
		}
		do(s, s.products, p.ID, catalog.Command(catalog.Offer{Product: p}))
	}
	do(s, s.products, "shoe", catalog.Command(catalog.Offer{Product: catalog.Product{ID: "shoe", Handle: "shoe", Title: "Shoe", Category: "toys", Options: []string{"Width"},
		Variants: []catalog.Variant{{SKU: "SHOE", Price: money.Of(500, "USD"), Values: []string{"42"}}}}}))
	a := s.agent("alice", modernEra)
	for _, given := range []any{map[string]any{"width": 42}, map[string]any{"width": []any{42}}, []any{"width=42"}} {
		if got := a.ok("list_products", args{"attributes": given}); got.number("total") != 1 || got.text("products.0.handle") != "shoe" {
			t.Errorf("%v finds %s", given, got.Text)
		}
	}
	for _, given := range []any{map[string]any{"width": true}, map[string]any{"width": nil}, map[string]any{"width": map[string]any{"is": 42}}, 42} {
		a.refused("invalid_argument", "list_products", args{"attributes": given})
	}
	for _, given := range []any{
		"Pattern=Black, white", "pattern=black,white", "Ratio=3:1, Pattern=Black, white", "Pattern=Red, Black, white; dotted, Ratio=2:1",
		map[string]any{"pattern": "Black, white"}, map[string]any{"pattern": []string{"Black, white; dotted"}, "ratio": "2:1"},
	} {
		if got := a.ok("list_products", args{"attributes": given}); got.number("total") < 1 || got.text("products.0.handle") != "odd-one" {
			t.Errorf("%v finds %s", given, got.Text)
		}
	}
	if got := a.ok("list_products", args{"attributes": "Ratio=4|1"}); got.number("total") != 1 {
		t.Errorf("4|1 finds %s", got.Text)
	}
	if got := a.ok("search_products", args{"query": "odd"}); got.number("facets.attributes.Pattern.Red") != 1 {
		t.Errorf("red is on one product, but the facets are %v", got.at("facets"))
	}
	a.refused("invalid_argument", "list_products", args{"attributes": "Pattern=Black, green"})
}
