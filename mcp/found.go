package mcp

import (
	"fmt"
	"slices"
	"strings"

	"till/projections"
)

// say is the page in a sentence and a few lines: what was found, how the query was
// understood, the best of it, and how to narrow it.
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
		return p.sayNothing(q, what)
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
	if len(p.Understood) > 0 {
		t.WriteString(" Understood " + strings.Join(p.Understood, "; ") + ".")
	}
	if p.partly {
		t.WriteString(" None has all the words; these have some." + p.lifting(q))
	}
	for _, h := range p.Products[:min(linesRead, len(p.Products))] {
		h.write(&t)
	}
	if more := len(p.Products) - linesRead; more > 0 {
		fmt.Fprintf(&t, "\nand %d more below", more)
	}
	if p.NextCursor != "" && p.Facets != nil {
		if with := p.Facets.words(); len(with) > 0 {
			t.WriteString("\nNarrow with " + strings.Join(with, ", ") + ".")
		}
	}
	return t.String()
}

// sayNothing says that there is nothing, and what would help.
func (p *productPage) sayNothing(q projections.ProductQuery, what string) string {
	say := "No " + what + "."
	if len(p.Understood) > 0 {
		say += " Understood " + strings.Join(p.Understood, "; ") + "."
	}
	if q.Text != "" {
		p.NextSteps = append(p.NextSteps, "search_products with other or fewer words, or without the filters")
	}
	p.NextSteps = append(p.NextSteps, "list_products for the categories")
	switch lifting := p.lifting(q); {
	case lifting != "":
		say += lifting
	case filters(q) > 1:
		say += " No single filter keeps them out: leave out several."
	}
	if p.without == nil && len(p.DidYouMean) > 0 {
		say += " The nearest is " + p.DidYouMean[0].Use + "."
	}
	return say
}

// lifting says what there would be without one of the filters.
func (p *productPage) lifting(q projections.ProductQuery) string {
	var all []string
	for _, w := range p.without {
		all = append(all, fmt.Sprintf("without %s there are %d", p.argumentOf(w.Filter, q), w.Products))
	}
	if all == nil {
		return ""
	}
	p.NextSteps = slices.Insert(p.NextSteps, 0, "call again "+strings.Replace(all[0], " there are", ":", 1)+" products")
	first := list(all)
	return " " + strings.ToUpper(first[:1]) + first[1:] + "."
}

// argumentOf is the filter as the caller gave it; one that came from the words of
// the query is named like its argument.
func (p *productPage) argumentOf(f projections.Filter, q projections.ProductQuery) string {
	if f != projections.ByPrice {
		return string(f)
	}
	words := strings.Join(p.Understood, " ")
	least := q.MinPrice > 0 || strings.Contains(words, "min_price=")
	most := q.MaxPrice > 0 || strings.Contains(words, "max_price=")
	switch {
	case !most:
		return "min_price"
	case !least:
		return "max_price"
	}
	return "the price bounds"
}

// filters is how many filters the arguments set; both bounds of the price are one.
func filters(q projections.ProductQuery) (n int) {
	for _, set := range []bool{q.Category != "", q.MinPrice > 0 || q.MaxPrice > 0, q.InStock, len(q.Attributes) > 0} {
		if set {
			n++
		}
	}
	return n
}
