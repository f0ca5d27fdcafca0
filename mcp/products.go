package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"till/projections"
)

// Bounds on product lists; a page of most stays well below 20 KB.
const (
	pageOf  = 10
	pageMax = 25
)

// hit is a product in a list.
type hit struct {
	ID       string `json:"id"`
	Handle   string `json:"handle"`
	Title    string `json:"title"`
	Category string `json:"category"`
	Price    price  `json:"price" about:"the lowest of its variants"`
	PriceTo  *price `json:"price_to,omitempty"`
	InStock  bool   `json:"in_stock"`
	Variants int    `json:"variants"`
}

// productPage is a page of products.
type productPage struct {
	Products    []hit           `json:"products"`
	Total       int             `json:"total"`
	NextCursor  string          `json:"next_cursor,omitempty"`
	SearchedFor string          `json:"searched_for,omitempty"`
	DidYouMean  []suggestion    `json:"did_you_mean,omitempty"`
	Categories  []categoryCount `json:"categories,omitempty"`
	NextSteps   []string        `json:"next_steps,omitempty"`
	included
}

type categoryCount struct {
	Category string `json:"category"`
	Products int    `json:"products"`
}

func (s *Server) productTools() []tool {
	filters := []argument{
		{name: "category", kind: text, most: 60, about: "Only this category.", example: "toys"},
		{name: "min_price", kind: decimal, about: "In " + s.Currency + ".", example: 5},
		{name: "max_price", kind: decimal, about: "In " + s.Currency + ".", example: 20, also: []string{"price_max"}},
		{name: "in_stock", kind: flag, about: "Only what can be bought now."},
		{name: "sort", kind: text, oneOf: []string{"relevance", "title", "price_asc", "price_desc"}, about: "For “the cheapest” use price_asc with limit 1."},
		{name: "limit", kind: integer, least: 1, most: pageMax, fallback: pageOf, about: "Products per page."},
		{name: "cursor", kind: text, most: 1000, about: "next_cursor of the page before."},
	}
	return []tool{
		{
			name: "list_products", title: "List products",
			about: "Use this when someone wants to see what the shop has. Example: {\"category\": \"toys\", \"sort\": \"price_asc\"}. Returns products with price and stock, the categories, and a cursor for more.",
			args:  filters, output: productPage{}, reads: true, past: true, time: readTime, run: listProducts,
		},
		{
			name: "search_products", title: "Search products",
			about: "Use this when someone looks for something by words; misspellings are understood. Example: {\"query\": \"catnip mouse\", \"max_price\": 10}. Returns the best matches with price and stock.",
			args: append([]argument{{name: "query", kind: text, most: 200, required: true, about: "Words to look for.", example: "warm bed", also: []string{"keyword", "text", "q"}}},
				filters...),
			output: productPage{}, reads: true, past: true, time: readTime, run: listProducts,
		},
		{
			name: "get_product", title: "Look at a product",
			about: "Use this when you need a product's description, variants, SKUs or exact stock, e.g. before adding one of several variants. Example: {\"product\": \"catnip-mouse\"}. Returns the product; an unknown name gets the nearest ones.",
			args:  []argument{productArgument}, output: product{}, reads: true, past: true, time: readTime, run: getProduct,
		},
	}
}

// listProducts lists and searches: a list is a search without words.
func listProducts(ctx context.Context, c *call) (answer, error) {
	q := projections.ProductQuery{
		Text: c.text("query"), Category: c.text("category"),
		MinPrice: c.of("min_price").number, MaxPrice: c.of("max_price").number,
		InStock: c.of("in_stock").flag, Sort: projections.Sort(c.text("sort")),
		Limit: c.number("limit"), Cursor: c.text("cursor"),
	}
	if c.given("query") && !hasWords(q.Text) {
		// Not everything there is: whoever asked would take it for matches.
		return answer{}, invalid("query", "query must hold words to look for, such as \"warm bed\"; list_products shows everything.")
	}
	if q.MaxPrice > 0 && q.MinPrice > q.MaxPrice {
		return answer{}, invalid("min_price", "min_price must not be above max_price.")
	}
	page := &productPage{}
	err := c.read(ctx, func(r *projections.Reader) error { return page.read(ctx, c, r, &q) })
	if err != nil {
		return answer{}, err
	}
	return answer{page.say(q), page}, nil
}

// hasWords is whether there is anything in it to look for.
func hasWords(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}

