package mcp

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// words are the JSON Schema words that every client and model API takes.
var words = []string{"type", "properties", "required", "additionalProperties", "items", "description", "enum", "minimum", "maximum", "maxLength", "default"}

func TestEverySchemaIsOneThatAllClientsTake(t *testing.T) {
	s := newShop(t)
	name := regexp.MustCompile(`^[a-z_]{1,40}$`)
	eachEra(t, func(t *testing.T, e era) {
		list, err := s.agent("alice", e).ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		n := len(encode(list))
		t.Logf("the list of tools has %d bytes", n)
		if n > 25_000 {
			t.Errorf("the list of tools has %d bytes, at most 25,000", n)
		}
		if len(list.Tools) > 20 {
			t.Errorf("a buyer sees %d tools, at most 20", len(list.Tools))
		}
		if list.NextCursor != "" {
			t.Error("the list of tools goes on; many clients read one page only")
		}
		if !slices.IsSortedFunc(list.Tools, func(a, b *sdk.Tool) int { return strings.Compare(a.Name, b.Name) }) {
			t.Error("the tools are not listed by name")
		}
		told := map[string]bool{}
		for _, tool := range list.Tools {
			told[tool.Name] = tool.OutputSchema.(map[string]any)["properties"] != nil
		}
		var names []string
		for _, tool := range list.Tools {
			names = append(names, tool.Name)
			if !name.MatchString(tool.Name) {
				t.Errorf("a tool is called %q", tool.Name)
			}
			if scopesOf(tool.Name) == nil {
				t.Errorf("%s needs no scope", tool.Name)
			}
			if tool.Title == "" || !strings.HasPrefix(tool.Description, "Use this when") || !strings.Contains(tool.Description, "Example: {") || !strings.Contains(tool.Description, "Returns ") {
				t.Errorf("%s is not described: %q", tool.Name, tool.Description)
			}
			lint(t, tool.Name+" in", tool.InputSchema)
			out := tool.OutputSchema.(map[string]any)
			if about, _ := out["description"].(string); about != "" {
				// Another tool of this very list tells it.
				if by, ok := strings.CutSuffix(strings.TrimPrefix(about, "What "), " answers."); !ok || !told[by] {
					t.Errorf("%s answers what nobody tells: %q", tool.Name, about)
				}
				continue
			}
			lint(t, tool.Name+" out", tool.OutputSchema)
			required, _ := out["required"].([]any)
			if p, _ := out["properties"].(map[string]any)["as_of"].(map[string]any); p["type"] != "integer" || !slices.Contains(required, any("as_of")) {
				t.Errorf("%s does not say which position its answer includes", tool.Name)
			}
		}
		want := []string{"add_to_cart", "apply_discount_code", "cancel_order", "checkout", "clear_cart", "explain_order", "get_order", "get_order_history", "get_product", "list_products",
			"remove_from_cart", "reorder", "request_return", "review_checkout", "search_products", "update_cart_quantity", "view_cart"}
		if !slices.Equal(names, want) {
			t.Errorf("the tools are %q", names)
		}
	})
}

// TestAllHintsAreSaid reads the wire: an absent hint counts as true for two of
// the four, and the SDK's client would fill in the rest.
func TestAllHintsAreSaid(t *testing.T) {
	s := newShop(t)
	var body struct {
		Result struct {
			Tools []struct {
				Name        string
				Annotations map[string]any
			}
		}
	}
	s.post(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""), 200, &body)
	if len(body.Result.Tools) != 17 {
		t.Fatalf("%d tools are listed", len(body.Result.Tools))
	}
	// The hints in the order readOnly, destructive, idempotent, openWorld.
	want := map[string]string{
		"list_products": "TFTF", "search_products": "TFTF", "get_product": "TFTF", "view_cart": "TFTF", "review_checkout": "TFTF",
		"get_order_history": "TFTF", "get_order": "TFTF", "explain_order": "TFTF", "reorder": "FFTF", "apply_discount_code": "FFTF",
		"cancel_order": "FTTT", "request_return": "FFTF",
		"add_to_cart": "FFFF", "update_cart_quantity": "FTTF", "remove_from_cart": "FTTF", "clear_cart": "FTTF", "checkout": "FTTT",
	}
	for _, tool := range body.Result.Tools {
		got := ""
		for _, hint := range []string{"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} {
			switch tool.Annotations[hint] {
			case true:
				got += "T"
			case false:
				got += "F"
			default:
				got += "?"
			}
		}
		if got != want[tool.Name] {
			t.Errorf("the hints of %s are %s, not %s", tool.Name, got, want[tool.Name])
		}
	}
}

func lint(t *testing.T, at string, schema any) {
	t.Helper()
	s, ok := schema.(map[string]any)
	if !ok || s["type"] != "object" || s["additionalProperties"] != false {
		t.Errorf("%s: the root is no plain, closed object: %v", at, schema)
		return
	}
	lintAll(t, at, s)
}

func lintAll(t *testing.T, at string, s map[string]any) {
	t.Helper()
	for word := range s {
		if !slices.Contains(words, word) {
			t.Errorf("%s: %q is not a word that all clients take", at, word)
		}
	}
	kind, single := s["type"].(string)
	if !single {
		t.Errorf("%s: the type is %v", at, s["type"])
	}
	switch kind {
	case "object":
		if s["properties"] == nil && s["additionalProperties"] == nil {
			return // a price or a warning, see conforms
		}
		if s["additionalProperties"] != false {
			t.Errorf("%s is not closed", at)
		}
		properties, _ := s["properties"].(map[string]any)
		for name, p := range properties {
			lintAll(t, at+"."+name, p.(map[string]any))
		}
		required, _ := s["required"].([]any)
		for _, r := range required {
			if properties[r.(string)] == nil {
				t.Errorf("%s requires %q, which it does not have", at, r)
			}
		}
	case "array":
		items, ok := s["items"].(map[string]any)
		if !ok {
			t.Errorf("%s: a list of what?", at)
			return
		}
		lintAll(t, at+"[]", items)
	case "string", "integer", "number", "boolean":
	default:
		t.Errorf("%s: a %q", at, kind)
	}
}

// TestAnArgumentlessToolHasTheSchemaOfTheSpecification: 2026-07-28, server/tools.
func TestAnArgumentlessToolHasTheSchemaOfTheSpecification(t *testing.T) {
	if got := string(inputSchema(nil)); got != `{"type":"object","additionalProperties":false}` {
		t.Errorf("it is %s", got)
	}
	if !json.Valid(inputSchema([]argument{productArgument})) {
		t.Error("a schema is no JSON")
	}
}
