package mcp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/promotion"
)

// eachEra runs a test in both eras of the protocol.
func eachEra(t *testing.T, test func(*testing.T, era)) {
	for _, e := range []era{modernEra, legacyEra} {
		t.Run(string(e), func(t *testing.T) { test(t, e) })
	}
}

func TestAnAgentShopsToTheEnd(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		a := s.agent("alice", e)
		if got := a.ok("list_products", args{"category": "Toys", "sort": "price_asc"}); got.text("products.0.handle") != "catnip-mouse" || got.number("total") != 4 {
			t.Errorf("the list is %s", got.Text)
		}
		if got := a.ok("search_products", args{"query": "catnp mouse"}); got.text("products.0.id") != "2" {
			t.Errorf("the search found %s", got.Text)
		}
		if got := a.ok("get_product", args{"product": 2}); got.text("handle") != "catnip-mouse" || got.text("variants.0.price.display") != "$4.99" {
			t.Errorf("the product is %s", got.Text)
		}
		a.ok("add_to_cart", args{"product": "catnip-mouse", "quantity": 2})
		got := a.ok("add_to_cart", args{"product": "cozy-cat-bed", "variant": "grey, LARGE"})
		if got.number("pieces") != 3 || got.number("total.amount") != 2*499+3999 || got.text("lines.1.sku") != "BED-L-GREY" {
			t.Errorf("the cart is %s", got.Text)
		}
		got = a.ok("update_cart_quantity", args{"product": "MOUSE-CATNIP", "quantity": "3"})
		if got.number("lines.0.quantity") != 3 {
			t.Errorf("the cart is %s", got.Text)
		}
		if view := a.ok("view_cart", nil); view.number("version") != got.number("version") || view.number("total.amount") != 5496 {
			t.Errorf("the cart is %s", view.Text)
		}
		quote := a.ok("review_checkout", nil)
		if quote.at("ready") != true || quote.number("total.amount") != 5496 {
			t.Errorf("the quote is %s", quote.Text)
		}
		order := a.ok("checkout", args{"quote_id": quote.text("quote_id")})
		if order.text("status") != "placed" || order.number("pieces") != 4 || order.at("replayed") != false {
			t.Errorf("the order is %s", order.Text)
		}
		if again := a.ok("checkout", args{"quote_id": quote.text("quote_id")}); again.text("order_id") != order.text("order_id") || again.at("replayed") != true {
			t.Errorf("bought again: %s", again.Text)
		}
		if view := a.ok("view_cart", nil); view.number("pieces") != 0 || view.text("last_order") != order.text("order_id") {
			t.Errorf("the cart is %s", view.Text)
		}
		history := a.ok("get_order_history", nil)
		if history.number("total") != 1 || history.text("orders.0.order_id") != order.text("order_id") || history.number("orders.0.pieces") != 4 {
			t.Errorf("the history is %s", history.Text)
		}
		if got := a.ok("get_order", args{"order_id": order.text("order_id")}); got.text("payment") == "" || got.number("total.amount") != 5496 {
			t.Errorf("the order is %s", got.Text)
		}
		// Nobody else sees any of it.
		b := s.agent("bob", e)
		b.refused("order_not_found", "get_order", args{"order_id": order.text("order_id")})
		b.refused("quote_invalid", "checkout", args{"quote_id": quote.text("quote_id")})
		if got := b.ok("get_order_history", nil); got.number("total") != 0 {
			t.Errorf("bob sees %s", got.Text)
		}
	})
}

