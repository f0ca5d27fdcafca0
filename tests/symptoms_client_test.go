package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"till/authz"
	"till/cmd"
)

// allowed is where alice's browser ends up after she has allowed what the address
// asks for.
func allowed(t *testing.T, shop *cmd.Running, address string) url.Values {
	t.Helper()
	back, err := cmd.Consent(t.Context(), address, "alice", shop.Users["alice"])
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// tokens is what /token answers to a form.
func tokens(t *testing.T, origin string, form url.Values) (status int, header http.Header, answer map[string]any) {
	t.Helper()
	status, header, text := ask(t, "POST", origin+"/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("/token answers %d %s", status, text)
	}
	return status, header, answer
}

func (a *app) codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {a.id}, "redirect_uri": {a.callback}, "code": {code}, "code_verifier": {a.verifier}}
}

// with is the app's question with one parameter changed.
func (a *app) with(name, value string) string {
	u, _ := url.Parse(a.asks(scopes))
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// Rows 2, 6, 7, 8, 9, 10, 11, 12, 36 and 39: what clients really send is understood,
// and what they keep stays good.
func TestSymptomsOfClients(t *testing.T) {
	dir := t.TempDir()
	start := func(at string) *cmd.Running {
		shop, err := cmd.Serve(context.Background(), cmd.ServeOptions{
			Options: cmd.Options{Dir: dir, RefreshLeeway: authz.DefaultRefreshLeeway}, Addr: at, Demo: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shop.Stop() })
		return shop
	}
	shop := start("127.0.0.1:0")
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
	desk := newApp(t, shop.Endpoint, "Desk", map[string]any{"grant_types": []string{"authorization_code", "refresh_token"}})

	t.Run("2 iss in the answer is the issuer to the byte", func(t *testing.T) {
		if got := allowed(t, shop, desk.asks(scopes)); got.Get("iss") != origin || got.Get("code") == "" {
			t.Errorf("the answer is %v", got)
		}
		_, header, _ := ask(t, "GET", desk.with("response_type", "token"), "")
		to, err := url.Parse(header.Get("Location"))
		if err != nil || to.Query().Get("iss") != origin || to.Query().Get("error") != "unsupported_response_type" {
			t.Errorf("an error goes to %v %v", to, err)
		}
	})
	t.Run("6 the resource in every spelling", func(t *testing.T) {
		for _, resource := range []string{origin, origin + "/", origin + "/mcp", origin + "/mcp/", strings.ToUpper(origin[:4]) + origin[4:] + "/mcp"} {
			code := allowed(t, shop, desk.with("resource", resource)).Get("code")
			form := desk.codeForm(code)
			form.Set("resource", resource)
			status, _, answer := tokens(t, origin, form)
			if status != 200 {
				t.Fatalf("%s: %d %v", resource, status, answer)
			}
			connect(t, shop.Endpoint, answer["access_token"].(string)).call("view_cart", nil)
		}
		_, header, _ := ask(t, "GET", desk.with("resource", "https://other.test/mcp"), "")
		if to, _ := url.Parse(header.Get("Location")); to.Query().Get("error") != "invalid_target" || !strings.Contains(to.Query().Get("error_description"), shop.Endpoint) {
			t.Errorf("another shop's resource is answered %v", to)
		}
	})
	t.Run("10 scopes that the shop does not have", func(t *testing.T) {
		for _, scope := range []string{"openid offline_access catalog:read", " catalog:read  claudeai", "claudeai", "profile email openid", ""} {
			code := allowed(t, shop, desk.with("scope", scope)).Get("code")
			status, _, answer := tokens(t, origin, desk.codeForm(code))
			if got, _ := answer["scope"].(string); status != 200 || !strings.Contains(got, "catalog:read") || strings.Contains(got, "openid") || strings.Contains(got, "claudeai") {
				t.Errorf("%q is answered %d %v", scope, status, answer)
			}
		}
	})
	t.Run("11 one odd address does not sink a registration", func(t *testing.T) {
		for good, all := range map[string][]string{
			"cursor://anysphere.cursor-mcp/oauth/callback": {"javascript:alert(1)", "cursor://anysphere.cursor-mcp/oauth/callback"},
			"http://127.0.0.1:33418":                       {"http://127.0.0.1:33418", "http://shop.test/cb"},
			"https://claude.ai/api/mcp/auth_callback":      {"https://claude.ai/api/mcp/auth_callback", "data:text/html,x"},
			"https://insiders.vscode.dev/redirect":         {"https://insiders.vscode.dev/redirect", "not a URI"},
		} {
			body, _ := json.Marshal(map[string]any{"redirect_uris": all})
			status, _, text := ask(t, "POST", origin+"/register", string(body), "Content-Type", "application/json")
			if status != 201 || !strings.Contains(text, `"redirect_uris":["`+good+`"]`) {
				t.Errorf("%q: %d %s", all, status, text)
			}
		}
		status, _, text := ask(t, "POST", origin+"/register", `{"redirect_uris":["javascript:alert(1)","http://shop.test/cb"]}`, "Content-Type", "application/json")
		if status != 400 || !strings.Contains(text, "invalid_redirect_uri") || !strings.Contains(text, "javascript:") || !strings.Contains(text, "shop.test") {
			t.Errorf("none that is good: %d %s", status, text)
		}
	})
	t.Run("12 another port, another name of this machine", func(t *testing.T) {
		u, _ := url.Parse(desk.callback)
		for _, back := range []string{"http://localhost:" + u.Port() + "/callback", "http://127.0.0.1:1/callback", "http://[::1]:65535/callback", "http://localhost/callback"} {
			got, err := cmd.Consent(t.Context(), desk.with("redirect_uri", back), "alice", shop.Users["alice"])
			if err != nil || !strings.HasPrefix(got, back+"?code=") {
				t.Errorf("%s leads to %s %v", back, got, err)
			}
		}
		if status, _, text := ask(t, "GET", desk.with("redirect_uri", "http://localhost/other"), "", "Accept", "text/html"); status != 400 || !strings.Contains(text, "not registered") {
			t.Errorf("another path: %d %s", status, text)
		}
	})
	t.Run("36 whoever registers at each start is one client", func(t *testing.T) {
		ids := map[string]bool{}
		for range 100 { // more than one address may register new ones
			status, _, text := ask(t, "POST", origin+"/register", `{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"]}`, "Content-Type", "application/json")
			var c struct {
				ID string `json:"client_id"`
			}
			if err := json.Unmarshal([]byte(text), &c); err != nil || status == 429 {
				ids[fmt.Sprint(status)] = true
			}
			ids[c.ID] = true
		}
		if len(ids) != 1 {
			t.Errorf("100 registrations give %v", ids)
		}
	})
	t.Run("39 errors at /token have their form", func(t *testing.T) {
		for name, form := range map[string]url.Values{
			"nothing": {}, "an unknown kind": {"grant_type": {"password"}}, "an unknown client": {"grant_type": {"refresh_token"}, "client_id": {"c"}, "refresh_token": {"rt_x.y"}},
			"a false code": desk.codeForm("ac_x.y"), "a false refresh token": {"grant_type": {"refresh_token"}, "client_id": {desk.id}, "refresh_token": {"rt_x.y"}},
		} {
			status, header, answer := tokens(t, origin, form)
			code, _ := answer["error"].(string)
			said, _ := answer["error_description"].(string)
			if status < 400 || status > 401 || code == "" || said == "" || header.Get("Cache-Control") != "no-store" || header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %v %v", name, status, answer, header)
			}
		}
	})
	t.Run("7 8 9 after a restart nobody logs in again", func(t *testing.T) {
		status, _, first := tokens(t, origin, desk.codeForm(allowed(t, shop, desk.asks(scopes)).Get("code")))
		if status != 200 || first["refresh_token"] == nil {
			t.Fatalf("%d %v", status, first)
		}
		never := newApp(t, shop.Endpoint, "Registered before, allowed after", nil)
		if err := shop.Stop(); err != nil {
			t.Fatal(err)
		}
		shop = start(address(t, shop.Endpoint))
		connect(t, shop.Endpoint, first["access_token"].(string)).call("view_cart", nil)
		// Two processes share the token: the second is late and goes on as well.
		renew := url.Values{"grant_type": {"refresh_token"}, "client_id": {desk.id}, "refresh_token": {first["refresh_token"].(string)}}
		for i := range 2 {
			status, _, next := tokens(t, origin, renew)
			if status != 200 {
				t.Fatalf("renewal %d: %d %v", i, status, next)
			}
			connect(t, shop.Endpoint, next["access_token"].(string)).call("view_cart", nil)
		}
		never.redeem(allowed(t, shop, never.asks(scopes)).Get("code"))
		desk.redeem(allowed(t, shop, desk.asks(scopes)).Get("code"))
	})
	t.Run("7 an unknown client is told what to do", func(t *testing.T) {
		gone := *desk
		gone.id = "cl_" + strings.Repeat("A", 43)
		status, header, text := ask(t, "GET", gone.asks(scopes), "", "Accept", "text/html")
		if status != 400 || header.Get("Location") != "" || !strings.Contains(text, "Remove the connection in your app and add it again.") {
			t.Errorf("a person sees %d %s", status, text)
		}
		if status, _, answer := tokens(t, origin, url.Values{"grant_type": {"refresh_token"}, "client_id": {gone.id}, "refresh_token": {"rt_x"}}); status != 401 || answer["error"] != "invalid_client" {
			t.Errorf("the client gets %d %v", status, answer)
		}
	})
}
