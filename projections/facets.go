package projections

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"unique"
)

// Bounds on the facets of a list: the most frequent of each are told.
const (
	maxCategories = 12
	maxAttributes = 3
	maxValues     = 5
)

// Facets count what a list could be narrowed to: each within all filters but its
// own, so that it shows what else there is to choose.
type Facets struct {
	Categories []Count
	// MoreCategories is how many categories are not among them.
	MoreCategories int
	Prices         []Band
	// InStock and OutOfStock count products with and without a variant that can
	// be bought.
	InStock, OutOfStock int
	Attributes          []AttributeCounts
}

// Count is a value and how many products have it.
type Count struct {
	Value    string
	Products int
}

// Band counts products by their lowest price, from From to To in minor units, both
// included; To is 0 where there is no bound.
type Band struct {
	From, To int64
	Products int
}

// AttributeCounts counts the values of an option.
type AttributeCounts struct {
	Name   string
	Values []Count
}

// Without says how many products there would be but for a filter.
type Without struct {
	Filter   Filter
	Products int
}

// Filter names a filter of a product query.
type Filter string

// The filters.
const (
	ByCategory   Filter = "category"
	ByPrice      Filter = "price"
	ByStock      Filter = "in_stock"
	ByAttributes Filter = "attributes"
)

// tally counts the facets.
type tally struct {
	categories map[string]int
	prices     [bounds + 1]int
	in, out    int
	attributes map[unique.Handle[Attribute]]int
	once       []unique.Handle[Attribute] // those of the product that are counted already
}

func newTally() *tally {
	return &tally{categories: map[string]int{}, attributes: map[unique.Handle[Attribute]]int{}}
}

func (t *tally) add(f *filter, i *item, v verdict) {
	if v.price && v.variant {
		t.categories[i.category]++
	}
	if v.category && v.variant {
		n, _ := slices.BinarySearch(rounds[:], i.low+1)
		t.prices[n]++
	}
	if !v.category || !v.price {
		return
	}
	switch {
	case v.free:
		t.in++
	case v.alike:
		t.out++
	}
	t.once = t.once[:0]
	for _, c := range i.variants {
		if f.inStock && !c.free {
			continue
		}
		name, several := f.misses(c)
		if several {
			continue
		}
		for _, a := range c.traits {
			if name != "" && !strings.EqualFold(a.Value().Name, name) || slices.Contains(t.once, a) {
				continue
			}
			respelt := slices.ContainsFunc(t.once, func(b unique.Handle[Attribute]) bool { return sameTrait(a, b) })
			t.once = append(t.once, a)
			if !respelt {
				t.attributes[a]++
			}
		}
	}
}

// sameTrait is whether two attributes are one that is spelt in two ways.
func sameTrait(a, b unique.Handle[Attribute]) bool {
	return strings.EqualFold(a.Value().Name, b.Value().Name) && strings.EqualFold(a.Value().Value, b.Value().Value)
}

// facets returns what was counted.
func (t *tally) facets() *Facets {
	f := &Facets{InStock: t.in, OutOfStock: t.out, Prices: t.bands()}
	for name, n := range t.categories {
		f.Categories = append(f.Categories, Count{name, n})
	}
	f.Categories, f.MoreCategories = frequent(f.Categories, maxCategories)
	f.Attributes = t.options()
	f.Attributes = f.Attributes[:min(maxAttributes, len(f.Attributes))]
	for i := range f.Attributes {
		f.Attributes[i].Values = f.Attributes[i].Values[:min(maxValues, len(f.Attributes[i].Values))]
	}
	return f
}

// options are all attributes that were counted. Spellings that differ only in case
// are one; the most frequent is shown.
func (t *tally) options() []AttributeCounts {
	names, values := map[string][]Count{}, map[string]map[string][]Count{}
	for a, n := range t.attributes {
		name, value := strings.ToLower(a.Value().Name), strings.ToLower(a.Value().Value)
		names[name] = append(names[name], Count{a.Value().Name, n})
		if values[name] == nil {
			values[name] = map[string][]Count{}
		}
		values[name][value] = append(values[name][value], Count{a.Value().Value, n})
	}
	var all []AttributeCounts
	reach := map[string]int{}
	for name, spellings := range names {
		one := AttributeCounts{Name: merged(spellings).Value}
		reach[one.Name] = merged(spellings).Products
		for _, spellings := range values[name] {
			one.Values = append(one.Values, merged(spellings))
		}
		one.Values, _ = frequent(one.Values, len(one.Values))
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b AttributeCounts) int {
		return cmp.Or(cmp.Compare(reach[b.Name], reach[a.Name]), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// merged is the most frequent spelling with the number of all.
func merged(spellings []Count) Count {
	best, _ := frequent(spellings, 1)
	one := Count{Value: best[0].Value}
	for _, c := range spellings {
		one.Products += c.Products
	}
	return one
}

// frequent returns the n with most products and how many are left out.
func frequent(all []Count, n int) ([]Count, int) {
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Products, a.Products), cmp.Compare(a.Value, b.Value))
	})
	n = min(n, len(all))
	return all[:n], len(all) - n
}

// bounds is how many round prices there are, nine in each power of ten.
const bounds = 9 * 10

// rounds are the prices at which bands may begin, in minor units.
var rounds = func() (all [bounds]int64) {
	for i := range all {
		digits := [...]float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8}
		all[i] = int64(math.Ceil(digits[i%9] * math.Pow10(i/9)))
	}
	return all
}()

// bands cuts the prices into at most four, of about as many products each, at
// round prices.
func (t *tally) bands() []Band {
	total := 0
	for _, n := range t.prices {
		total += n
	}
	var cuts []int // indices of rounds, each the first of a band
	for quarter := 1; quarter <= 3; quarter++ {
		best, off, below := -1, total, 0
		for i := range rounds {
			below += t.prices[i] // all under rounds[i]
			if d := max(4*below-quarter*total, quarter*total-4*below); below > 0 && below < total && d < 4*off {
				best, off = i, (d+3)/4
			}
		}
		if best >= 0 && (len(cuts) == 0 || cuts[len(cuts)-1] < best) {
			cuts = append(cuts, best)
		}
	}
	if len(cuts) == 0 {
		return nil
	}
	var all []Band
	from, next := int64(0), 0
	for _, cut := range append(cuts, bounds) {
		b := Band{From: from}
		for ; next <= cut; next++ {
			b.Products += t.prices[next]
		}
		if cut < bounds {
			b.To, from = rounds[cut]-1, rounds[cut]
		}
		all = append(all, b)
	}
	return all
}

// Attributes returns the options of all products on offer with their values, the
// most frequent first.
func (r *Reader) Attributes(ctx context.Context) ([]AttributeCounts, error) {
	s, err := r.shelf(ctx)
	if err != nil {
		return nil, err
	}
	t, everything := newTally(), &filter{}
	for _, i := range s.items {
		if i != nil && !i.withdrawn {
			t.add(everything, i, everything.judge(i))
		}
	}
	return t.options(), nil
}
