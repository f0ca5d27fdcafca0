package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/grant"
)

// TestPanicsBecomeErrors: the SDK itself would let the process die.
func TestPanicsBecomeErrors(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		s.face.sdk.AddTool(&sdk.Tool{Name: "explode", InputSchema: inputSchema(nil)}, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			panic("the card number 4242")
		})
		a := s.agent("alice", e)
		_, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: "explode", Arguments: args{"card": "5555"}})
		if err == nil || !strings.Contains(err.Error(), "report request id-") || strings.Contains(err.Error(), "4242") || strings.Contains(err.Error(), ".go") {
			t.Errorf("the client is told %v", err)
		}
		if log := s.logged.String(); !strings.Contains(log, "guard_test.go") || strings.Contains(log, "5555") {
			t.Errorf("the log says %s", log)
		}
		a.ok("view_cart", nil) // the shop goes on
	})
}

func TestAPanicInTheChainBecomesAnAnswer(t *testing.T) {
	s := newShop(t, func(c *Config) {
		c.Authenticate = func(http.Handler) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") })
		}
	})
	res, body := send(t, s.request(t, modernBody("tools/list", "", nil), nil))
	if res.StatusCode != 500 || !strings.Contains(body, "Report request") || strings.Contains(body, "secret") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// TestScopesAreCheckedBehindTheChainToo: here the chain checks none.
func TestScopesAreCheckedBehindTheChainToo(t *testing.T) {
	covers := map[string][]string{
		grant.CatalogRead: {"list_products", "search_products", "get_product"},
		grant.CartWrite:   {"list_products", "search_products", "get_product", "view_cart", "add_to_cart", "update_cart_quantity", "remove_from_cart", "clear_cart", "apply_discount_code", "review_checkout"},
		grant.OrdersRead:  {"list_products", "search_products", "get_product", "get_order", "get_order_history", "explain_order"},
		grant.OrdersWrite: {"list_products", "search_products", "get_product", "get_order", "get_order_history", "explain_order", "checkout", viewsCheckout, "cancel_order", "request_return"},
		// Several scopes are needed together.
		grant.CartWrite + "," + grant.OrdersRead: {"list_products", "search_products", "get_product", "view_cart", "add_to_cart", "update_cart_quantity", "remove_from_cart", "clear_cart", "apply_discount_code", "review_checkout", "get_order", "get_order_history", "explain_order", "reorder"},
	}
	s := newShop(t)
	before := s.head()
	for scope, may := range covers {
		a := s.agent("alice:"+scope, modernEra)
		for _, tool := range s.face.tools() {
			got := a.call(tool.name, args{"no_such_argument": 1}) // refused either way, never done
			want := "insufficient_scope"
			for _, m := range may {
				if m == tool.name {
					want = "invalid_argument"
				}
			}
			if got.text("code") != want {
				t.Errorf("%s with %s: %s", tool.name, scope, got.Text)
			}
			if want == "insufficient_scope" && got.text("allowed") != strings.Join(scopesOf(tool.name), " ") {
				t.Errorf("%s does not say what it needs: %s", tool.name, got.Text)
			}
		}
		_, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "shop://orders/CS-00000-00000"})
		if needs := grant.Covers(strings.Split(scope, ","), grant.OrdersRead); err == nil || strings.Contains(err.Error(), "lacks the scope") == needs {
			t.Errorf("an order with %s: %v", scope, err)
		}
	}
	if s.head() != before {
		t.Error("something was written")
	}
}

// TestNeedsSaysWhatTheMessageSays, whatever the headers claim.
func TestNeedsSaysWhatTheMessageSays(t *testing.T) {
	var got Request
	s := newShop(t, func(c *Config) {
		c.Authenticate = func(next http.Handler) http.Handler {
			return authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = Needs(r)
				next.ServeHTTP(w, r)
			}))
		}
	})
	for _, c := range []struct{ method, name, scope string }{
		{"tools/call", "checkout", grant.OrdersWrite}, {"tools/call", "view_cart", grant.CartWrite}, {"tools/call", "get_product", grant.CatalogRead},
		{"tools/call", "reorder", grant.CartWrite + " " + grant.OrdersRead}, {"tools/call", "no_such_tool", ""}, {"tools/list", "", ""},
		{"resources/read", "shop://orders/1", grant.OrdersRead}, {"resources/read", "shop://products/2", grant.CatalogRead}, {"resources/read", "file:///etc/passwd", ""},
		{"prompts/get", "find_a_gift", ""},
	} {
		for _, headers := range []http.Header{modernHeaders(c.method, c.name), modernHeaders("tools/call", "list_products"), nil} {
			send(t, s.request(t, modernBody(c.method, c.name, nil), headers))
			if got.Method != c.method || got.Name != c.name || strings.Join(got.Scopes, " ") != c.scope {
				t.Errorf("%s %s is seen as %+v", c.method, c.name, got)
			}
		}
	}
	if q := Needs(&http.Request{}); q.Method != "" || q.Scopes != nil {
		t.Errorf("outside the chain it says %+v", q)
	}
}