// read fills the page anew: a reading of the views may be begun twice. It
// spells the query's category as the shop does.
func (p *productPage) read(ctx context.Context, c *call, r *projections.Reader, q *projections.ProductQuery) error {
	*p = productPage{Products: []hit{}}
	if err := c.category(ctx, r, q, p); err != nil {
		return err
	}
	if c.given("max_price") && q.MaxPrice == 0 {
		return nil // the query takes 0 for no bound, the caller meant 0
	}
	found, err := r.Products(ctx, *q)
	if err != nil {
		return err
	}
	p.Total, p.NextCursor, p.SearchedFor = found.Total, c.goesOn(found.Next), found.Corrected
	for _, l := range found.Products {
		p.Products = append(p.Products, hitOf(l))
	}
	if found.Total == 0 && q.Text != "" {
		near, err := r.Nearest(ctx, q.Text, 3)
		p.DidYouMean = suggest(near)
		return err
	}
	return nil
}

// category finds the category as it is spelt, and on the first page without one
// tells them all.
func (c *call) category(ctx context.Context, r *projections.Reader, q *projections.ProductQuery, page *productPage) error {
	if q.Category == "" && (q.Text != "" || q.Cursor != "") {
		return nil
	}
	all, err := r.Categories(ctx)
	if err != nil {
		return err
	}
	if q.Category == "" {
		for _, k := range all[:min(len(all), 30)] {
			page.Categories = append(page.Categories, categoryCount{k.Category, k.Products})
		}
		return nil
	}
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.Category
		if strings.EqualFold(k.Category, q.Category) {
			q.Category = k.Category
			return nil
		}
	}
	p := invalid("category", "There is no category %s. There are %s.", quote(q.Category), clip(list(names), 600))
	p.NextTools = []string{"list_products"}
	near := nearest(q.Category, names, 3)
	if near == nil {
		near = names[:min(3, len(names))]
	}
	for _, n := range near {
		p.Suggestions = append(p.Suggestions, suggestion{Use: n})
	}
	return p
}

func hitOf(l projections.Listing) hit {
	h := hit{l.ID, l.Handle, clip(l.Title, 120), l.Category, priced(l.From), nil, l.InStock(), len(l.Variants)}
	if l.To != l.From {
		to := priced(l.To)
		h.PriceTo = &to
	}
	return h
}

// suggest names products by handle.
func suggest(near []projections.Listing) []suggestion {
	var s []suggestion
	for _, l := range near {
		s = append(s, suggestion{l.Handle, clip(l.Title, 80) + ", " + l.From.String()})
	}
	return s
}

// say is the page in a sentence and a few lines.
func (p *productPage) say(q projections.ProductQuery) string {
	what := "products"
	if q.Category != "" {
		what += " in " + q.Category
	}
	if q.Text != "" {
		what += " for " + quote(q.Text)
	}
	if p.SearchedFor != "" {
		what += " (searched for " + quote(p.SearchedFor) + ")"
	}
	if len(p.Products) == 0 {
		p.NextSteps = []string{"search_products with other or fewer words, or without the filters", "list_products for the categories"}
		if len(p.DidYouMean) > 0 {
			return fmt.Sprintf("No %s. The nearest is %s.", what, p.DidYouMean[0].Use)
		}
		return fmt.Sprintf("No %s.", what)
	}
	p.NextSteps = []string{"get_product for the description and variants", "add_to_cart with the handle"}
	if p.NextCursor != "" {
		p.NextSteps = slices.Insert(p.NextSteps, 0, "call again with next_cursor for more")
	}
	var t strings.Builder
	if len(p.Products) < p.Total {
		fmt.Fprintf(&t, "%d of %d %s.", len(p.Products), p.Total, what)
	} else {
		if p.Total == 1 {
			what = strings.Replace(what, "products", "product", 1)
		}
		fmt.Fprintf(&t, "%d %s.", p.Total, what)
	}
	for _, h := range p.Products[:min(linesRead, len(p.Products))] {
		h.write(&t)
	}
	if more := len(p.Products) - linesRead; more > 0 {
		fmt.Fprintf(&t, "\nand %d more below", more)
	}
	return t.String()
}

// linesRead is how many hits a person gets as lines; the data holds them all.
const linesRead = 5

func (h hit) write(t *strings.Builder) {
	fmt.Fprintf(t, "\n%s (%s), %s", h.Title, h.Handle, h.Price.Display)
	if h.PriceTo != nil {
		t.WriteString(" to " + h.PriceTo.Display)
	}
	if !h.InStock {
		t.WriteString(", out of stock")
	}
}
