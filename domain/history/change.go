package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is a field that is not the same in two states.
type Change struct {
	// Path names the field: "lines.MOUSE.quantity".
	Path string `json:"path"`
	// Before and After are its values in words; empty where it is not there.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

func (c Change) String() string {
	switch {
	case c.Before == "":
		return c.Path + ": " + c.After
	case c.After == "":
		return c.Path + ": " + c.Before + " → (none)"
	}
	return c.Path + ": " + c.Before + " → " + c.After
}

// hidden stands for a value that is a secret's hash or sealed.
const hidden = "…"

// Diff are the fields in which two states differ, by path. A state is anything
// that JSON can say; nil is none. Hashes of secrets and sealed texts show only
// that they changed.
func Diff(before, after any) []Change {
	was, is := Fields(before), Fields(after)
	all := maps.Clone(was)
	maps.Copy(all, is)
	var changes []Change
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if was[path] == is[path] {
			continue
		}
		c := Change{path, was[path], is[path]}
		c.Before, c.After = Veil(path, c.Before), Veil(path, c.After)
		changes = append(changes, c)
	}
	return changes
}

// hashed is the length of a SHA-256 in base64url.
const hashed = 43

// Veil returns the field's value, or a mark in its place if it is the hash of a
// secret, the name of a credential or sealed text.
func Veil(path, value string) string {
	if value == "" {
		return ""
	}
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "hash", "challenge", "credential":
		return hidden
	case "code": // a grant's is a hash, an order's the gateway's word
		if len(value) == hashed {
			return hidden
		}
	case "data":
		if strings.HasSuffix(path, "login.data") {
			return hidden
		}
	}
	return value
}

// Fields are the values of a state by their paths, in words. Elements of a list
// go by their SKU or id where they have one, lists of plain values are one text.
func Fields(state any) map[string]string {
	into := map[string]string{}
	data, err := json.Marshal(state)
	if err != nil {
		return into
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	var v any
	if in.Decode(&v) == nil {
		flatten(into, "", v)
	}
	return into
}

func flatten(into map[string]string, path string, v any) {
	below := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for name, value := range v {
			flatten(into, below(name), value)
		}
	case []any:
		if texts, ok := scalars(v); ok {
			into[path] = clean(strings.Join(texts, ", "))
			return
		}
		for i, value := range v {
			flatten(into, below(nameOf(i, value)), value)
		}
	case string:
		// Told apart from "not there" also where it is empty.
		if into[path] = clean(v); v == "" {
			into[path] = `""`
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}

// nameOf is what an element of a list goes by.
func nameOf(i int, v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, key := range []string{"sku", "id", "generation"} {
			if id, ok := m[key]; ok {
				return clean(fmt.Sprint(id))
			}
		}
	}
	return fmt.Sprint(i)
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
