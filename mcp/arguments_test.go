package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestBadArgumentsAreRefusedInWords tries what does not fit on every argument of
// every tool: too much, too little, the wrong type, nonsense. Each gets a tool
// error that names the argument, and nothing is written.
func TestBadArgumentsAreRefusedInWords(t *testing.T) {
	s := newShop(t)
	a := s.agent(keeper, modernEra)
	a.ok("add_to_cart", args{"product": "catnip-mouse"})
	before := s.head()
	long := strings.Repeat("x", 1001)
	tried := 0
	for _, tool := range s.face.tools() {
		fine := args{}
		for _, arg := range tool.args {
			if arg.required {
				fine[arg.name] = arg.example
			}
		}
		for _, arg := range tool.args {
			bad := []any{map[string]any{"a": 1}, []any{1}, true, "a\x00b", long}
			switch arg.kind {
			case integer:
				bad = append(bad, arg.least-1, arg.most+1, "many", "", 1.5, "1.5", 1e300, "0x10", "1_0", "NaN", -1<<40, json.Number("99999999999999999999"))
			case decimal:
				bad = append(bad, -1, "-0.01", "cheap", 1.234, "1,50", 1e15, "Inf")
			case flag:
				bad = []any{"yes", 1, "1", []any{true}, long, map[string]any{}}
			case text:
				if arg.oneOf != nil {
					bad = append(bad, "cheapest")
				}
			}
			if arg.required {
				bad = append(bad, nil)
			}
			if arg.required && !arg.blank {
				bad = append(bad, "")
			}
			for _, value := range bad {
				in := args{}
				for k, v := range fine {
					in[k] = v
				}
				in[arg.name] = value
				got := a.refused("invalid_argument", tool.name, in)
				if got.text("field") != arg.name {
					t.Errorf("%s(%s: %.60v) blames %q", tool.name, arg.name, fmt.Sprint(value), got.text("field"))
				}
				if len(got.Text) > 1500 {
					t.Errorf("%s(%s) is refused in %d bytes", tool.name, arg.name, len(got.Text))
				}
				tried++
			}
		}
		in := args{"user_id": "bob"}
		for k, v := range fine {
			in[k] = v
		}
		if got := a.refused("invalid_argument", tool.name, in); got.text("field") != "user_id" {
			t.Errorf("%s does not say which argument it does not know: %s", tool.name, got.Text)
		}
	}
	if tried < 150 {
		t.Errorf("only %d bad arguments were tried", tried)
	}
	if s.head() != before {
		t.Errorf("bad arguments wrote %d events", s.head()-before)
	}
}

func TestAMissingArgumentIsNamed(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	got := a.refused("invalid_argument", "update_cart_quantity", args{"product": "catnip-mouse"})
	if got.text("field") != "quantity" || !strings.Contains(got.text("message"), "from 0 to 99") {
		t.Errorf("it says %s", got.Text)
	}
	got = a.refused("invalid_argument", "add_to_cart", args{"product": "catnip-mouse", "quantiy": 2})
	if got.text("suggestions.0.use") != "quantity" || !strings.Contains(got.text("message"), "did you mean quantity?") || !strings.Contains(got.text("message"), "idempotency_key") {
		t.Errorf("it says %s", got.Text)
	}
}