// TestTextAndStructureSayTheSame: clients show one or the other.
func TestTextAndStructureSayTheSame(t *testing.T) {
	s := newShop(t)
	s.code("TEN", promotion.Terms{Percent: 1000, Limit: 9})
	a := s.agent("alice", modernEra)
	calls := []struct {
		tool string
		in   args
	}{
		{"list_products", nil}, {"search_products", args{"query": "bed"}}, {"search_products", args{"query": "zzzzqqqq"}},
		{"get_product", args{"product": "cozy-cat-bed"}}, {"get_product", args{"product": "RARE"}},
		{"view_cart", nil}, {"add_to_cart", args{"product": "rare-thing"}}, {"update_cart_quantity", args{"product": 9, "quantity": 2}},
		{"remove_from_cart", args{"product": "RARE"}}, {"clear_cart", nil}, {"add_to_cart", args{"product": "rare-thing", "quantity": 3}},
		{"apply_discount_code", args{"code": "ten"}}, {"view_cart", nil}, {"review_checkout", nil}, {"checkout", nil}, {"get_order_history", nil},
	}
	seen := map[string]bool{}
	order := ""
	for _, c := range calls {
		res, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: c.in})
		if err != nil || res.IsError {
			t.Fatalf("%s: %+v, %v", c.tool, res, err)
		}
		seen[c.tool] = true
		text := saidOf(t, res)
		if diff := cmp.Diff(any(text.Data), res.StructuredContent); diff != "" {
			t.Errorf("%s says one thing in its text and another in its structure:\n%s", c.tool, diff)
		}
		checkAgainst(t, s, c.tool, res.StructuredContent)
		if n := len(encode(res.StructuredContent)); n > 2200 {
			t.Errorf("%s answers with %d bytes", c.tool, n)
		}
		if id := text.text("order_id"); id != "" {
			order = id
		}
	}
	for _, c := range []struct {
		tool string
		in   args
	}{{"cancel_order", args{"order_id": order}}, {"get_order", args{"order_id": order}}} {
		res, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: c.in})
		if err != nil || res.IsError {
			t.Fatalf("%s: %+v, %v", c.tool, res, err)
		}
		seen[c.tool] = true
		checkAgainst(t, s, c.tool, res.StructuredContent)
	}
	sent := a.bought(1, "MOUSE-CATNIP")
	s.dispatched(sent)
	res, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: "request_return", Arguments: args{"order_id": sent}})
	if err != nil || res.IsError {
		t.Fatalf("request_return: %+v, %v", res, err)
	}
	seen["request_return"] = true
	checkAgainst(t, s, "request_return", res.StructuredContent)
	s.people()
	k := s.agent(keeper, modernEra)
	for tool, in := range map[string]args{
		"get_order": {"order_id": order}, "explain_order": {"order_id": order}, "reorder": {"order_id": order},
		"show_history": {"kind": "order", "id": order}, "replay_view": {"user": "alice", "view": "orders"}, "why": {"order_id": order},
	} {
		res, err := k.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: in})
		if err != nil || res.IsError {
			t.Fatalf("%s: %+v, %v", tool, res, err)
		}
		seen[tool] = true
		checkAgainst(t, s, tool, res.StructuredContent)
	}
	seen[viewsCheckout] = true // TestTheViewsButtonAsksNoMore
	for _, tool := range s.face.tools() {
		if !seen[tool.name] {
			t.Errorf("%s was not tried", tool.name)
		}
	}
}

// checkAgainst holds an answer against the tool's output schema.
func checkAgainst(t *testing.T, s *shop, name string, answer any) {
	t.Helper()
	for _, tool := range s.face.tools() {
		if tool.name == name {
			var schema map[string]any
			if err := json.Unmarshal(outputSchema(tool.output, tool.name, nil), &schema); err != nil {
				t.Fatal(err)
			}
			conforms(t, name, schema, answer)
		}
	}
}

// conforms is a validator for the few words that our schemas use.
func conforms(t *testing.T, at string, schema map[string]any, v any) {
	t.Helper()
	kind := ""
	switch v := v.(type) {
	case map[string]any:
		kind = "object"
		if schema["properties"] == nil {
			if strings.HasSuffix(at, ".facets") {
				count(t, at, v)
				break
			}
			// What the instructions say of every warning, discount and price.
			if v["subtotal"] != nil {
				if v["code"] == "" || v["code"] == nil || len(v) != 3 || (v["amount"] == nil) == (v["warning"] == nil) {
					t.Errorf("%s is no discount: %v", at, v)
				}
				return
			}
			if v["code"] != nil {
				if v["code"] == "" || v["message"] == "" || v["message"] == nil || len(v) != 2 {
					t.Errorf("%s is no warning: %v", at, v)
				}
				break
			}
			if _, whole := v["amount"].(float64); !whole || len(v) != 3 || v["currency"] != "USD" || v["display"] == "" {
				t.Errorf("%s is no price: %v", at, v)
			}
			break
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, value := range v {
			if p, known := properties[name].(map[string]any); known {
				conforms(t, at+"."+name, p, value)
			} else {
				t.Errorf("%s.%s stands in no schema", at, name)
			}
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, there := v[name.(string)]; !there {
				t.Errorf("%s.%s is required and missing", at, name)
			}
		}
	case []any:
		kind = "array"
		items, _ := schema["items"].(map[string]any)
		for _, value := range v {
			conforms(t, at+"[]", items, value)
		}
	case string:
		kind = "string"
		if one, bound := schema["enum"].([]any); bound && !oneOf(one, v) {
			t.Errorf("%s is %q, not one of %v", at, v, one)
		}
	case bool:
		kind = "boolean"
	case float64:
		kind = "integer"
		if v != float64(int64(v)) {
			kind = "number"
		}
	}
	if kind != schema["type"] {
		t.Errorf("%s is a %q, the schema says %v", at, kind, schema["type"])
	}
}

// count holds facets to numbers of products, under the shop's own names.
func count(t *testing.T, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for name, in := range v {
			if name != "min_price" && name != "max_price" {
				count(t, at+"."+name, in)
			}
		}
	case []any:
		for _, in := range v {
			count(t, at, in)
		}
	case float64:
		if v < 1 || v != float64(int(v)) {
			t.Errorf("%s counts %v products", at, v)
		}
	default:
		t.Errorf("%s is %v", at, v)
	}
}

func oneOf(all []any, v string) bool {
	for _, one := range all {
		if one == v {
			return true
		}
	}
	return false
}
