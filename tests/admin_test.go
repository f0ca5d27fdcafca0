package tests

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// toolNames are the tools that the token sees.
func (a *agent) toolNames() string {
	a.t.Helper()
	list, err := a.ListTools(a.t.Context(), nil)
	if err != nil {
		a.t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return strings.Join(names, " ")
}

// TestAnAdministratorLooksIntoTheHistory and nobody else does, whatever they ask
// for when they log in.
func TestAnAdministratorLooksIntoTheHistory(t *testing.T) {
	shop := serve(t, t.TempDir())
	const all = scopes + " shop:admin"
	admin := connect(t, shop.Endpoint, login(t, shop.Endpoint, "admin", shop.Users["admin"], all))
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], all)
	alice := connect(t, shop.Endpoint, token)

	alice.call("add_to_cart", args{"product": "salmon-treats", "quantity": 2})
	cart := alice.call("view_cart", nil)
	order := alice.call("checkout", nil).text("order_id")
	if got := alice.call("explain_order", args{"order_id": order}); !strings.Contains(got.Text, "2 × Salmon Treats") {
		t.Errorf("the order is explained as %s", got.Text)
	}
	if got := alice.call("view_cart", args{"as_of": cart.Data["as_of"]}); got.Text != cart.Text {
		t.Errorf("the cart was %s, not %s", got.Text, cart.Text)
	}

	if names := alice.toolNames(); strings.Contains(names, "why") || strings.Contains(names, "show_history") || strings.Contains(names, "replay_view") {
		t.Errorf("alice sees %s", names)
	}
	if names := admin.toolNames(); !strings.Contains(names, "why") || !strings.Contains(names, "show_history") || !strings.Contains(names, "replay_view") {
		t.Errorf("the administrator sees %s", names)
	}
	got := admin.call("replay_view", args{"user": "alice", "view": "cart", "as_of": cart.Data["as_of"]})
	if !strings.HasPrefix(cart.Text, got.text("said")+"\n") {
		t.Errorf("the cart is replayed as %s", got.Text)
	}
	got = admin.call("show_history", args{"kind": "cart", "id": "alice"})
	if !strings.Contains(got.Text, "of alice (usr_") || !strings.Contains(got.Text, "put 2 × Salmon Treats into the cart") {
		t.Errorf("the cart's history is %s", got.Text)
	}
	got = admin.call("why", args{"order_id": order})
	for _, part := range []string{"allowed", "into_cart", "purchase", "stock", "mcp:add_to_cart", "mcp:checkout"} {
		if !strings.Contains(got.Text, `"`+part+`"`) {
			t.Errorf("the order comes from %s, without %s", got.Text, part)
		}
	}

	for _, tool := range []string{"show_history", "replay_view", "why"} {
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{"kind":"cart","id":"bob","user":"bob"}}}`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop.Endpoint, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if why := res.Header.Get("WWW-Authenticate"); res.StatusCode != 403 || !strings.Contains(why, `error="insufficient_scope"`) || !strings.Contains(why, "shop:admin") {
			t.Errorf("alice calls %s: %d %s %s", tool, res.StatusCode, why, text)
		}
	}
}
