package cmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"till/projections"
)

// maxFields bounds how many fields of one row are written out.
const maxFields = 40

// differenceText is a row that differs, for people: what it is, and its fields
// from before to after. Hashes of tokens are left out.
func differenceText(d projections.Difference) string {
	sign := "~"
	switch {
	case d.Before == nil:
		sign = "+"
	case d.After == nil:
		sign = "-"
	}
	title := d.View
	if d.Table != d.View {
		title += "." + d.Table
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", sign, title, short(d.Key, 80))
	before, after := map[string]string{}, map[string]string{}
	flatten(before, "", toAny(d.Before))
	flatten(after, "", toAny(d.After))
	all := maps.Clone(before)
	maps.Copy(all, after)
	told := 0
	for _, path := range slices.Sorted(maps.Keys(all)) {
		was, had := before[path]
		is, has := after[path]
		if had && has && was == is || path == "id" {
			continue // the id is the key
		}
		if told++; told > maxFields {
			b.WriteString("\n    … and more")
			break
		}
		if d.View == "grants" && secretive(path) {
			was, is = "…", "…"
		}
		switch {
		case !had:
			fmt.Fprintf(&b, "\n    %s: %s", path, short(is, 120))
		case !has && d.After == nil:
			fmt.Fprintf(&b, "\n    %s: %s", path, short(was, 120))
		case !has:
			fmt.Fprintf(&b, "\n    %s: %s → (none)", path, short(was, 120))
		default:
			fmt.Fprintf(&b, "\n    %s: %s → %s", path, short(was, 120), short(is, 120))
		}
	}
	return b.String()
}

// secretive is whether the field is a hash of something secret.
func secretive(path string) bool {
	leaf := path[strings.LastIndexByte(path, '.')+1:]
	return leaf == "hash" || leaf == "code" || leaf == "challenge"
}

// toAny is a row as plain JSON values, whichever way it came.
func toAny(row map[string]any) any {
	if row == nil {
		return nil
	}
	data, err := json.Marshal(row)
	if err != nil {
		return nil
	}
	var v any
	in := json.NewDecoder(strings.NewReader(string(data)))
	in.UseNumber()
	if in.Decode(&v) != nil {
		return nil
	}
	return v
}

// scalars are the elements of a list that holds no objects and no lists.
func scalars(list []any) (texts []string, ok bool) {
	for _, v := range list {
		switch v.(type) {
		case map[string]any, []any:
			return nil, false
		}
		texts = append(texts, fmt.Sprint(v))
	}
	return texts, true
}

// flatten lists the values below a path: "state.lines.CATNIP.quantity". Elements
// of a list go by their SKU or id where they have one.
func flatten(into map[string]string, path string, v any) {
	below := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch v := v.(type) {
	case nil:
		if path != "" {
			into[path] = "(none)"
		}
	case map[string]any:
		for name, value := range v {
			flatten(into, below(name), value)
		}
	case []any:
		if texts, ok := scalars(v); ok {
			into[path] = strings.Join(texts, ", ")
			return
		}
		for i, value := range v {
			name := fmt.Sprint(i)
			if m, ok := value.(map[string]any); ok {
				for _, key := range []string{"sku", "id", "generation"} {
					if id, ok := m[key]; ok {
						name = fmt.Sprint(id)
						break
					}
				}
			}
			flatten(into, below(name), value)
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}
