package mcp

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"till/projections"
)

// maxAttributesGiven bounds how many values may be asked for.
const maxAttributesGiven = 12

// attributesArgument is one text, since clients differ in what else they take; a
// list or an object of texts is understood as well.
var attributesArgument = argument{
	name: "attributes", kind: text, most: 300, flattens: true, example: "colour=grey, size=L",
	about: "Options, such as \"colour=grey, size=L\".", also: []string{"options"},
}

// attributes reads the argument and spells it as the shop does.
func (c *call) attributes(ctx context.Context, r *projections.Reader, q *projections.ProductQuery) error {
	q.Attributes = nil
	given := c.text("attributes")
	if given == "" {
		return nil
	}
	pairs, ok := pairsOf(given)
	if !ok {
		return invalid("attributes", "attributes must be names with values, such as %s.", attributesArgument.sample())
	}
	if len(pairs) > maxAttributesGiven {
		return invalid("attributes", "attributes may hold %d values at most.", maxAttributesGiven)
	}
	all, err := r.Attributes(ctx)
	if err != nil {
		return err
	}
	for n := 0; n < len(pairs); n++ {
		p := pairs[n]
		i := slices.IndexFunc(all, func(a projections.AttributeCounts) bool { return sameName(a.Name, p.Name) })
		if i < 0 {
			names := make([]string, len(all))
			for i, a := range all {
				names[i] = a.Name
			}
			return notAmong("attributes", "attribute", p.Name, names, "")
		}
		values := make([]string, len(all[i].Values))
		for j, v := range all[i].Values {
			values[j] = v.Value
		}
		j, more := valueAmong(values, pairs[n:])
		if j < 0 {
			return notAmong("attributes", all[i].Name, p.Value, values, all[i].Name+"=")
		}
		n += more
		q.Attributes = append(q.Attributes, projections.Attribute{Name: all[i].Name, Value: values[j]})
	}
	return nil
}

// valueAmong finds the value that the pairs begin with, -1 for none, and how many more
// of them belong to it: a value may hold what stands between values ("Black, white").
func valueAmong(values []string, pairs []projections.Attribute) (at, more int) {
	at = -1
	var given []string
	for n, p := range pairs {
		if p.Name != pairs[0].Name {
			break
		}
		given = append(given, p.Value)
		for i, v := range values {
			if n == 0 && strings.EqualFold(v, p.Value) || slices.EqualFunc(partsOf(v), given, strings.EqualFold) {
				at, more = i, n
				break
			}
		}
	}
	return at, more
}

// partsOf is what a text of values or a single value is cut into.
func partsOf(s string) (parts []string) {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
		parts = append(parts, strings.TrimSpace(part))
	}
	return parts
}

// notAmong is a value of an argument that does not exist; it names what there is
// instead, the nearest as suggestions.
func notAmong(field, what, given string, known []string, prefix string) error {
	if len(known) == 0 {
		return invalid(field, "No product has %s; leave it out.", field)
	}
	p := invalid(field, "There is no %s %s. There are %s.", what, quote(given), clip(list(known[:min(200, len(known))]), 600))
	p.NextTools = []string{"list_products"}
	near := nearest(given, known, 3)
	if near == nil {
		near = known[:min(3, len(known))]
	}
	for _, n := range near {
		p.Suggestions = append(p.Suggestions, suggestion{Use: prefix + n})
	}
	return p
}

// sameName is whether two names of options are one: "Color" is "colour".
func sameName(a, b string) bool {
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "our", "or") }
	return plain(a) == plain(b)
}

// pairsOf cuts "colour=grey, blue; size: L" into names and values. A value without
// a name belongs to the name before it.
func pairsOf(s string) (pairs []projections.Attribute, ok bool) {
	name := ""
	for _, part := range partsOf(s) {
		value := part
		if i := strings.IndexAny(part, "=:"); i >= 0 {
			name, value = strings.TrimSpace(part[:i]), part[i+1:]
		}
		if value = strings.TrimSpace(value); value == "" && name == "" {
			continue
		}
		if value == "" || name == "" {
			return nil, false
		}
		pairs = append(pairs, projections.Attribute{Name: name, Value: value})
	}
	return pairs, pairs != nil
}

// flat writes a list of texts and numbers, or an object of them and of such lists,
// as one text. It is empty for anything else.
func flat(raw json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		texts := make([]string, len(list))
		for i, value := range list {
			if texts[i] = scalar(value); texts[i] == "" {
				return ""
			}
		}
		return strings.Join(texts, ", ")
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		one := scalar(object[name])
		if one == "" {
			if one = flat(object[name]); one == "" {
				return ""
			}
		}
		all = append(all, name+"="+one)
	}
	return strings.Join(all, ", ")
}

// scalar is a text, or a number as it is written; empty for anything else.
func scalar(raw json.RawMessage) string {
	var word string
	var number json.Number
	if json.Unmarshal(raw, &word) == nil {
		return word
	}
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}
