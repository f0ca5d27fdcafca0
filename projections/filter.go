package projections

import (
	"strings"
)

// filter is what a product must be, apart from the words.
type filter struct {
	category string // in lower case
	min, max int64
	inStock  bool
	// attributes are the values that are wanted, by the option's name; one of
	// each name must fit. There are a few.
	attributes []wanted
}

type wanted struct {
	name   string
	values []string
}

func filterOf(q ProductQuery) *filter {
	f := &filter{strings.ToLower(strings.TrimSpace(q.Category)), q.MinPrice, q.MaxPrice, q.InStock, nil}
next:
	for _, a := range q.Attributes {
		for i := range f.attributes {
			if strings.EqualFold(f.attributes[i].name, a.Name) {
				f.attributes[i].values = append(f.attributes[i].values, a.Value)
				continue next
			}
		}
		f.attributes = append(f.attributes, wanted{a.Name, []string{a.Value}})
	}
	return f
}

// verdict is which filters a product passes.
type verdict struct {
	category, price bool
	// variant: one and the same variant has the attributes and the stock that are
	// asked for.
	variant bool
	// alike: one has the attributes; free: and can be bought; sold: one has the
	// stock that is asked for.
	alike, free, sold bool
}

func (v verdict) passes() bool { return v.category && v.price && v.variant }

func (f *filter) judge(i *item) verdict {
	v := verdict{
		category: f.category == "" || strings.EqualFold(i.category, f.category),
		price:    i.low >= f.min && (f.max <= 0 || i.low <= f.max),
	}
	for _, c := range i.variants {
		has := true
		if f.attributes != nil {
			name, _ := f.misses(c)
			has = name == ""
		}
		v.alike = v.alike || has
		v.free = v.free || has && c.free
		v.sold = v.sold || c.free
	}
	v.variant = v.alike
	if f.inStock {
		v.variant = v.free
	}
	v.sold = v.sold || !f.inStock
	return v
}

// misses names an attribute that the variant does not have as it is asked for;
// several is whether there are more than one.
func (f *filter) misses(c choice) (name string, several bool) {
	for _, w := range f.attributes {
		if w.fits(c) {
			continue
		}
		if name != "" {
			return name, true
		}
		name = w.name
	}
	return name, false
}

func (w wanted) fits(c choice) bool {
	for _, a := range c.traits {
		if !strings.EqualFold(a.Value().Name, w.name) {
			continue
		}
		for _, value := range w.values {
			if strings.EqualFold(a.Value().Value, value) {
				return true
			}
		}
	}
	return false
}

// lacking counts what there would be without each of the filters.
type lacking map[Filter]int

func (l lacking) add(f *filter, v verdict) {
	if f.category != "" && v.price && v.variant {
		l[ByCategory]++
	}
	if (f.min > 0 || f.max > 0) && v.category && v.variant {
		l[ByPrice]++
	}
	if f.inStock && v.category && v.price && v.alike {
		l[ByStock]++
	}
	if f.attributes != nil && v.category && v.price && v.sold {
		l[ByAttributes]++
	}
}

// list returns the filters whose absence would show something, in a fixed order.
func (l lacking) list() []Without {
	var all []Without
	for _, f := range []Filter{ByPrice, ByStock, ByAttributes, ByCategory} {
		if l[f] > 0 {
			all = append(all, Without{f, l[f]})
		}
	}
	return all
}
