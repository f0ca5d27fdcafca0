package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// kind is what an argument holds.
type kind string

// The kinds, by the JSON Schema type that a model is told. What is accepted is
// wider; see decode.
const (
	text    kind = "string"
	integer kind = "integer"
	decimal kind = "number" // a price; read as written, never as a float
	flag    kind = "boolean"
)

// argument is one argument of a tool: the schema that clients see and the check
// of what they send come from the same lines.
type argument struct {
	name     string
	kind     kind
	about    string
	required bool
	// blank is whether an empty text is a value, and not an argument left out.
	blank bool
	// least and most bound an integer; most bounds the characters of a text.
	least, most int
	oneOf       []string
	// fallback is the value of an argument that is left out; nil for none.
	fallback any
	// example goes into error texts; the schemas show none, since each tool's
	// description has one and the list of tools is bounded.
	example any
	// also are other names under which it is accepted, which no schema shows.
	also []string
	// flattens takes a list or an object of texts for the text that says the same.
	flattens bool
}

// property is an argument as JSON Schema: only words that every client takes.
type property struct {
	Type        kind     `json:"type"`
	Description string   `json:"description"`
	Enum        []string `json:"enum,omitempty"`
	Minimum     *int     `json:"minimum,omitempty"`
	Maximum     *int     `json:"maximum,omitempty"`
	MaxLength   int      `json:"maxLength,omitempty"`
	Default     any      `json:"default,omitempty"`
}

// inputSchema writes the arguments as a closed object, in their order.
func inputSchema(args []argument) json.RawMessage {
	var b bytes.Buffer
	b.WriteString(`{"type":"object"`)
	var required []string
	for i, a := range args {
		if i == 0 {
			b.WriteString(`,"properties":{`)
		} else {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", a.name)
		b.Write(encode(a.property()))
		if a.required {
			required = append(required, a.name)
		}
	}
	if len(args) > 0 {
		b.WriteByte('}')
	}
	if len(required) > 0 {
		b.WriteString(`,"required":`)
		b.Write(encode(required))
	}
	b.WriteString(`,"additionalProperties":false}`)
	return b.Bytes()
}

func (a argument) property() property {
	p := property{Type: a.kind, Description: a.about, Enum: a.oneOf, Default: a.fallback}
	switch a.kind {
	case integer:
		p.Minimum, p.Maximum = &a.least, &a.most
	case decimal:
		p.Minimum = new(int)
	case text:
		if a.oneOf == nil {
			p.MaxLength = a.most
		}
	}
	return p
}

// allowed says in words what the argument takes.
func (a argument) allowed() string {
	switch {
	case a.oneOf != nil:
		return "one of " + list(a.oneOf)
	case a.kind == integer:
		return fmt.Sprintf("a whole number from %d to %d", a.least, a.most)
	case a.kind == decimal:
		return "an amount of money of 0 or more, as a decimal"
	case a.kind == flag:
		return "true or false"
	}
	return fmt.Sprintf("a text of at most %d characters", a.most)
}

// sample is a value that would be taken.
func (a argument) sample() string {
	switch {
	case a.example != nil:
		return string(encode(a.example))
	case a.oneOf != nil:
		return string(encode(a.oneOf[0]))
	case a.kind == integer:
		return fmt.Sprint(max(a.least, 1))
	case a.kind == flag:
		return "true"
	}
	return `"…"`
}
