package catalog

import "strings"

// names holds which product of a file each id, handle and SKU belongs to.
// Models and people name a product by any of the three and in any case of
// letters, so all share one space: what one product is called by must not mean
// another.
type names struct {
	by    map[name]named
	found *faults
}

// name is what stands for a product, folded as it is looked up.
type name struct{ what, folded string }

type named struct {
	line    int
	product int
	what    string
	spelt   string
}

func newNames(found *faults) *names { return &names{map[name]named{}, found} }

// fold is the name as it is compared: a person who types "tee-s" and one who
// types "TEE-S" mean the same.
func fold(name string) string { return strings.ToLower(name) }

// add enters a product and tells what an earlier line uses already.
func (n *names) add(row Row) {
	product := len(n.by) // grows with every product, so no two share it
	claim := func(what, spelt string) {
		if spelt == "" {
			return // told by the check already
		}
		old, taken := n.taken(what, spelt)
		if !taken || old.product == product && old.what != what {
			// A SKU may be as its own product's id or handle; it is entered too, so
			// that a fault names it as what it is.
			n.by[name{what, fold(spelt)}] = named{row.Line, product, what, spelt}
			return
		}
		as := ""
		if old.spelt != spelt {
			as = " as \"" + cut(old.spelt) + "\"; capital and small letters are the same here"
		}
		switch {
		case old.product == product: // a SKU told by the check
		case old.what == what:
			n.found.add(row.Line, what, "%s %q stands on line %d already%s", what, cut(spelt), old.line, as)
		default:
			n.found.add(row.Line, what, "%s %q is the %s of the product on line %d%s", what, cut(spelt), old.what, old.line, as)
		}
	}
	p := row.Product
	claim("handle", p.Handle)
	if p.ID != p.Handle {
		claim("id", p.ID)
	}
	for _, v := range p.Variants {
		claim("SKU", v.SKU)
	}
}

// taken is who has the name, best as the same kind of name.
func (n *names) taken(what, spelt string) (named, bool) {
	for _, kind := range [...]string{what, "handle", "id", "SKU"} {
		if old, ok := n.by[name{kind, fold(spelt)}]; ok {
			return old, true
		}
	}
	return named{}, false
}

// check tells what is wrong with the row's product. lines, if given, holds the
// line of each variant; the product's own stands in for it otherwise.
func (row Row) check(found *faults, lines []int) {
	for _, f := range row.Product.flaws() {
		line := row.Line
		if f.variant >= 0 && f.variant < len(lines) {
			line = lines[f.variant]
		}
		found.add(line, f.field, "%s", f.text)
	}
}

// CheckAgainst returns a fault for every id, handle and SKU of the rows that
// belongs to another product of the shop. existing looks up a name of any of
// the three kinds, in any case of letters, and returns the id of the product
// that has it.
func CheckAgainst(rows []Row, existing func(name string) (productID string, found bool)) []Fault {
	var found faults
	for _, row := range rows {
		p := row.Product
		claim := func(what, name string) {
			if owner, taken := existing(name); taken && owner != p.ID {
				found.add(row.Line, what, "%s %q belongs to product %q of the shop, capital and small letters being the same; give this one another", what, cut(name), cut(owner))
			}
		}
		claim("handle", p.Handle)
		if p.ID != p.Handle {
			claim("id", p.ID)
		}
		for _, v := range p.Variants {
			claim("SKU", v.SKU)
		}
	}
	return found.all()
}
