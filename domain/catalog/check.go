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

// ErrProduct: a product that cannot be offered; the text says what to mend.
var ErrProduct = errors.New("catalog: invalid product")

var (
	idForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	handleForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`)
	skuForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/#+ -]{0,58}[A-Za-z0-9._/#+-]$|^[A-Za-z0-9]$`)
)

// Check returns everything that is wrong with the product, each an ErrProduct.
func (p Product) Check() []error {
	var faults []error
	for _, f := range p.flaws() {
		faults = append(faults, fmt.Errorf("%w: %s", ErrProduct, f.text))
	}
	return faults
}

// flaw is one thing wrong with a product, with its place, so that an import
// can name the row that holds it.
type flaw struct {
	field   string
	variant int // index, -1 for the product itself
	text    string
}

func (p Product) flaws() []flaw {
	var found []flaw
	at := -1
	fault := func(field, format string, args ...any) {
		found = append(found, flaw{field, at, fmt.Sprintf(format, args...)})
	}
	// Every handle is a good id: where both are the same, one fault says it.
	if p.ID != p.Handle && !idForm.MatchString(p.ID) {
		fault("id", "id %q must be 1 to 100 letters, digits, - or _", cut(p.ID))
	}
	if !handleForm.MatchString(p.Handle) {
		fault("handle", "handle %q must be 1 to 100 lower-case letters, digits or -", cut(p.Handle))
	}
	text := func(name, s string, least, most int) {
		if n := utf8.RuneCountInString(s); n < least || n > most {
			fault(name, "%s must have %d to %d characters, it has %d", name, least, most, n)
		}
		if !plain(s, name == "description") {
			fault(name, "%s must be plain text without control or invisible characters", name)
		}
	}
	text("title", p.Title, 1, MaxTitle)
	text("description", p.Description, 0, MaxDescription)
	text("category", p.Category, 1, maxLabel)
	if len(p.Tags) > MaxTags || slices.ContainsFunc(p.Tags, notLabel) {
		fault("tags", "at most %d tags of 1 to %d bytes of plain text", MaxTags, maxLabel)
	}
	if len(p.Options) > MaxOptions || slices.ContainsFunc(p.Options, notLabel) {
		fault("options", "at most %d options, each with a name of 1 to %d bytes of plain text", MaxOptions, maxLabel)
	}
	if len(p.Variants) == 0 || len(p.Variants) > MaxVariants {
		fault("variants", "a product has 1 to %d variants, this one has %d", MaxVariants, len(p.Variants))
	}
	skus, values := map[string]string{}, map[string]bool{}
	for i, v := range p.Variants {
		at = i
		if !skuForm.MatchString(v.SKU) {
			fault("sku", "SKU %q must be 1 to 60 letters, digits or . _ / # + -", cut(v.SKU))
		}
		switch first, twice := skus[fold(v.SKU)]; {
		case twice && first == v.SKU:
			fault("sku", "SKU %q occurs twice", cut(v.SKU))
		case twice:
			fault("sku", "SKU %q occurs already as %q; capital and small letters are the same here", cut(v.SKU), cut(first))
		}
		skus[fold(v.SKU)] = v.SKU
		if err := v.Price.Check(); err != nil {
			fault("price", "SKU %q: %v", cut(v.SKU), err)
		} else if v.Price.Minor < 0 || v.Price.Minor > MaxPrice {
			fault("price", "SKU %q: the price must be 0 to %s", cut(v.SKU), money.Of(MaxPrice, v.Price.Currency))
		}
		if v.Price.Currency != p.Variants[0].Price.Currency {
			fault("price", "SKU %q: one product has one currency", cut(v.SKU))
		}
		if len(v.Values) != len(p.Options) {
			fault("values", "SKU %q needs a value for each of the %d options", cut(v.SKU), len(p.Options))
		}
		if slices.ContainsFunc(v.Values, notLabel) {
			fault("values", "SKU %q: an option's value has 1 to %d bytes of plain text", cut(v.SKU), maxLabel)
		}
		key := strings.Join(v.Values, "\x00")
		if values[key] {
			fault("values", "SKU %q repeats the options of another variant", cut(v.SKU))
		}
		values[key] = true
	}
	return found
}

// maxLabel bounds a category (in characters), a tag, an option's name and an
// option's value (in bytes).
const maxLabel = 60

func notLabel(s string) bool { return s == "" || len(s) > maxLabel || !plain(s, false) }

// plain reports whether the text is valid UTF-8 that shows what it holds.
// Besides control characters it refuses those that hide text from a person but
// not from a model: the direction overrides and the invisible tag letters.
func plain(s string, lines bool) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !(lines && r == '\n') || hidden(r)
	})
}

func hidden(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r >= 0xE0000 && r <= 0xE007F
}

// cut bounds foreign text in an error.
func cut(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
