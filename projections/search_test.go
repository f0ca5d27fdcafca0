package projections_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"till/domain/catalog"
	"till/domain/stock"
	"till/projections"
)

// catShop is a shop with the whole built-in catalogue.
func catShop(t testing.TB) *shop {
	t.Helper()
	s := newShop(t)
	rows, faults := catalog.ReadJSONL(catalog.CatShop())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, r := range rows {
		s.sell(r.Product, 5)
	}
	return s
}

func handles(all []projections.Listing) []string {
	names := make([]string, len(all))
	for i, l := range all {
		names[i] = l.Handle
	}
	return names
}

// The catalogue's own list of what people type and must then see.
func TestSearches(t *testing.T) {
	s := catShop(t)
	text, err := os.ReadFile("../domain/catalog/testdata/searches.txt")
	if err != nil {
		t.Fatal(err)
	}
	searches := 0
	for line := range strings.Lines(string(text)) {
		query, want, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		searches++
		s.read(func(r *projections.Reader) {
			page := must(r.Products(t.Context(), projections.ProductQuery{Text: query, Limit: 3}))
			for _, handle := range strings.Split(want, ",") {
				if got := handles(page.Products); !slices.Contains(got, strings.TrimSpace(handle)) {
					t.Errorf("%q (read as %q) shows %v of %d, not %s", query, page.Corrected, got, page.Total, handle)
				}
			}
		})
	}
	if searches < 20 {
		t.Fatalf("only %d searches in the list", searches)
	}
}

func TestSearchCorrects(t *testing.T) {
	s := catShop(t)
	for _, c := range []struct{ query, corrected string }{
		{"catnip mouse", ""},
		{"catnip mose", "catnip mouse"},
		{"mosue", "mouse"}, // two letters swapped
		{"scrathing post", "scratching post"},
		{"colar", "collar"},
		{"cátnip", ""}, // accents do not matter
		{"hamm", ""},   // the beginning of a word is no mistake
		{"mats", ""},   // nor is a plural
		{"xqzw", ""},   // nothing is near
	} {
		s.read(func(r *projections.Reader) {
			page := must(r.Products(t.Context(), projections.ProductQuery{Text: c.query}))
			if page.Corrected != c.corrected {
				t.Errorf("%q was read as %q, want %q", c.query, page.Corrected, c.corrected)
			}
			if (page.Total == 0) != (c.query == "xqzw") {
				t.Errorf("%q finds %d", c.query, page.Total)
			}
		})
	}
}

// No text is understood as the search engine's own language.
func TestSearchTakesAnyText(t *testing.T) {
	s := catShop(t)
	for _, text := range []string{
		`"`, `""`, `'`, `*`, `mouse*`, `-mouse`, `mouse OR`, `AND`, `NOT mouse`, `NEAR(mouse catnip, 1)`, `title:mouse`, `title : mouse`,
		`{title tags} : x`, `^mouse`, `mouse + catnip`, `(((`, `mouse)`, `\`, "mouse\x00catnip", "\xff\xfe", "🐭", "mouse; DROP TABLE carts", `") OR 1=1 --`,
		strings.Repeat("mouse ", 1000), strings.Repeat("m", 10000), strings.Repeat("é", 500), "ｍｏｕｓｅ", "เมาส์", "鼠标", "̈",
	} {
		s.read(func(r *projections.Reader) {
			if _, err := r.Products(t.Context(), projections.ProductQuery{Text: text}); err != nil {
				t.Errorf("%.40q: %v", text, err)
			}
			if _, err := r.Nearest(t.Context(), text, 3); err != nil {
				t.Errorf("nearest to %.40q: %v", text, err)
			}
			if _, _, _, err := r.Product(t.Context(), text); err != nil {
				t.Errorf("product %.40q: %v", text, err)
			}
		})
	}
}

