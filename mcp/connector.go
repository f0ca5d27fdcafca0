package mcp

import (
	"context"
	"fmt"
	"strings"

	"till/domain/eventlog"
	"till/projections"
)

// research is what search answers. The shapes of search and fetch are those that
// ChatGPT's connectors and deep research ask for, and hold nothing else: no
// as_of, and a text that is the JSON alone.
type research struct {
	Results []source `json:"results"`
	asAsked
}

// source is something that fetch shows in full and that an answer may cite.
type source struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// document is one product as a text.
type document struct {
	source
	Text     string   `json:"text"`
	Metadata metadata `json:"metadata"`
	asAsked
}

// asAsked is content without as_of.
type asAsked struct{}

func (asAsked) include(eventlog.Position) {}

// metadata is what is worth knowing about a document without reading it.
type metadata struct {
	Category string `json:"category"`
	Price    string `json:"price"`
	Stock    string `json:"stock"`
}

// connectorTools are the two tools that ChatGPT's connector looks for. Only a
// shop that is told to has them: beside search_products and get_product a model
// would have to choose between two ways of doing the same.
func (s *Server) connectorTools() []tool {
	if !s.Connector {
		return nil
	}
	return []tool{
		{
			name: "search", title: "Search",
			about:  "Use this when you research the shop's products by words. Example: {\"query\": \"warm bed\"}. Returns ids for fetch, with titles and addresses to cite.",
			args:   []argument{{name: "query", kind: text, most: 200, required: true, about: "Words to look for.", example: "warm bed", also: []string{"q"}}},
			output: research{}, reads: true, time: readTime, run: searchSources,
		},
		{
			name: "fetch", title: "Fetch",
			about:  "Use this when you need a result of search in full. Example: {\"id\": \"catnip-mouse\"}. Returns the product's text, price and stock.",
			args:   []argument{{name: "id", kind: text, most: 100, required: true, about: "From search.", example: "catnip-mouse"}},
			output: document{}, reads: true, time: readTime, run: fetchSource,
		},
	}
}

func searchSources(ctx context.Context, c *call) (answer, error) {
	words := c.text("query")
	if !hasWords(words) {
		return answer{}, invalid("query", "query must hold words to look for, such as \"warm bed\".")
	}
	var found *research
	err := c.read(ctx, func(r *projections.Reader) error {
		found = &research{Results: []source{}}
		page, err := r.Products(ctx, projections.ProductQuery{Text: words, Limit: pageOf})
		if err != nil {
			return err
		}
		near := page.Products
		if len(near) == 0 {
			if near, err = r.Nearest(ctx, words, 3); err != nil {
				return err
			}
		}
		for _, l := range near {
			found.Results = append(found.Results, c.source(l))
		}
		return nil
	})
	return answer{body: found}, err
}

func fetchSource(ctx context.Context, c *call) (answer, error) {
	var d *document
	err := c.read(ctx, func(r *projections.Reader) error {
		l, sku, err := find(ctx, r, c.text("id"))
		if err == nil {
			d = c.document(l, sku)
		}
		return err
	})
	return answer{body: d}, err
}

func (s *Server) source(l projections.Listing) source {
	return source{ID: l.Handle, Title: clip(l.Title, 120), URL: s.PublicURL.JoinPath(productPages, l.Handle).String()}
}

func (s *Server) document(l projections.Listing, sku string) *document {
	p := productOf(l, sku)
	d := &document{source: s.source(l), Metadata: metadata{Category: p.Category, Price: p.cost(), Stock: p.stock()}}
	var t strings.Builder
	fmt.Fprintf(&t, "%s. %s, %s.", p.Title, d.Metadata.Price, d.Metadata.Stock)
	if p.Description != "" {
		t.WriteString("\n\n" + p.Description)
	}
	if len(p.Variants) > 1 {
		t.WriteString("\n\nVariants (" + strings.Join(p.Options, ", ") + "):")
		for _, v := range p.Variants {
			fmt.Fprintf(&t, "\n%s: %s, %s, %s", v.SKU, v.Title, v.Price.Display, spokenStock(v.Availability))
		}
		if p.VariantsOmitted > 0 {
			fmt.Fprintf(&t, "\nand %d more", p.VariantsOmitted)
		}
	}
	d.Text = t.String()
	return d
}
