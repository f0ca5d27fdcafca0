package tests

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Rows 22 to 30 of the symptoms: the tools as they stand on the wire, and what
// models do with them.
func TestSymptomsOfTools(t *testing.T) {
	shop := serve(t, t.TempDir())
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	rpc := func(method, params string) string {
		t.Helper()
		_, _, text := ask(t, "POST", shop.Endpoint, `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`,
			"Authorization", "Bearer "+token, "Content-Type", "application/json", "Mcp-Protocol-Version", "2025-11-25")
		return text
	}

	t.Run("22 23 24 25 27 schemas that every model's API takes", func(t *testing.T) {
		text := rpc("tools/list", "{}")
		var list struct {
			Result struct {
				Tools []struct {
					Name                      string
					InputSchema, OutputSchema map[string]any
				}
			}
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Result.Tools) < 10 {
			t.Fatalf("%v: %s", err, text)
		}
		for _, tool := range list.Result.Tools {
			if !regexp.MustCompile(`^[a-z_]{1,40}$`).MatchString(tool.Name) {
				t.Errorf("a tool is called %q", tool.Name)
			}
			for _, schema := range []map[string]any{tool.InputSchema, tool.OutputSchema} {
				if schema["type"] != "object" {
					t.Errorf("%s: the root is %v", tool.Name, schema["type"])
				}
				eachSchema(schema, func(at string, s any) {
					m, ok := s.(map[string]any)
					if !ok {
						t.Errorf("%s%s is %v, no schema", tool.Name, at, s)
						return
					}
					for _, word := range []string{"oneOf", "anyOf", "allOf", "not", "$ref", "$defs", "$id", "exclusiveMinimum", "exclusiveMaximum", "format", "nullable", "const", "patternProperties"} {
						if _, has := m[word]; has {
							t.Errorf("%s%s has %s", tool.Name, at, word)
						}
					}
					if kind, one := m["type"].(string); !one {
						t.Errorf("%s%s has the type %v %s", tool.Name, at, m["type"], kind)
					}
				})
			}
		}
		if again := rpc("tools/list", "{}"); again != text { // 29
			t.Error("the second list is another one")
		}
	})
	t.Run("26 an answer is there twice", func(t *testing.T) {
		for _, call := range []string{`{"name":"view_cart","arguments":{}}`, `{"name":"get_order_history","arguments":{}}`, `{"name":"search_products","arguments":{"query":"no such thing"}}`} {
			var answer struct {
				Result struct {
					Content           []struct{ Type, Text string }
					StructuredContent map[string]any
				}
			}
			text := rpc("tools/call", call)
			if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Result.Content) == 0 || answer.Result.Content[0].Text == "" || len(answer.Result.StructuredContent) == 0 {
				t.Errorf("%s: %v %s", call, err, text)
				continue
			}
			_, tail, _ := strings.Cut(answer.Result.Content[0].Text, "\n{")
			var same map[string]any
			if err := json.Unmarshal([]byte("{"+tail), &same); err != nil || fmt.Sprint(same) != fmt.Sprint(answer.Result.StructuredContent) {
				t.Errorf("%s: the text says %s", call, answer.Result.Content[0].Text)
			}
		}
	})
	t.Run("28 numbers as texts", func(t *testing.T) {
		alice := connect(t, shop.Endpoint, token)
		for _, quantity := range []any{"5", 5, 5.0, " 5 "} {
			alice.call("clear_cart", nil)
			if got := alice.call("add_to_cart", args{"product": "2", "quantity": quantity}).at("pieces"); got != 5.0 {
				t.Errorf("%#v becomes %v", quantity, got)
			}
		}
		for _, quantity := range []any{"five", "5.5", 5.5, true, "", "0x5"} {
			out, err := alice.try("add_to_cart", args{"product": "2", "quantity": quantity})
			if err != nil || !out.IsError || !strings.Contains(out.Text, "quantity") {
				t.Errorf("%#v: %+v %v", quantity, out, err)
			}
		}
	})
	t.Run("30 a purchase that is tried again", func(t *testing.T) {
		alice := connect(t, shop.Endpoint, token)
		alice.call("clear_cart", nil)
		alice.call("add_to_cart", args{"product": "2"})
		quote := alice.call("review_checkout", nil).text("quote_id")
		first := alice.call("checkout", args{"quote_id": quote}).text("order_id")
		for i := range 3 {
			if again := alice.call("checkout", args{"quote_id": quote, "idempotency_key": fmt.Sprint("another ", i)}).text("order_id"); again != first {
				t.Errorf("the second order is %s", again)
			}
		}
		if got := alice.call("get_order_history", nil).at("total"); got != 1.0 {
			t.Errorf("%v orders stand in the history", got)
		}
	})
}

// eachSchema visits a schema and those within it.
func eachSchema(schema any, visit func(at string, s any)) {
	var walk func(at string, s any)
	walk = func(at string, s any) {
		visit(at, s)
		m, _ := s.(map[string]any)
		properties, _ := m["properties"].(map[string]any)
		for name, p := range properties {
			walk(at+"."+name, p)
		}
		if items, has := m["items"]; has {
			walk(at+"[]", items)
		}
	}
	walk("", schema)
}
