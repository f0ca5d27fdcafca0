package authz_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"till/domain/eventlog"
)

// The numbers are those of the adversarial checklist in the design notes.

func TestAttackRequest(t *testing.T) {
	s := open(t)
	client := s.register("Test agent", callback)
	set := func(pairs ...string) url.Values {
		q := s.request(client)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				q.Del(pairs[i])
			} else {
				q.Set(pairs[i], pairs[i+1])
			}
		}
		return q
	}
	for _, c := range []struct {
		name, want string
		q          url.Values
	}{
		{"1 no PKCE", "invalid_request", set("code_challenge", "", "code_challenge_method", "")},
		{"2 PKCE plain", "invalid_request", set("code_challenge_method", "plain")},
		{"3 no method means plain", "invalid_request", set("code_challenge_method", "")},
		{"4 challenge of 42", "invalid_request", set("code_challenge", strings.Repeat("a", 42))},
		{"4 challenge of 44", "invalid_request", set("code_challenge", strings.Repeat("a", 44))},
		{"4 challenge not base64url", "invalid_request", set("code_challenge", strings.Repeat("a", 42)+"=")},
		{"5 token", "unsupported_response_type", set("response_type", "token")},
		{"5 id_token", "unsupported_response_type", set("response_type", "id_token")},
		{"5 code token", "unsupported_response_type", set("response_type", "code token")},
		{"5 none", "invalid_request", set("response_type", "")},
		{"6 fragment", "invalid_request", set("response_mode", "fragment")},
		{"6 form_post", "invalid_request", set("response_mode", "form_post")},
		{"7 request", "request_not_supported", set("request", "eyJhbGciOiJub25lIn0.e30.")},
		{"7 request_uri", "request_uri_not_supported", set("request_uri", "http://127.0.0.1:1/r")},
		{"13 prompt=none without a session", "login_required", set("prompt", "none")},
		{"13 prompt=none with another", "invalid_request", set("prompt", "none login")},
		{"16 foreign resource", "invalid_target", set("resource", "https://other.test/mcp")},
		{"16 resource with a fragment", "invalid_target", set("resource", s.url+"/mcp#x")},
		{"16 resource with a path below", "invalid_target", set("resource", s.url+"/mcp/x")},
		{"10 huge state", "invalid_request", set("state", strings.Repeat("x", 3000))},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.browser().get("/authorize?" + c.q.Encode())
			a.sentBack(t, s, c.want)
			if strings.Contains(a.Header.Get("Location"), "#") {
				t.Error("something stands in a fragment")
			}
		})
	}

	for _, name := range []string{"client_id", "redirect_uri", "state", "code_challenge", "scope", "resource"} {
		t.Run("8 "+name+" twice", func(t *testing.T) {
			q := s.request(client)
			q.Add(name, q.Get(name))
			s.browser().get("/authorize?"+q.Encode()).shown(t, 400)
		})
	}
	for name, id := range map[string]string{
		"random": "cli_" + strings.Repeat("x", 43), "short": "cli_x", "empty": "", "with a wildcard": "cli_" + strings.Repeat("*", 43),
		"an http URL": "http://client.test/doc", "a document that is not there": "https://client.test/doc",
	} {
		t.Run("9 unknown client, "+name, func(t *testing.T) {
			s.browser().get("/authorize?"+s.request(id).Encode()).shown(t, 400)
		})
	}
	t.Run("10 without state", func(t *testing.T) {
		q := s.browser().code("alice", set("state", ""))
		if q.Has("state") {
			t.Error("a state comes back that was never sent")
		}
	})
	t.Run("11 huge query", func(t *testing.T) {
		s.browser().get("/authorize?"+s.request(client).Encode()+"&x="+strings.Repeat("x", 9000)).shown(t, 400)
	})
	t.Run("12 hostile state comes back as it was", func(t *testing.T) {
		state := "a b&c=d\r\nSet-Cookie: x=y\"><script>alert(1)</script>%00+é"
		if got := s.browser().code("alice", set("state", state)).Get("state"); got != state {
			t.Errorf("%q came back as %q", state, got)
		}
		a := s.browser().get("/authorize?" + set("state", state, "response_type", "token").Encode())
		if strings.ContainsAny(a.Header.Get("Location"), "<>\"\r\n ") || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("injected: %q", a.Header)
		}
	})
	t.Run("13 prompt=none with a session still needs consent", func(t *testing.T) {
		b := s.browser()
		b.code("alice", s.request(client))
		b.get("/authorize?"+set("prompt", "none").Encode()).sentBack(t, s, "consent_required")
	})
	t.Run("13 prompt=login asks again", func(t *testing.T) {
		b := s.browser()
		b.code("alice", s.request(client))
		s.clock.Add(1)
		a := b.get("/authorize?" + set("prompt", "login").Encode())
		next := a.Header.Get("Location")
		if !strings.HasPrefix(next, "/login?") {
			t.Fatalf("sent to %q", next)
		}
		if a := b.get(strings.Replace(next, "/login", "/consent", 1)); !strings.HasPrefix(a.Header.Get("Location"), "/login?") {
			t.Fatalf("the old session serves: %d", a.StatusCode)
		}
		if page := b.follow(a, "alice"); page.StatusCode != 200 {
			t.Fatalf("after the login: %d", page.StatusCode)
		}
	})
	for _, c := range []struct{ name, scope, want string }{
		{"14 unknown scope is dropped", "foo orders:read  claudeai", "orders:read"},
		{"14 only unknown", "foo shop:read", "catalog:read"},
		{"14 empty", "", "catalog:read"},
		{"14 offline_access means nothing", "offline_access openid", "catalog:read"},
		{"15 above the role", "shop:admin catalog:read", "catalog:read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.browser()
			page := b.follow(b.get("/authorize?"+set("scope", c.scope).Encode()), "alice")
			if strings.Contains(page.body, "Run the shop") {
				t.Error("the page offers what the role does not allow")
			}
			u, _ := url.Parse(b.decide(page, "allow").Header.Get("Location"))
			if tok := s.tokens(s.redeemForm(client, u.Query().Get("code"))); tok.Scope != c.want {
				t.Errorf("scope %q, want %q", tok.Scope, c.want)
			}
		})
	}
	t.Run("15 an administrator may", func(t *testing.T) {
		q := s.browser().code("admin", set("scope", "shop:admin"))
		if tok := s.tokens(s.redeemForm(client, q.Get("code"))); tok.Scope != "shop:admin" {
			t.Errorf("scope %q", tok.Scope)
		}
	})
	for _, resource := range []string{"", s.url, s.url + "/", s.url + "/mcp/", strings.Replace(s.url, "127.0.0.1", "localhost", 1) + "/mcp"} {
		t.Run("16 resource spelled "+resource, func(t *testing.T) {
			q := s.browser().code("alice", set("resource", resource))
			form := s.redeemForm(client, q.Get("code"))
			form.Set("resource", s.url+"/")
			if !s.works(s.tokens(form).Access) {
				t.Error("the token does not work")
			}
		})
	}
	t.Run("16 foreign resource at /token", func(t *testing.T) {
		q := s.browser().code("alice", s.request(client))
		form := s.redeemForm(client, q.Get("code"))
		form.Set("resource", "https://other.test/mcp")
		s.postForm("/token", form).wants(t, 400, "invalid_target")
		tok := s.tokens(s.redeemForm(client, q.Get("code")))
		refresh := refreshForm(client, tok.Refresh)
		refresh.Set("resource", "https://other.test/mcp")
		s.postForm("/token", refresh).wants(t, 400, "invalid_target")
	})
	for _, method := range []string{"POST", "PUT", "DELETE", "HEAD", "OPTIONS"} {
		t.Run("17 "+method, func(t *testing.T) {
			before, _ := s.log.Head(t.Context())
			req, _ := http.NewRequest(method, s.url+"/authorize?"+s.request(client).Encode(), nil)
			a := s.do(s.browser().c, req)
			if a.StatusCode != 405 || a.Header.Get("Allow") != "GET" || len(a.Cookies()) > 0 {
				t.Errorf("%d, Allow %q, cookies %v", a.StatusCode, a.Header.Get("Allow"), a.Cookies())
			}
			if after, _ := s.log.Head(t.Context()); after != before {
				t.Error("it left a trace")
			}
		})
	}
}

// count returns how many events of the type are on the log.
func (s *shop) count(eventType string) int {
	s.t.Helper()
	n := 0
	for _, e := range s.events() {
		if e.Type == eventType {
			n++
		}
	}
	return n
}

func (s *shop) events() []eventlog.Envelope {
	s.t.Helper()
	head, err := s.log.Head(s.t.Context())
	if err != nil || head == 0 {
		return nil
	}
	for batch, err := range s.log.Follow(s.t.Context(), 0, int(head)) {
		if err != nil {
			s.t.Fatal(err)
		}
		return batch
	}
	return nil
}
