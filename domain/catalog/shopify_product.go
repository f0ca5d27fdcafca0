package catalog

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"till/domain/money"
)

// product turns the records of one product into a row; lines holds the line of
// each variant.
func (s *shopReader) product(group []shopRecord) (row Row, lines []int) {
	first := group[0]
	handle := slug(first.handle)
	p := Product{
		ID: handle, Handle: handle,
		Title:       strings.Join(strings.Fields(s.columns.of(first.fields, "title")), " "),
		Description: plainText(s.columns.of(first.fields, "description")),
		Category:    s.category(first.fields),
		Tags:        s.tags(first.fields),
	}
	row = Row{Line: first.line, Stock: map[string]*int{}}
	for n := 1; n <= MaxOptions; n++ {
		if name := s.columns.option(first.fields, n, "name"); name != "" && len(p.Options) == n-1 {
			p.Options = append(p.Options, name)
		}
	}
	for _, r := range group {
		if s.isVariant(r.fields) {
			v, pieces := s.variant(p, r)
			p.Variants = append(p.Variants, v)
			row.Stock[v.SKU] = pieces
			lines = append(lines, r.line)
		}
	}
	// This is how Shopify writes a product without a choice.
	if len(p.Variants) == 1 && slices.Equal(p.Variants[0].Values, []string{"Default Title"}) {
		p.Options, p.Variants[0].Values = nil, nil
	}
	row.Product = p
	return row, lines
}

// isVariant tells a variant's row from one that only adds a picture.
func (s *shopReader) isVariant(fields []string) bool {
	for _, column := range []string{"price", "sku", "option1 value", "option2 value", "option3 value"} {
		if s.columns.of(fields, column) != "" {
			return true
		}
	}
	return false
}

// category is the merchant's own type, or the last step of Shopify's path
// "Animals & Pet Supplies > Pet Supplies > Cat Supplies".
func (s *shopReader) category(fields []string) string {
	if kind := s.columns.of(fields, "type"); kind != "" {
		return kind
	}
	path := strings.Split(s.columns.of(fields, "category"), ">")
	if leaf := strings.TrimSpace(path[len(path)-1]); leaf != "" {
		return leaf
	}
	return "other"
}

// tags are the file's tags and the vendor, so that a search for a brand finds it.
func (s *shopReader) tags(fields []string) []string {
	var tags []string
	add := func(tag string) {
		tag = strings.TrimSpace(tag)
		if tag != "" && !slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, tag) }) {
			tags = append(tags, tag)
		}
	}
	for tag := range strings.SplitSeq(s.columns.of(fields, "tags"), ",") {
		add(tag)
	}
	if vendor := s.columns.of(fields, "vendor"); len(tags) < MaxTags && len(vendor) <= maxLabel {
		add(vendor)
	}
	return tags
}

// variant reads one variant and how many pieces of it there are.
func (s *shopReader) variant(p Product, r shopRecord) (Variant, *int) {
	var v Variant
	for n := 1; n <= MaxOptions; n++ {
		value := s.columns.option(r.fields, n, "value")
		switch {
		case n <= len(p.Options):
			v.Values = append(v.Values, value)
		case value != "":
			s.found.add(r.line, fmt.Sprintf("Option%d Value", n), "the value %q has no option: Option%d Name is missing in the product's first row", cut(value), n)
		}
	}
	// A leading apostrophe is how spreadsheets are told to keep 0012 a text.
	v.SKU = strings.TrimPrefix(s.columns.of(r.fields, "sku"), "'")
	if v.SKU == "" {
		v.SKU = madeSKU(p, v)
	}
	price, why := parsePrice(s.columns.of(r.fields, "price"), s.currency)
	if why != "" {
		s.found.add(r.line, "Price", "%s", why)
		price = money.Of(0, s.currency)
	}
	v.Price = price
	return v, s.pieces(r)
}

// pieces is the count of pieces, nil where the shop did not keep one or sold on
// without any left.
func (s *shopReader) pieces(r shopRecord) *int {
	text := s.columns.of(r.fields, "quantity")
	untracked := s.columns.has("tracker") && s.columns.of(r.fields, "tracker") == ""
	switch strings.ToLower(s.columns.of(r.fields, "oversell")) {
	case "continue", "true":
		untracked = true
	}
	if text == "" || untracked {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > MaxStock {
		s.found.add(r.line, "Inventory Quantity", "the quantity %q is not a whole number up to %d", cut(text), MaxStock)
		return nil
	}
	n = max(n, 0) // below zero it had sold more than there was
	return &n
}

// madeSKU is a SKU for a variant that the file gives none: the handle and the
// option values, the same at every import. One that would be too long, or
// whose values leave nothing readable, ends in a hash of them.
func madeSKU(p Product, v Variant) string {
	parts, lost := []string{strings.ToUpper(p.Handle)}, false
	for _, value := range v.Values {
		if value == "Default Title" {
			continue
		}
		part := strings.ToUpper(slug(value))
		if lost = lost || part == ""; part != "" {
			parts = append(parts, part)
		}
	}
	sku := strings.Join(parts, "-")
	taken := slices.ContainsFunc(p.Variants, func(w Variant) bool { return fold(w.SKU) == fold(sku) })
	if len(sku) <= 60 && !lost && !taken {
		return sku
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.Handle + "\x00" + strings.Join(v.Values, "\x00"))) // never fails
	return fmt.Sprintf("%s-%08X", strings.TrimRight(sku[:min(len(sku), 50)], "-"), h.Sum32())
}

// slug is the text as a handle: lower-case letters and digits, everything else
// one dash.
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimRight(b.String(), "-")
}
