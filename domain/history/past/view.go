package past

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/money"
)

// Field is one field of a state as people may see it. It holds a Value or, for
// an object or a list of objects, Fields.
type Field struct {
	Name   string
	Value  string
	Fields Fields
	// raw is what the value was made of. Two values are compared by it, since
	// what is hidden or cut looks alike.
	raw    string
	branch bool
}

// Fields are a state's fields in the order in which its type has them.
type Fields []Field

// hidden stands in the place of a secret.
const hidden = "…"

// maxValue is how long a value may be when it is shown, in characters.
const maxValue = 300

// View is a state for people: its fields in order, amounts as prices, lists of
// things under what names each (SKU, id), secrets left out. State is what an
// [Past.Walk] hands out; nil is a state without fields.
func View(state any) (Fields, error) {
	if state == nil {
		return nil, nil
	}
	data, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("past: %w", err)
	}
	v := viewer{json.NewDecoder(bytes.NewReader(data)), secrets(state)}
	v.in.UseNumber()
	root, err := v.value("")
	if err != nil {
		return nil, fmt.Errorf("past: %w", err)
	}
	return root.Fields, nil
}

// secrets are the fields of a state that nobody is shown: hashes of codes and
// tokens, what names a password's hash, sealed text.
func secrets(state any) []string {
	switch state.(type) {
	case account.State:
		return []string{"login", "credential", "logins.subject"}
	case session.State:
		return []string{"credential"}
	case grant.State:
		return []string{"challenge", "code", "access.hash", "refresh.hash"}
	}
	return nil
}

// viewer reads the JSON of a state in the order in which it is written.
type viewer struct {
	in      *json.Decoder
	secrets []string
}

// value reads the next value. Path names it without the keys of lists.
func (v viewer) value(path string) (Field, error) {
	if slices.Contains(v.secrets, path) {
		var raw json.RawMessage
		err := v.in.Decode(&raw)
		return Field{Value: hidden, raw: string(raw)}, err
	}
	token, err := v.in.Token()
	if err != nil {
		return Field{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return v.object(path)
		}
		return v.list(path)
	case string:
		return Field{Value: history.Plain(t, maxValue), raw: strconv.Quote(t)}, nil
	case json.Number:
		return Field{Value: t.String(), raw: t.String()}, nil
	}
	if token == nil {
		return Field{Value: "none", raw: "null"}, nil
	}
	text := fmt.Sprint(token)
	return Field{Value: text, raw: text}, nil
}

func (v viewer) object(path string) (Field, error) {
	f := Field{branch: true}
	for v.in.More() {
		name, err := v.in.Token()
		if err != nil {
			return f, err
		}
		field, err := v.value(strings.TrimPrefix(path+"."+fmt.Sprint(name), "."))
		if err != nil {
			return f, err
		}
		field.Name = fmt.Sprint(name)
		f.Fields = append(f.Fields, field)
	}
	_, err := v.in.Token()
	return priced(f), err
}

// priced is an amount of money as one value.
func priced(f Field) Field {
	if len(f.Fields) != 2 || f.Fields[0].Name != "amount" || f.Fields[1].Name != "currency" {
		return f
	}
	minor, err := strconv.ParseInt(f.Fields[0].raw, 10, 64)
	if err != nil {
		return f
	}
	return Field{Value: money.Of(minor, f.Fields[1].Value).String(), raw: f.Fields[0].raw + " " + f.Fields[1].raw}
}

// list reads a list: of plain values as one value, of objects as fields under
// their own names where they have one, or numbered.
func (v viewer) list(path string) (Field, error) {
	f := Field{branch: true}
	var words, raws []string
	for v.in.More() {
		item, err := v.value(path)
		if err != nil {
			return f, err
		}
		words, raws = append(words, item.Value), append(raws, item.raw)
		f.Fields = append(f.Fields, item)
	}
	if _, err := v.in.Token(); err != nil {
		return f, err
	}
	if !slices.ContainsFunc(f.Fields, func(i Field) bool { return i.branch }) {
		return Field{Value: history.Plain(strings.Join(words, ", "), maxValue), raw: "[" + strings.Join(raws, ",") + "]"}, nil
	}
	name(f.Fields)
	return f, nil
}

// name gives the objects of a list their names: the value of the first of these
// fields that all of them have and no two alike, which is then no field of its
// own any more; numbers from 1 otherwise.
func name(items Fields) {
	for _, key := range []string{"sku", "id", "generation"} {
		seen := map[string]bool{}
		for _, i := range items {
			if at := i.Fields.at(key); at >= 0 && i.Fields[at].Value != "" {
				seen[i.Fields[at].raw] = true
			}
		}
		if len(seen) < len(items) {
			continue
		}
		for i := range items {
			at := items[i].Fields.at(key)
			items[i].Name, items[i].raw = items[i].Fields[at].Value, items[i].Fields[at].raw
			items[i].Fields = slices.Delete(items[i].Fields, at, at+1)
		}
		return
	}
	for i := range items {
		items[i].Name = strconv.Itoa(i + 1)
	}
}

// at is where the field is, -1 if it is not there.
func (f Fields) at(name string) int {
	return slices.IndexFunc(f, func(x Field) bool { return x.Name == name })
}

// MarshalJSON writes the fields as an object, in their order.
func (f Fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(field.Name)
		if err != nil {
			return nil, err
		}
		b.Write(append(name, ':'))
		var value any = field.Value
		switch {
		case field.branch:
			value = field.Fields
		case field.raw == field.Value: // a number or a truth value
			value = json.RawMessage(field.raw)
		}
		data, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		b.Write(data)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
