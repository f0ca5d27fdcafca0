package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// outputSchema is the closed JSON Schema of a value's type: plain objects,
// everything inlined, one type each, which is what every client takes. The tag
// "about" describes a field and "one" lists its values. Which fields are always
// there is only said of the outermost object: models read these lists, and all
// tools together may take 25 KB. For the same reason a price, which stands in
// nearly every answer, a warning, which stands in every line of a cart, and a
// discount are only said to be objects, since the instructions tell what they hold, and
// so are the small parts of an order's story. In
// facets most names are those of the catalogue. What an earlier tool of the list
// has told is not told again: told holds by type which tool it was. Without told
// everything is written out.
func outputSchema(v any, tool string, told map[reflect.Type]string) json.RawMessage {
	t := reflect.TypeOf(v)
	if by := told[t]; by != "" {
		return encode(map[string]string{"type": "object", "description": "What " + by + " answers."})
	}
	w := schemaWriter{tool: tool, told: told}
	w.write(t, "", true)
	return w.Bytes()
}

// schemaWriter writes the schema of one tool.
type schemaWriter struct {
	bytes.Buffer
	tool string
	told map[reflect.Type]string
}

func (b *schemaWriter) write(t reflect.Type, tag reflect.StructTag, outermost bool) {
	extra := ""
	if about := tag.Get("about"); about != "" {
		extra += `,"description":` + string(encode(about))
	}
	if one := tag.Get("one"); one != "" {
		extra += `,"enum":` + string(encode(strings.Split(one, "|")))
	}
	switch t.Kind() {
	case reflect.Pointer:
		b.write(t.Elem(), tag, false)
	case reflect.Struct:
		if t == reflect.TypeFor[price]() || t == reflect.TypeFor[warning]() || t == reflect.TypeFor[taken]() || t == reflect.TypeFor[facets]() || b.told != nil && brief(t) || b.told[t] != "" {
			b.WriteString(`{"type":"object"` + extra + `}`)
			return
		}
		b.WriteString(`{"type":"object"` + extra + `,"properties":{`)
		required := b.properties(t)
		b.WriteByte('}')
		if outermost && len(required) > 0 {
			b.WriteString(`,"required":`)
			b.Write(encode(required))
		}
		b.WriteString(`,"additionalProperties":false}`)
		if b.told != nil {
			b.told[t] = b.tool
		}
	case reflect.Slice:
		b.WriteString(`{"type":"array"` + extra + `,"items":`)
		b.write(t.Elem(), "", false)
		b.WriteByte('}')
	case reflect.String:
		b.WriteString(`{"type":"string"` + extra + `}`)
	case reflect.Bool:
		b.WriteString(`{"type":"boolean"` + extra + `}`)
	case reflect.Int, reflect.Int64, reflect.Uint64:
		b.WriteString(`{"type":"integer"` + extra + `}`)
	default:
		panic(fmt.Sprintf("mcp: no schema for %s", t)) // found by the first start of any test
	}
}

// brief is whether a list of tools only says of the type that it is an object: the
// names of its fields say what they hold.
func brief(t reflect.Type) bool {
	for _, of := range []reflect.Type{
		reflect.TypeFor[step](), reflect.TypeFor[tracking](), reflect.TypeFor[returned](), reflect.TypeFor[refund](), reflect.TypeFor[orderSum](),
	} {
		if t == of {
			return true
		}
	}
	return false
}

// properties writes a struct's fields, those of embedded ones in line, and
// returns the names of the required ones.
func (b *schemaWriter) properties(t reflect.Type) (required []string) {
	first := true
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(b, "%q:", name)
		b.write(f.Type, f.Tag, false)
		if !strings.Contains(options, "omitempty") {
			required = append(required, name)
		}
	}
	return required
}