// TestUnknownThingsAreDifferentErrors: which of them it is decides what a model
// does next.
func TestUnknownThingsAreDifferentErrors(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": "BED-L-GREY"})
	a.ok("add_to_cart", args{"product": "BED-S-GREY"})
	before := s.head()
	for _, c := range []struct {
		code, tool string
		in         args
		field      string
		suggests   string
	}{
		{"unknown_product", "get_product", args{"product": "catnip-mose"}, "product", "catnip-mouse"},
		{"unknown_product", "add_to_cart", args{"product": 77}, "product", ""},
		{"unknown_product", "update_cart_quantity", args{"product": "wisker-wand", "quantity": 2}, "product", "whisker-wand"},
		{"unknown_product", "remove_from_cart", args{"product": "NO-SUCH-SKU"}, "product", ""},
		{"not_in_cart", "remove_from_cart", args{"product": "catnip-mouse"}, "product", "BED-L-GREY"},
		{"not_in_cart", "update_cart_quantity", args{"product": "MOUSE-CATNIP", "quantity": 1}, "product", "BED-L-GREY"},
		{"variant_required", "add_to_cart", args{"product": "cozy-cat-bed"}, "variant", "BED-S-GREY"},
		{"variant_required", "add_to_cart", args{"product": 4, "variant": "large"}, "variant", "BED-L-GREY"},
		{"variant_required", "remove_from_cart", args{"product": "4"}, "variant", "BED-L-GREY"},
		{"unknown_variant", "add_to_cart", args{"product": 4, "variant": "tiny"}, "variant", "BED-S-GREY"},
		{"unknown_variant", "add_to_cart", args{"product": "BED-S-GREY", "variant": "large"}, "variant", "BED-S-GREY"},
		{"out_of_stock", "add_to_cart", args{"product": "gone-thing"}, "product", ""},
		{"insufficient_stock", "add_to_cart", args{"product": "rare-thing", "quantity": 4}, "quantity", ""},
		{"insufficient_stock", "update_cart_quantity", args{"product": "BED-S-GREY", "quantity": 10}, "quantity", ""},
		{"quantity_limit_exceeded", "add_to_cart", args{"product": "BED-S-GREY", "quantity": 99}, "quantity", ""},
		{"invalid_argument", "list_products", args{"category": "toy"}, "category", "toys"},
		{"invalid_argument", "list_products", args{"cursor": "made up"}, "cursor", ""},
		{"invalid_argument", "get_order_history", args{"cursor": "made up"}, "cursor", ""},
		{"invalid_argument", "list_products", args{"min_price": 10, "max_price": 5}, "min_price", ""},
		{"order_not_found", "get_order", args{"order_id": "CS-00000-00000"}, "order_id", ""},
		{"quote_invalid", "checkout", args{"quote_id": "q_nonsense"}, "quote_id", ""},
	} {
		got := a.refused(c.code, c.tool, c.in)
		if got.text("field") != c.field {
			t.Errorf("%s(%v) blames %q", c.tool, c.in, got.text("field"))
		}
		if c.suggests != "" && !strings.Contains(fmt.Sprint(got.at("suggestions")), c.suggests) {
			t.Errorf("%s(%v) does not suggest %s: %s", c.tool, c.in, c.suggests, got.Text)
		}
	}
	if s.head() != before {
		t.Errorf("refusals wrote %d events", s.head()-before)
	}
	if _, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: "drop_tables"}); err == nil || !strings.Contains(err.Error(), "unknown tool") {
		t.Errorf("an unknown tool: %v", err)
	}
}

func TestSloppyArgumentsAreUnderstood(t *testing.T) {
	declared := []argument{
		{name: "product", kind: text, most: 20, also: []string{"product_id"}},
		{name: "quantity", kind: integer, most: 99, fallback: 1},
		{name: "max_price", kind: decimal},
		{name: "in_stock", kind: flag},
		{name: "sort", kind: text, oneOf: []string{"title", "price_asc"}},
	}
	for _, c := range []struct {
		raw  string
		want string
	}{
		{``, "product= quantity=1 max_price=0 in_stock=false sort="},
		{`null`, "product= quantity=1 max_price=0 in_stock=false sort="},
		{`{"product":null,"quantity":null,"sort":""}`, "product= quantity=1 max_price=0 in_stock=false sort="},
		{`{"product":2}`, "product=2 quantity=1 max_price=0 in_stock=false sort="},
		{`{"product":2.0}`, "product=2 quantity=1 max_price=0 in_stock=false sort="},
		{`{"product_id":"2"}`, "product=2 quantity=1 max_price=0 in_stock=false sort="},
		{`{"product_id":2,"product":"2"}`, "product=2 quantity=1 max_price=0 in_stock=false sort="},
		{`{"product":" catnip-mouse\n"}`, "product=catnip-mouse quantity=1 max_price=0 in_stock=false sort="},
		{`{"product":"a\tb"}`, "product=a b quantity=1 max_price=0 in_stock=false sort="},
		{`{"quantity":"3"}`, "product= quantity=3 max_price=0 in_stock=false sort="},
		{`{"quantity":3.0}`, "product= quantity=3 max_price=0 in_stock=false sort="},
		{`{"quantity":" 3.00 "}`, "product= quantity=3 max_price=0 in_stock=false sort="},
		{`{"quantity":1e1}`, "product= quantity=10 max_price=0 in_stock=false sort="},
		{`{"max_price":19.99}`, "product= quantity=1 max_price=1999 in_stock=false sort="},
		{`{"max_price":"20"}`, "product= quantity=1 max_price=2000 in_stock=false sort="},
		{`{"max_price":""}`, "product= quantity=1 max_price=0 in_stock=false sort="},
		{`{"in_stock":"True"}`, "product= quantity=1 max_price=0 in_stock=true sort="},
		{`{"in_stock":true,"sort":"PRICE_ASC"}`, "product= quantity=1 max_price=0 in_stock=true sort=price_asc"},
	} {
		v, err := decode(declared, json.RawMessage(c.raw), "USD")
		got := fmt.Sprintf("product=%s quantity=%d max_price=%d in_stock=%t sort=%s",
			v.text("product"), v.number("quantity"), v.of("max_price").number, v.of("in_stock").flag, v.text("sort"))
		if err != nil || got != c.want {
			t.Errorf("%s is read as %s (%v)", c.raw, got, err)
		}
	}
	for _, raw := range []string{`[]`, `"{}"`, `1`, `{"product":1,"product_id":2}`, `{"Product":1}`} {
		var p *problem
		if _, err := decode(declared, json.RawMessage(raw), "USD"); !errors.As(err, &p) || p.Code != "invalid_argument" {
			t.Errorf("%s is taken: %v", raw, err)
		}
	}
}

