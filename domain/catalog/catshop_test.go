package catalog_test

import (
	"testing"

	"till/domain/catalog"
	"till/domain/money"
)

func catShop(t testing.TB) []catalog.Row {
	t.Helper()
	rows, faults := catalog.ReadJSONL(catalog.CatShop())
	for _, f := range faults {
		t.Error(f)
	}
	if t.Failed() {
		t.FailNow()
	}
	return rows
}

func TestCatShopHoldsTheReferenceProducts(t *testing.T) {
	rows := catShop(t)
	for i, want := range []struct {
		handle, title, category string
		cents                   int64
	}{
		{"whisker-wand", "Whisker Wand", "toys", 999},
		{"catnip-mouse", "Catnip Mouse", "toys", 499},
		{"laser-pointer-pro", "Laser Pointer Pro", "toys", 1299},
		{"cozy-cat-bed", "Cozy Cat Bed", "beds", 2999},
		{"window-hammock", "Window Hammock", "beds", 2499},
		{"salmon-treats", "Salmon Treats", "food", 799},
		{"tuna-crunchies", "Tuna Crunchies", "food", 599},
		{"scratching-post-tower", "Scratching Post Tower", "furniture", 4999},
	} {
		p := rows[i].Product
		if p.ID != string(rune('1'+i)) || p.Handle != want.handle || p.Title != want.title || p.Category != want.category {
			t.Errorf("product %d is %s %q %q in %q, want %+v", i+1, p.ID, p.Handle, p.Title, p.Category, want)
		}
		// One variant each: a client of the reference names them by number alone.
		if len(p.Variants) != 1 || p.Variants[0].Price != money.Of(want.cents, "USD") {
			t.Errorf("%s: variants %+v, want one at %d cents", p.Handle, p.Variants, want.cents)
		}
	}
}

func TestCatShopIsAWholeShop(t *testing.T) {
	rows := catShop(t)
	categories, skus, choices, none, low := map[string]int{}, 0, 0, 0, 0
	for _, row := range rows {
		p := row.Product
		categories[p.Category]++
		skus += len(p.Variants)
		if len(p.Variants) > 1 {
			choices++
		}
		if len(p.Description) < 80 {
			t.Errorf("%s: the description says too little to be found by", p.Handle)
		}
		for _, v := range p.Variants {
			pieces := row.Stock[v.SKU]
			switch {
			case pieces == nil:
				t.Errorf("%s has no stock", v.SKU)
			case *pieces == 0:
				none++
			case *pieces <= 3:
				low++
			}
			if v.Price.Minor < 199 || v.Price.Minor > 24900 {
				t.Errorf("%s costs %s", v.SKU, v.Price)
			}
		}
	}
	if len(rows) < 72 || len(categories) < 8 || skus < 140 || choices < 20 || none < 1 || low < 3 {
		t.Errorf("%d products in %d categories, %d SKUs, %d with a choice, %d sold out, %d nearly", len(rows), len(categories), skus, choices, none, low)
	}
	for category, n := range categories {
		if n < 3 {
			t.Errorf("category %q has only %d products", category, n)
		}
	}
}
