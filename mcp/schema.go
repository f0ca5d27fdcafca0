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
// nearly every answer, and a warning, which stands in every line of a cart, are
// only said to be objects; the instructions tell what they hold.
func outputSchema(v any) json.RawMessage {
	var b bytes.Buffer
	writeSchema(&b, reflect.TypeOf(v), "", true)
	return b.Bytes()
}

func writeSchema(b *bytes.Buffer, t reflect.Type, tag reflect.StructTag, outermost bool) {
	extra := ""
	if about := tag.Get("about"); about != "" {
		extra += `,"description":` + string(encode(about))
	}
	if one := tag.Get("one"); one != "" {
		extra += `,"enum":` + string(encode(strings.Split(one, "|")))
	}
	switch t.Kind() {
	case reflect.Pointer:
		writeSchema(b, t.Elem(), tag, false)
	case reflect.Struct:
		if t == reflect.TypeFor[price]() || t == reflect.TypeFor[warning]() {
			b.WriteString(`{"type":"object"` + extra + `}`)
			return
		}
		b.WriteString(`{"type":"object"` + extra + `,"properties":{`)
		required := writeProperties(b, t)
		b.WriteByte('}')
		if outermost && len(required) > 0 {
			b.WriteString(`,"required":`)
			b.Write(encode(required))
		}
		b.WriteString(`,"additionalProperties":false}`)
	case reflect.Slice:
		b.WriteString(`{"type":"array"` + extra + `,"items":`)
		writeSchema(b, t.Elem(), "", false)
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

// writeProperties writes a struct's fields, those of embedded ones in line, and
// returns the names of the required ones.
func writeProperties(b *bytes.Buffer, t reflect.Type) (required []string) {
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
		writeSchema(b, f.Type, f.Tag, false)
		if !strings.Contains(options, "omitempty") {
			required = append(required, name)
		}
	}
	return required
}
