package catalog

// names holds which product of a file each id, handle and SKU belongs to.
// Models and people name a product by any of the three, so all share one
// space: what one product is called by must not mean another.
type names struct {
	by    map[string]named
	found *faults
}

type named struct {
	line    int
	product int
	what    string
}

func newNames(found *faults) *names { return &names{map[string]named{}, found} }

// add enters a product and tells what an earlier line uses already.
func (n *names) add(row Row) {
	product := len(n.by) // grows with every product, so no two share it
	claim := func(what, name string) {
		if name == "" {
			return // told by the check already
		}
		old, taken := n.by[name]
		if !taken {
			n.by[name] = named{row.Line, product, what}
			return
		}
		switch {
		case old.product == product: // its own id or handle, or a SKU told by the check
		case old.what == what:
			n.found.add(row.Line, what, "%s %q stands on line %d already", what, cut(name), old.line)
		default:
			n.found.add(row.Line, what, "%s %q is the %s of the product on line %d", what, cut(name), old.what, old.line)
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
// the three kinds and returns the id of the product that has it.
func CheckAgainst(rows []Row, existing func(name string) (productID string, found bool)) []Fault {
	var found faults
	for _, row := range rows {
		p := row.Product
		claim := func(what, name string) {
			if owner, taken := existing(name); taken && owner != p.ID {
				found.add(row.Line, what, "%s %q belongs to product %q of the shop; give this one another", what, cut(name), cut(owner))
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
