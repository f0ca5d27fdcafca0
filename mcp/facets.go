package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"till/domain/money"
	"till/projections"
)

// facetRoom bounds the facets in bytes; only categories and options with the
// longest names come there.
const facetRoom = 2400

// facets are what a list can be narrowed to, each value with the number of
// products. What would not narrow it is left out.
type facets struct {
	Category       counts         `json:"category,omitempty"`
	MoreCategories int            `json:"more_categories,omitempty"`
	Price          []band         `json:"price,omitempty"`
	Stock          *availability  `json:"stock,omitempty"`
	Attributes     attributeFacet `json:"attributes,omitempty"`
}

// band is a range of prices in the arguments' own names.
type band struct {
	Min      json.Number `json:"min_price,omitempty"`
	Max      json.Number `json:"max_price,omitempty"`
	Products int         `json:"products"`
}

type availability struct {
	In  int `json:"in_stock"`
	Out int `json:"out_of_stock"`
}

// counts is written as one object, the most frequent first.
type counts []projections.Count

// attributeFacet is an object of objects: {"size":{"L":4,"M":3}}.
type attributeFacet []projections.AttributeCounts

// MarshalJSON implements json.Marshaler.
func (c counts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range c {
		fmt.Fprintf(&b, "%c%s:%d", separator(i), encode(one.Value), one.Products)
	}
	return append(b.Bytes(), '}'), nil
}

// MarshalJSON implements json.Marshaler.
func (a attributeFacet) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range a {
		values, _ := counts(one.Values).MarshalJSON()
		fmt.Fprintf(&b, "%c%s:%s", separator(i), encode(one.Name), values)
	}
	return append(b.Bytes(), '}'), nil
}

func separator(i int) byte {
	if i == 0 {
		return '{'
	}
	return ','
}

// facetsOf words the facets; nil when there is nothing to narrow.
func facetsOf(found *projections.Facets, currency string) *facets {
	if found == nil {
		return nil
	}
	f := &facets{}
	if len(found.Categories) > 1 {
		f.Category, f.MoreCategories = found.Categories, found.MoreCategories
	}
	for _, b := range found.Prices {
		one := band{Products: b.Products}
		if b.From > 0 {
			one.Min = json.Number(money.Of(b.From, currency).Decimal())
		}
		if b.To > 0 {
			one.Max = json.Number(money.Of(b.To, currency).Decimal())
		}
		f.Price = append(f.Price, one)
	}
	if found.InStock > 0 && found.OutOfStock > 0 {
		f.Stock = &availability{found.InStock, found.OutOfStock}
	}
	for _, a := range found.Attributes {
		if len(a.Values) > 1 {
			f.Attributes = append(f.Attributes, a)
		}
	}
	for len(encode(f)) > facetRoom {
		if n := len(f.Attributes); n > 0 {
			f.Attributes = f.Attributes[:n-1]
			continue
		}
		half := len(f.Category) / 2
		f.MoreCategories += len(f.Category) - half
		f.Category = f.Category[:half]
	}
	if f.Category == nil && f.Price == nil && f.Stock == nil && f.Attributes == nil {
		return nil
	}
	return f
}

// words are the arguments that narrow the list, with the first values.
func (f *facets) words() []string {
	var with []string
	if n := len(f.Category); n > 0 {
		var some []string
		for _, c := range f.Category[:min(3, n)] {
			some = append(some, fmt.Sprintf("%s %d", clip(c.Value, 60), c.Products))
		}
		if n > 3 {
			some = append(some, "…")
		}
		with = append(with, "category ("+strings.Join(some, ", ")+")")
	}
	if f.Price != nil {
		with = append(with, "max_price")
	}
	if f.Stock != nil {
		with = append(with, "in_stock")
	}
	if f.Attributes != nil {
		var names []string
		for _, a := range f.Attributes {
			names = append(names, clip(a.Name, 60))
		}
		slices.Sort(names)
		with = append(with, "attributes ("+strings.Join(names, ", ")+")")
	}
	return with
}
