// Package catalog is what the shop offers: products, their variants and prices.
// It does not know how many pieces there are; stock does.
package catalog

import (
	"slices"
	"strings"

	"till/domain/money"
)

// Product is one thing on offer, in one or more variants.
type Product struct {
	// ID names the product for good ("2"); models and people may use Handle
	// ("catnip-mouse") just as well.
	ID          string   `json:"id"`
	Handle      string   `json:"handle"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Category    string   `json:"category"`
	Tags        []string `json:"tags,omitempty"`
	// Options names what the variants differ in ("size", "colour"); empty for a
	// product with a single variant.
	Options  []string  `json:"options,omitempty"`
	Variants []Variant `json:"variants"`
}

// Variant is what can be put into a cart.
type Variant struct {
	SKU string `json:"sku"`
	// Values are the variant's values of the product's Options, in their order.
	Values []string     `json:"values,omitempty"`
	Price  money.Amount `json:"price"`
}

// Title is the variant in words, "small / grey"; empty for a single variant.
func (v Variant) Title() string { return strings.Join(v.Values, " / ") }

// Bounds of a product, each far beyond what a real one needs.
const (
	MaxTitle       = 200
	MaxDescription = 4000
	MaxVariants    = 100
	MaxOptions     = 3
	MaxTags        = 30
	// MaxPrice in minor units keeps the largest possible cart (50 lines of 99
	// pieces) below 2^53.
	MaxPrice = 1_000_000_000
)

// Equal reports whether both are the same offer. An absent list equals an empty
// one, since JSON does not tell them apart: comparing them as Go values would
// make an import that changes nothing write every product again.
func (p Product) Equal(q Product) bool {
	return p.ID == q.ID && p.Handle == q.Handle && p.Title == q.Title &&
		p.Description == q.Description && p.Category == q.Category &&
		slices.Equal(p.Tags, q.Tags) && slices.Equal(p.Options, q.Options) &&
		slices.EqualFunc(p.Variants, q.Variants, func(v, w Variant) bool {
			return v.SKU == w.SKU && v.Price == w.Price && slices.Equal(v.Values, w.Values)
		})
}
