package mcp

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode"

	"till/projections"
)

// Bounds on product lists, so that a page stays below 20 KB.
const (
	pageOf       = 10
	pageMax      = 25
	hitRoom room = 11 << 10
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
	Products    []hit        `json:"products"`
	Total       int          `json:"total"`
	NextCursor  string       `json:"next_cursor,omitempty"`
	SearchedFor string       `json:"searched_for,omitempty"`
	Understood  []string     `json:"understood,omitempty" about:"words of the query that were followed"`
	DidYouMean  []suggestion `json:"did_you_mean,omitempty"`
	Facets      *facets      `json:"facets,omitempty" about:"what to narrow to, with the number of products"`
	NextSteps   []string     `json:"next_steps,omitempty"`
	included

	// partly: nothing has all the words. without: what the filters keep out.
	partly  bool
	without []projections.Without
}

func (s *Server) productTools() []tool {
	sorts := []string{string(projections.ByRelevance), string(projections.ByTitle), string(projections.PriceUp), string(projections.PriceDown),
		string(projections.Newest), string(projections.BestSelling)}
	filters := []argument{
		{name: "category", kind: text, most: 60, about: "Only this category.", example: "toys"},
		{name: "min_price", kind: decimal, about: "In " + s.Currency + ".", example: 5},
		{name: "max_price", kind: decimal, about: "In " + s.Currency + ".", example: 20, also: []string{"price_max"}},
		{name: "in_stock", kind: flag, about: "Only what can be bought now."},
		attributesArgument,
		{name: "sort", kind: text, oneOf: sorts, about: "For “the cheapest” use price_asc with limit 1."},
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
		Phrases: true, Currency: c.Currency, Facets: true,
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
// spells the query's category and attributes as the shop does.
func (p *productPage) read(ctx context.Context, c *call, r *projections.Reader, q *projections.ProductQuery) error {
	*p = productPage{Products: []hit{}}
	if err := c.category(ctx, r, q); err != nil {
		return err
	}
	if err := c.attributes(ctx, r, q); err != nil {
		return err
	}
	if c.given("max_price") && q.MaxPrice == 0 {
		return nil // the query takes 0 for no bound, the caller meant 0
	}
	found, err := r.Products(ctx, *q)
	if err != nil {
		return err
	}
	if fit := fitting(found.Products); fit < len(found.Products) {
		shorter := *q // the next page begins where this one has to end
		shorter.Limit = fit
		if found, err = r.Products(ctx, shorter); err != nil {
			return err
		}
	}
	p.Total, p.NextCursor, p.SearchedFor = found.Total, c.goesOn(found.Next), found.Corrected
	for _, l := range found.Products {
		p.Products = append(p.Products, hitOf(l))
	}
	p.partly, p.without = found.Partly, found.Without
	for _, u := range found.Understood {
		p.Understood = append(p.Understood, understood(u))
	}
	p.Facets = facetsOf(found.Facets, c.Currency)
	if found.Total == 0 && q.Text != "" {
		near, err := r.Nearest(ctx, q.Text, 3)
		p.DidYouMean = suggest(near)
		return err
	}
	return nil
}

// understood is a phrase of the query with what was made of it.
func understood(p projections.Phrase) string {
	return quote(p.Said) + ": " + cmp.Or(p.Means, p.Why)
}

// fitting is how many of the products there is room for.
func fitting(all []projections.Listing) int {
	left := hitRoom
	for i, l := range all {
		if !left.takes(len(encode(hitOf(l)))+1) && i > 0 {
			return i
		}
	}
	return len(all)
}

// category finds the category as it is spelt.
func (c *call) category(ctx context.Context, r *projections.Reader, q *projections.ProductQuery) error {
	if q.Category == "" {
		return nil
	}
	all, err := r.Categories(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.Category
		if strings.EqualFold(k.Category, q.Category) {
			q.Category = k.Category
			return nil
		}
	}
	return notAmong("category", "category", q.Category, names, "")
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