// TestATokenOfTheSessionsFirstRequestDoesNotRuleItsLast: in a session the
// context holds what initialize came with.
func TestATokenOfTheSessionsFirstRequestDoesNotRuleItsLast(t *testing.T) {
	s := newShop(t)
	session := s.session(t, "alice")
	call := func(token string) (int, string) {
		r := s.request(t, legacyCall("view_cart", nil), s.legacyHeaders(session))
		r.Header.Set("Authorization", "Bearer "+token)
		res, body := send(t, r)
		return res.StatusCode, body
	}
	if status, body := call("alice"); status != 200 || !strings.Contains(body, `"pieces":0`) {
		t.Errorf("%d %s", status, body)
	}
	if _, body := call("alice:" + grant.CatalogRead); !strings.Contains(body, "insufficient_scope") {
		t.Errorf("with less than before: %s", body)
	}
	if status, body := call("bob"); status != 403 {
		t.Errorf("a stranger on the session gets %d %s", status, body)
	}
}

func TestNobodyBehindARequest(t *testing.T) {
	s := newShop(t, func(c *Config) {
		c.Authenticate = nil
		c.Caller = func(*auth.TokenInfo) (Caller, bool) { return Caller{}, false }
	})
	for _, c := range []struct{ method, name string }{{"tools/call", "view_cart"}, {"resources/read", "shop://products/2"}} {
		_, body := send(t, s.request(t, modernBody(c.method, c.name, nil), modernHeaders(c.method, c.name)))
		if code, message := rpcError(body); code == 0 || !strings.Contains(message, "not authenticated") {
			t.Errorf("%s: %s", c.name, body)
		}
	}
}

func TestResourcesAndPrompts(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		a := s.agent("alice", e)
		a.ok("add_to_cart", args{"product": 2})
		id := a.ok("checkout", nil).text("order_id")
		for uri, holds := range map[string]string{
			"shop://products/catnip-mouse": `"handle":"catnip-mouse"`, "shop://products/BED-L-GREY": `"matched_sku":"BED-L-GREY"`,
			"shop://orders/" + id: `"status":"placed"`,
		} {
			res, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
			if err != nil || len(res.Contents) != 1 || !strings.Contains(res.Contents[0].Text, holds) || res.Contents[0].MIMEType != "application/json" || !json.Valid([]byte(res.Contents[0].Text)) {
				t.Errorf("%s is %+v, %v", uri, res, err)
			}
		}
		b := s.agent("bob", e)
		for _, uri := range []string{"shop://orders/" + id, "shop://products/no-such-thing", "shop://orders/", "shop://secrets/1", "file:///etc/passwd", "shop://products/" + strings.Repeat("x", 500)} {
			res, err := b.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
			if err == nil || !strings.Contains(err.Error(), "Resource not found") {
				t.Errorf("%.60s is %+v, %v", uri, res, err)
			}
		}
		templates, err := a.ListResourceTemplates(t.Context(), nil)
		if err != nil || len(templates.ResourceTemplates) != 3 {
			t.Errorf("the templates are %+v, %v", templates, err)
		}
		prompts, err := a.ListPrompts(t.Context(), nil)
		if err != nil || len(prompts.Prompts) != 3 {
			t.Fatalf("the prompts are %+v, %v", prompts, err)
		}
		for _, p := range prompts.Prompts {
			given := map[string]string{}
			for _, arg := range p.Arguments {
				given[arg.Name] = "  a cat\n of seven "
			}
			got, err := a.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: p.Name, Arguments: given})
			if err != nil || len(got.Messages) != 1 || !strings.Contains(got.Messages[0].Content.(*sdk.TextContent).Text, ": a cat of seven\n") {
				t.Errorf("%s is %+v, %v", p.Name, got, err)
			}
			given[p.Arguments[0].Name] = strings.Repeat("x", maxPromptArgument+1)
			if _, err := a.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: p.Name, Arguments: given}); err == nil {
				t.Errorf("%s takes an argument without end", p.Name)
			}
		}
		if _, err := a.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "none"}); err == nil {
			t.Error("there is a prompt that does not exist")
		}
	})
}

// TestNothingIsSaidToBePublic: what stands in a cart is nobody else's business.
func TestNothingIsSaidToBePublic(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct{ method, name string }{{"server/discover", ""}, {"tools/list", ""}, {"prompts/list", ""}, {"resources/list", ""}, {"resources/templates/list", ""}, {"resources/read", "shop://products/2"}} {
		var body struct {
			Result struct {
				CacheScope   string
				TTLMs        *int
				ResultType   string
				Capabilities map[string]any
				Instructions string
			}
		}
		s.post(t, modernBody(c.method, c.name, nil), modernHeaders(c.method, c.name), 200, &body)
		if r := body.Result; r.CacheScope != "private" || r.TTLMs == nil || r.ResultType != "complete" {
			t.Errorf("%s says %+v", c.method, r)
		}
		if c.method == "server/discover" {
			for name := range body.Result.Capabilities {
				if name != "tools" && name != "prompts" && name != "resources" && name != "completions" && name != "extensions" {
					t.Errorf("the server claims %s", name)
				}
			}
			if len(body.Result.Capabilities) != 5 || body.Result.Instructions != instructions {
				t.Errorf("it discovers %+v", body.Result)
			}
		}
	}
}
