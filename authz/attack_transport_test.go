package authz_test

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"till/authz"
)

var update = flag.Bool("update-documents", false, "write the golden metadata documents")

// secure is a shop behind a TLS edge.
func secure(c *authz.Config) { c.PublicURL = "https://shop.mydomain.net" }

// ask asks the server directly under a host name.
func (s *shop) ask(method, host, target string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, nil)
	req.Host = host
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.srv.Handler().ServeHTTP(w, req)
	return w
}

// scriptsOf are a page's scripts as a policy names them.
func scriptsOf(page string) (all []string) {
	parts := strings.Split(page, "<script")
	for _, part := range parts[1:] {
		script, _, _ := strings.Cut(strings.TrimPrefix(part, ">"), "</script>")
		sum := sha256.Sum256([]byte(script))
		all = append(all, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return all
}

func TestDocuments(t *testing.T) {
	s := open(t, secure)
	for name, paths := range map[string][]string{
		"authorization-server": {"oauth-authorization-server", "oauth-authorization-server/mcp", "openid-configuration", "openid-configuration/mcp"},
		"protected-resource":   {"oauth-protected-resource", "oauth-protected-resource/mcp"},
	} {
		file := filepath.Join("testdata", name+".json")
		for _, path := range paths {
			w := s.ask("GET", "shop.mydomain.net", "/.well-known/"+path)
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %d %v", path, w.Code, w.Header())
			}
			if *update {
				if err := os.WriteFile(file, w.Body.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if w.Body.String() != string(want) {
				t.Errorf("%s:\n%s\nwant\n%s", path, w.Body, want)
			}
			if strings.Contains(w.Body.String(), "null") {
				t.Errorf("%s holds null", path)
			}
		}
	}
	for _, path := range []string{"", "jwks.json", "oauth-authorization-server/other", "oauth-protected-resource/mcp/mcp", "openid-federation"} {
		w := s.ask("GET", "shop.mydomain.net", "/.well-known/"+path)
		if w.Code != 404 || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	if w := s.ask("POST", "shop.mydomain.net", "/.well-known/oauth-authorization-server"); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAttackTransport(t *testing.T) {
	t.Run("89 forged headers change nothing", func(t *testing.T) {
		s := open(t, secure)
		want := s.ask("GET", "shop.mydomain.net", "/.well-known/oauth-protected-resource").Body.String()
		got := s.ask("GET", "shop.mydomain.net", "/.well-known/oauth-protected-resource",
			"X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "http", "Forwarded", "host=evil.test;proto=http").Body.String()
		if got != want || strings.Contains(got, "evil") {
			t.Errorf("%s", got)
		}
	})
	t.Run("90 another host is told both cures", func(t *testing.T) {
		s := open(t, secure)
		for _, path := range []string{"/.well-known/oauth-protected-resource", "/authorize", "/login", "/token", "/register"} {
			w := s.ask("GET", "tunnel.evil.test", path)
			if w.Code != 421 || !strings.Contains(w.Body.String(), "tunnel.evil.test") || !strings.Contains(w.Body.String(), "https://shop.mydomain.net/mcp") || !strings.Contains(w.Body.String(), "--public-url") {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		if n := strings.Count(s.lines.String(), "public URL"); n != 1 {
			t.Errorf("%d log lines, want one a minute", n)
		}
		if w := s.ask("GET", "tunnel.evil.test", "/", "Accept", "text/html"); w.Code != 421 || !strings.Contains(w.Body.String(), "<h1>") || !strings.Contains(w.Body.String(), "https://shop.mydomain.net") {
			t.Errorf("page: %d %s", w.Code, w.Body)
		}
		req := httptest.NewRequest("POST", "/mcp", nil)
		req.Host = "evil.test"
		w := httptest.NewRecorder()
		s.srv.Middleware(http.HandlerFunc(whoami), nil).ServeHTTP(w, req)
		if w.Code != 421 {
			t.Errorf("/mcp: %d", w.Code)
		}
	})
	t.Run("90 the loopback names are one shop", func(t *testing.T) {
		s := open(t, func(c *authz.Config) { c.PublicURL = "http://localhost:8000" })
		for _, host := range []string{"localhost:8000", "127.0.0.1:8000", "[::1]:8000"} {
			w := s.ask("GET", host, "/.well-known/oauth-protected-resource")
			if w.Code != 200 || !strings.Contains(w.Body.String(), `"resource":"http://`+host+`/mcp"`) {
				t.Errorf("%s: %d %s", host, w.Code, w.Body)
			}
		}
		for _, host := range []string{"localhost", "localhost:8001", "127.0.0.1.evil:8000", "evil"} {
			if w := s.ask("GET", host, "/.well-known/oauth-protected-resource"); w.Code != 421 {
				t.Errorf("%s: %d", host, w.Code)
			}
		}
	})
	t.Run("the address itself, and addresses that are not there", func(t *testing.T) {
		s := open(t)
		if a := s.browser().get("/"); a.StatusCode != 200 || !strings.Contains(a.body, "<code>"+s.url+"/mcp</code>") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		for _, path := range []string{"/nothing", "/introspect", "/userinfo", "/favicon.ico"} {
			s.browser().get(path).wants(t, 404, "not_found")
		}
	})
	t.Run("93 the token endpoint's body", func(t *testing.T) {
		s := open(t)
		client, tok := s.connect("alice")
		s.postJSON("/token", `{"grant_type":"refresh_token"}`).wants(t, 400, "invalid_request")
		s.postForm("/token", url.Values{"grant_type": {"refresh_token"}, "x": {strings.Repeat("x", 20000)}}).wants(t, 413, "invalid_request")
		s.postForm("/token?"+refreshForm(client, tok.Refresh).Encode(), nil).wants(t, 400, "invalid_request")
		s.postForm("/token", url.Values{"grant_type": {"refresh_token", "refresh_token"}}).wants(t, 400, "invalid_request")
		s.postForm("/token", url.Values{"grant_type": {"password"}, "client_id": {client}}).wants(t, 400, "unsupported_grant_type")
		s.postForm("/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {client}}).wants(t, 400, "invalid_request")
		if a := s.browser().get("/token"); a.StatusCode != 405 {
			t.Errorf("GET: %d", a.StatusCode)
		}
		if a := s.browser().get("/revoke"); a.StatusCode != 405 {
			t.Errorf("GET: %d", a.StatusCode)
		}
	})
	t.Run("94 CORS where it belongs and nowhere else", func(t *testing.T) {
		s := open(t)
		host := strings.TrimPrefix(s.url, "http://")
		for path, allowed := range map[string]bool{
			"/.well-known/oauth-authorization-server": true, "/.well-known/oauth-protected-resource/mcp": true, "/register": true, "/token": true, "/revoke": true,
			"/authorize": false, "/login": false, "/consent": false, "/logout": false, "/account/connections": false,
		} {
			w := s.ask("OPTIONS", host, path, "Origin", "https://inspector.test", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "mcp-protocol-version")
			if got := w.Header().Get("Access-Control-Allow-Origin") == "*"; got != allowed || (allowed && w.Code != 204) {
				t.Errorf("%s: %d %v", path, w.Code, w.Header())
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s allows credentials", path)
			}
			if allowed && !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "MCP-Protocol-Version") {
				t.Errorf("%s: %v", path, w.Header())
			}
		}
	})
	t.Run("95 iss in success and error, equal to the metadata", func(t *testing.T) {
		s := open(t)
		client := s.register("Test agent", callback)
		if iss := s.browser().code("alice", s.request(client)).Get("iss"); iss != s.srv.Issuer() {
			t.Errorf("iss %q", iss)
		}
	})
	t.Run("74 85 96 97 pages and cookies on https", func(t *testing.T) {
		s := open(t, secure)
		w := s.ask("GET", "shop.mydomain.net", "/login", "Accept-Encoding", "gzip")
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
			"Strict-Transport-Security": "max-age=31536000", "Cache-Control": "no-store", "Content-Encoding": "",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		csp := w.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("policy %q lacks %q", csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(w.Body.String(), "http://") {
			t.Errorf("policy %q, or the page holds a foreign address", csp)
		}
		if scripts := scriptsOf(w.Body.String()); len(scripts) != 1 || !strings.HasSuffix(csp, "; script-src "+scripts[0]) {
			t.Errorf("policy %q is for other scripts than the page's: %q", csp, scripts)
		}
		// Only pages that ask an authenticator have the script.
		for path, host := range map[string]string{"/": "shop.mydomain.net", "/setup?link=x": "shop.mydomain.net", "/authorize?client_id=x": "shop.mydomain.net"} {
			w := s.ask("GET", host, path)
			if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "script") || strings.Contains(w.Body.String(), "<script") || !strings.HasPrefix(csp, "default-src 'none'") {
				t.Errorf("%s has a script, or a policy for one: %q", path, csp)
			}
		}
		c := w.Result().Cookies()
		if len(c) != 1 || !strings.HasPrefix(c[0].Name, "__Host-") || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" || c[0].Domain != "" {
			t.Errorf("cookies %v", c)
		}
	})
	t.Run("the consent page's policy lets the answer go to the client", func(t *testing.T) {
		s := open(t)
		b := s.browser()
		page := b.follow(b.get("/authorize?"+s.request(s.register("Test agent", callback)).Encode()), "alice")
		if csp := page.Header.Get("Content-Security-Policy"); strings.Contains(csp, "form-action") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("policy %q", csp)
		}
	})
	t.Run("clients.md 19: a GET may be let through to its 405", func(t *testing.T) {
		s := open(t)
		h := s.srv.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(405) }), nil,
			func(r *http.Request) bool { return r.Method == "GET" })
		for method, want := range map[string]int{"GET": 405, "POST": 401} {
			req := httptest.NewRequest(method, "/mcp", nil)
			req.Host = strings.TrimPrefix(s.url, "http://")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			if w.Code != want {
				t.Errorf("%s: %d", method, w.Code)
			}
		}
	})
}