func FuzzSearch(f *testing.F) {
	s := catShop(f)
	f.Add("catnip mouse", "", 10)
	f.Add(`"title:x" OR *`, "eyJ4IjoxfQ", -1)
	f.Fuzz(func(t *testing.T, text, cursor string, limit int) {
		err := s.views.Read(t.Context(), 0, func(r *projections.Reader) error {
			if _, err := r.Nearest(t.Context(), text, limit); err != nil {
				return err
			}
			_, err := r.Products(t.Context(), projections.ProductQuery{Text: text, Cursor: cursor, Limit: limit})
			if errors.Is(err, projections.ErrCursor) {
				return nil
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Every order and filter pages through exactly what the whole list holds.
func TestListing(t *testing.T) {
	s := catShop(t)
	do(s, s.process.Stocks, "MOUSE-CATNIP", stock.Command(stock.Count{OnHand: 0}))
	do(s, s.products, "3", catalog.Command(catalog.Withdraw{}))
	for name, q := range map[string]projections.ProductQuery{
		"all":      {},
		"title":    {Sort: projections.ByTitle},
		"up":       {Sort: projections.PriceUp},
		"down":     {Sort: projections.PriceDown},
		"category": {Category: "Toys"},
		"between":  {MinPrice: 500, MaxPrice: 2000, Sort: projections.PriceUp},
		"in stock": {InStock: true},
		"search":   {Text: "cat"},
		"cheap":    {Text: "cat", Sort: projections.PriceUp, MaxPrice: 3000},
	} {
		t.Run(name, func(t *testing.T) {
			s.read(func(r *projections.Reader) {
				whole := q
				whole.Limit = 50
				var all []projections.Listing
				for {
					p := must(r.Products(t.Context(), whole))
					all = append(all, p.Products...)
					if whole.Cursor = p.Next; p.Next == "" {
						if len(all) != p.Total || p.Total == 0 {
							t.Fatalf("%d products, the total is %d", len(all), p.Total)
						}
						break
					}
				}
				var paged []string
				page := q
				page.Limit = 7
				for {
					p := must(r.Products(t.Context(), page))
					paged = append(paged, handles(p.Products)...)
					if page.Cursor = p.Next; p.Next == "" {
						break
					}
				}
				if !slices.Equal(paged, handles(all)) {
					t.Errorf("pages of 7 show %v, pages of 50 %v", paged, handles(all))
				}
				seen := map[string]bool{}
				for i, l := range all {
					switch {
					case seen[l.ID]:
						t.Errorf("%s twice", l.Handle)
					case l.Withdrawn || l.ID == "3":
						t.Errorf("%s is withdrawn", l.Handle)
					case q.InStock && !l.InStock(), q.InStock && l.ID == "2":
						t.Errorf("%s is out of stock", l.Handle)
					case q.MinPrice > 0 && l.From.Minor < q.MinPrice, q.MaxPrice > 0 && l.From.Minor > q.MaxPrice:
						t.Errorf("%s costs %s", l.Handle, l.From)
					case q.Category != "" && l.Category != "toys":
						t.Errorf("%s is in %s", l.Handle, l.Category)
					case i > 0 && q.Sort == projections.PriceUp && all[i-1].From.Minor > l.From.Minor,
						i > 0 && q.Sort == projections.PriceDown && all[i-1].From.Minor < l.From.Minor,
						i > 0 && q.Sort == projections.ByTitle && strings.ToLower(all[i-1].Title) > strings.ToLower(l.Title):
						t.Errorf("%s comes after %s", l.Handle, all[i-1].Handle)
					}
					seen[l.ID] = true
				}
			})
		})
	}
	s.read(func(r *projections.Reader) {
		if l, _, ok, _ := r.Product(t.Context(), "laser-pointer-pro"); !ok || !l.Withdrawn {
			t.Errorf("a withdrawn product by its name: %+v, %t", l, ok)
		}
	})
}

// A product that changes is found by what it is now, not by what it was.
func TestSearchFollowsTheCatalogue(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 1)
	finds := func(text string) (n int) {
		s.read(func(r *projections.Reader) {
			n = must(r.Products(t.Context(), projections.ProductQuery{Text: text})).Total
		})
		return n
	}
	if finds("catnip") != 1 || finds("zebra") != 0 {
		t.Error("before the change")
	}
	zebra := mouse()
	zebra.Title, zebra.Handle, zebra.Description, zebra.Tags = "Striped Zebra", "zebra", "Plush.", nil
	s.sell(zebra, 1)
	if finds("catnip") != 0 || finds("zebra") != 1 || finds("zerba") != 1 {
		t.Error("after the change")
	}
	s.read(func(r *projections.Reader) {
		if _, _, ok, _ := r.Product(t.Context(), "catnip-mouse"); ok {
			t.Error("the old handle still names it")
		}
	})
	do(s, s.products, "2", catalog.Command(catalog.Withdraw{}))
	if finds("zebra") != 0 {
		t.Error("after it was withdrawn")
	}
	// Its name can be given to another one, which is then meant.
	other := collar()
	other.Handle = "zebra"
	s.sell(other, 1)
	s.read(func(r *projections.Reader) {
		if l, _, ok, _ := r.Product(t.Context(), "ZEBRA"); !ok || l.ID != "9" {
			t.Errorf("zebra is %+v", l.Product)
		}
	})
}

func TestNearest(t *testing.T) {
	s := catShop(t)
	for text, want := range map[string]string{
		"catnip-mose": "catnip-mouse", "Catnip Mouse!": "catnip-mouse", "MOUSE-CATNP": "catnip-mouse",
		"laser pointer": "laser-pointer-pro", "window hamock": "window-hammock", "cosy cat bed": "cozy-cat-bed",
		"drinking fountain": "ceramic-fountain", "a carrier for flights": "cabin-carrier",
	} {
		s.read(func(r *projections.Reader) {
			got := handles(must(r.Nearest(t.Context(), text, 3)))
			if len(got) != 3 || !slices.Contains(got, want) {
				t.Errorf("near %q: %v, want %s", text, got, want)
			}
		})
	}
	s.read(func(r *projections.Reader) {
		for _, text := range []string{"qqqqqqq", ""} {
			if got := must(r.Nearest(t.Context(), text, 3)); len(got) > 3 {
				t.Errorf("near %q: %v", text, handles(got))
			}
		}
	})
}
