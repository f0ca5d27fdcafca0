// Package catalog is what the shop offers: products, their variants and prices.
// It does not know how many pieces there are; stock does.
package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

// ErrProduct: a product that cannot be offered; the text says what to mend.
var ErrProduct = errors.New("catalog: invalid product")

var (
	idForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$`)
	handleForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`)
	skuForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/#+ -]{0,58}[A-Za-z0-9._/#+-]$|^[A-Za-z0-9]$`)
)

// Check returns everything that is wrong with the product, each an ErrProduct.
func (p Product) Check() []error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrProduct}, args...)...))
	}
	if !idForm.MatchString(p.ID) {
		fault("id %q must be 1 to 80 letters, digits, - or _", cut(p.ID))
	}
	if !handleForm.MatchString(p.Handle) {
		fault("handle %q must be 1 to 100 lower-case letters, digits or -", cut(p.Handle))
	}
	text := func(name, s string, least, most int) {
		if n := utf8.RuneCountInString(s); n < least || n > most {
			fault("%s must have %d to %d characters, it has %d", name, least, most, n)
		}
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			fault("%s must be plain text", name)
		}
	}
	text("title", p.Title, 1, MaxTitle)
	text("description", p.Description, 0, MaxDescription)
	text("category", p.Category, 1, 60)
	if len(p.Tags) > MaxTags || slices.ContainsFunc(p.Tags, func(s string) bool { return s == "" || len(s) > 60 }) {
		fault("at most %d tags of 1 to 60 characters", MaxTags)
	}
	if len(p.Options) > MaxOptions || slices.ContainsFunc(p.Options, func(s string) bool { return s == "" || len(s) > 60 }) {
		fault("at most %d options, each with a name of at most 60 characters", MaxOptions)
	}
	if len(p.Variants) == 0 || len(p.Variants) > MaxVariants {
		fault("a product has 1 to %d variants, this one has %d", MaxVariants, len(p.Variants))
	}
	skus, values := map[string]bool{}, map[string]bool{}
	for _, v := range p.Variants {
		if !skuForm.MatchString(v.SKU) {
			fault("SKU %q must be 1 to 60 letters, digits or . _ / # + -", cut(v.SKU))
		}
		if skus[v.SKU] {
			fault("SKU %q occurs twice", v.SKU)
		}
		skus[v.SKU] = true
		if err := v.Price.Check(); err != nil {
			fault("SKU %q: %v", cut(v.SKU), err)
		} else if v.Price.Minor < 0 || v.Price.Minor > MaxPrice {
			fault("SKU %q: the price must be 0 to %s", cut(v.SKU), money.Of(MaxPrice, v.Price.Currency))
		}
		if v.Price.Currency != p.Variants[0].Price.Currency {
			fault("SKU %q: one product has one currency", cut(v.SKU))
		}
		if len(v.Values) != len(p.Options) {
			fault("SKU %q needs a value for each of the %d options", cut(v.SKU), len(p.Options))
		}
		if slices.ContainsFunc(v.Values, func(s string) bool { return s == "" || len(s) > 60 }) {
			fault("SKU %q: an option's value has 1 to 60 characters", cut(v.SKU))
		}
		if key := strings.Join(v.Values, "\x00"); values[key] {
			fault("SKU %q repeats the options of another variant", cut(v.SKU))
		} else {
			values[key] = true
		}
	}
	return faults
}

// cut bounds foreign text in an error.
func cut(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
