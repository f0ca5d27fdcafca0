package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"till/domain/catalog"
	"till/projections"
)

// Bounds on one product's answer, so that it stays below 20 KB.
const (
	variantsTold    = 40
	descriptionTold = 2500
	lowStock        = 5
)

var productArgument = argument{
	name: "product", kind: text, most: 100, required: true, example: "catnip-mouse",
	about: "Id, handle or SKU.", also: []string{"product_id", "id", "handle", "sku"},
}

// product is one product in full.
type product struct {
	ID              string    `json:"id"`
	Handle          string    `json:"handle"`
	Title           string    `json:"title"`
	Category        string    `json:"category"`
	Description     string    `json:"description"`
	Tags            []string  `json:"tags,omitempty"`
	Options         []string  `json:"options,omitempty" about:"what the variants differ in"`
	Price           price     `json:"price" about:"the lowest of its variants"`
	PriceTo         *price    `json:"price_to,omitempty"`
	InStock         bool      `json:"in_stock"`
	Variants        []variant `json:"variants"`
	VariantsOmitted int       `json:"variants_omitted,omitempty"`
	Matched         string    `json:"matched_sku,omitempty"`
	Withdrawn       bool      `json:"withdrawn,omitempty" about:"no longer sold"`
	NextSteps       []string  `json:"next_steps"`
	included
}

// variant is what can be put into a cart.
type variant struct {
	SKU          string   `json:"sku"`
	Title        string   `json:"title,omitempty"`
	Values       []string `json:"values,omitempty"`
	Price        price    `json:"price"`
	Availability string   `json:"availability" one:"in_stock|low|out"`
	Left         *int     `json:"left,omitempty"`
}

func getProduct(ctx context.Context, c *call) (answer, error) {
	var p *product
	err := c.read(ctx, func(r *projections.Reader) error {
		l, sku, err := find(ctx, r, c.text("product"))
		if err == nil {
			p = productOf(l, sku)
		}
		return err
	})
	if err != nil {
		return answer{}, err
	}
	return answer{fmt.Sprintf("%s (%s): %s, %s.", p.Title, p.Handle, p.cost(), p.stock()), p}, nil
}

// cost is the product's price in words, stock whether it can be had.
func (p *product) cost() string {
	if p.PriceTo != nil {
		return p.Price.Display + " to " + p.PriceTo.Display
	}
	return p.Price.Display
}

func (p *product) stock() string {
	switch {
	case p.Withdrawn:
		return "no longer sold"
	case !p.InStock:
		return "out of stock"
	}
	return "in stock"
}

// find returns the product that a model names, or the nearest ones as a problem.
func find(ctx context.Context, r *projections.Reader, ref string) (projections.Listing, string, error) {
	l, sku, ok, err := r.Product(ctx, ref)
	if err != nil || ok {
		return l, sku, err
	}
	near, err := r.Nearest(ctx, ref, 3)
	if err != nil {
		return l, "", err
	}
	p := &problem{
		Code: "unknown_product", Field: "product", Suggestions: suggest(near),
		Message:   fmt.Sprintf("There is no product with the id, handle or SKU %s.", quote(ref)),
		NextTools: []string{"search_products", "list_products"},
	}
	if len(near) > 0 {
		names := make([]string, len(near))
		for i, s := range p.Suggestions {
			names[i] = s.Use
		}
		p.Message += " The nearest are " + list(names) + "."
	}
	return l, "", p
}

func productOf(l projections.Listing, sku string) *product {
	h := hitOf(l)
	p := &product{
		ID: l.ID, Handle: l.Handle, Title: l.Title, Category: l.Category,
		Description: clip(l.Description, descriptionTold), Tags: l.Tags, Options: l.Options,
		Price: h.Price, PriceTo: h.PriceTo, InStock: h.InStock && !l.Withdrawn,
		Matched: sku, Withdrawn: l.Withdrawn,
	}
	left := wholeRoom
	for i, v := range l.Variants {
		// Beyond the bounds only the one that was asked for is told.
		fits := left.takes(170 + len(v.SKU) + 2*len(v.Title()))
		if v.SKU != sku && (!fits || len(p.Variants) >= variantsTold) {
			p.VariantsOmitted++
			continue
		}
		p.Variants = append(p.Variants, variantOf(l, i))
	}
	switch {
	case l.Withdrawn:
		p.NextSteps = []string{"search_products for something else"}
	case !p.InStock:
		p.NextSteps = []string{"search_products with in_stock for something that can be bought now"}
	case len(l.Variants) > 1:
		p.NextSteps = []string{"add_to_cart with the SKU of the variant that the person wants"}
	default:
		p.NextSteps = []string{"add_to_cart with product " + l.Handle}
	}
	return p
}

func variantOf(l projections.Listing, i int) variant {
	v := variant{
		SKU: l.Variants[i].SKU, Title: l.Variants[i].Title(), Values: l.Variants[i].Values,
		Price: priced(l.Variants[i].Price), Availability: "in_stock",
	}
	n := 0
	if i < len(l.Available) && !l.Withdrawn {
		n = l.Available[i]
	}
	switch {
	case n <= 0:
		v.Availability = "out"
	case n <= lowStock:
		v.Availability, v.Left = "low", &n
	}
	return v
}

func spokenStock(availability string) string { return strings.ReplaceAll(availability, "_", " ") }

// choose returns the index of the one variant that is meant: the SKU that the
// product was named by, the only one there is, or the one that the words fit.
func choose(l projections.Listing, sku, words string) (int, error) {
	var fit []int
	for i, v := range l.Variants {
		if (sku == "" || v.SKU == sku) && fits(v, words) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 1 {
		return fit[0], nil
	}
	p := &problem{Code: "variant_required", Field: "variant", NextTools: []string{"get_product"}}
	p.Message = fmt.Sprintf("%s comes in %d variants; nothing was changed. Send the SKU of one as product.", l.Title, len(l.Variants))
	if len(fit) == 0 {
		p.Code = "unknown_variant"
		p.Message = fmt.Sprintf("%s has no variant %s; nothing was changed. Send the SKU of one of these as product.", l.Title, quote(words))
		for i := range l.Variants {
			fit = append(fit, i)
		}
	}
	for _, i := range fit[:min(len(fit), 20)] {
		v := variantOf(l, i)
		about := []string{v.Title, v.Price.Display, spokenStock(v.Availability)}
		if v.Title == "" {
			about = about[1:]
		}
		p.Suggestions = append(p.Suggestions, suggestion{v.SKU, strings.Join(about, ", ")})
	}
	return 0, p
}

// fits is whether the words name the variant: by SKU, or by each of the words
// being one of its values.
func fits(v catalog.Variant, words string) bool {
	return fitsText(v.SKU, v.Title(), words)
}

func fitsText(sku, title, words string) bool {
	if words == "" || strings.EqualFold(words, sku) || strings.EqualFold(words, title) {
		return true
	}
	asked := cutValues(words)
	for _, w := range asked {
		if !slices.Contains(cutValues(title), w) {
			return false
		}
	}
	return len(asked) > 0
}

// cutValues cuts "Small / grey" and "grey, small" into lower-case values.
func cutValues(s string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '/' || r == ',' || r == ';' }) {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}