// TestTheSameArgumentsMeanTheSame: a retry may come with other spelling, and
// from a program with more optional arguments.
func TestTheSameArgumentsMeanTheSame(t *testing.T) {
	older := []argument{productArgument, {name: "quantity", kind: integer, least: 1, most: 99, fallback: 1}, keyOfWrite}
	newer := append(slices.Clone(older), argument{name: "gift", kind: flag}, argument{name: "note", kind: text, most: 9})
	meaning := func(declared []argument, raw string) string {
		t.Helper()
		v, err := decode(declared, json.RawMessage(raw), "USD")
		if err != nil {
			t.Fatal(err)
		}
		return v.canonical()
	}
	want := meaning(older, `{"product":"2"}`)
	for _, raw := range []string{`{"product":2}`, `{"product_id":" 2","quantity":"1"}`, `{"quantity":1.0,"product":2,"idempotency_key":"k"}`} {
		if got := meaning(newer, raw); got != want {
			t.Errorf("%s means %q, not %q", raw, got, want)
		}
	}
	for _, raw := range []string{`{"product":"3"}`, `{"product":2,"quantity":2}`, `{"product":2,"note":"x"}`, `{"product":2,"gift":true}`} {
		if meaning(newer, raw) == want {
			t.Errorf("%s means the same", raw)
		}
	}
}

// FuzzDecode: whatever comes, the answer is a value within its bounds or a
// problem that can be shown.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"product":2,"quantity":"3"}`, `{"product":"\u0000"}`, `{"quantity":1e400}`, `{"max_price":"9.99","in_stock":"true"}`, `[`, `{"a":{"b":[1,2]}}`, `{"product":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	declared := []argument{
		productArgument,
		{name: "quantity", kind: integer, least: 1, most: 99, fallback: 1},
		{name: "max_price", kind: decimal}, {name: "in_stock", kind: flag},
		{name: "sort", kind: text, oneOf: []string{"title", "price_asc"}}, keyOfWrite,
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := decode(declared, raw, "USD")
		var p *problem
		switch {
		case errors.As(err, &p):
			if p.Message == "" || len(p.Message) > 2000 || !json.Valid(encode(p)) {
				t.Errorf("%q is refused with %q", raw, p.Message)
			}
		case err != nil:
			t.Errorf("%q: %v", raw, err)
		default:
			if n := v.number("quantity"); n < 1 || n > 99 {
				t.Errorf("%q has the quantity %d", raw, n)
			}
			if v.text("product") == "" || v.of("max_price").number < 0 {
				t.Errorf("%q is %+v", raw, v.by)
			}
			if s := v.text("sort"); s != "" && s != "title" && s != "price_asc" {
				t.Errorf("%q sorts by %q", raw, s)
			}
			if again, err := decode(declared, raw, "USD"); err != nil || again.canonical() != v.canonical() {
				t.Errorf("%q means two things", raw)
			}
		}
	})
}
