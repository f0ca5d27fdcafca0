package authz_test

import (
	"net/url"
	"strings"
	"testing"
)

// 49: once the answer is there that something has ended, it has ended. The
// clock stands still: nothing here ends by itself.
func TestAttackGone(t *testing.T) {
	grantOf := func(tok tokens) string { return strings.TrimPrefix(strings.Split(tok.Access, ".")[0], "at_") }
	user := func(t *testing.T, s *shop) string {
		t.Helper()
		id, err := s.srv.Accounts().Find(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for name, end := range map[string]func(t *testing.T, s *shop, b *browser, client string, tok tokens){
		"revocation of the access token": func(t *testing.T, s *shop, _ *browser, client string, tok tokens) {
			if a := s.postForm("/revoke", url.Values{"token": {tok.Access}, "client_id": {client}}); a.StatusCode != 200 {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
		},
		"revocation of the refresh token": func(t *testing.T, s *shop, _ *browser, client string, tok tokens) {
			if a := s.postForm("/revoke", url.Values{"token": {tok.Refresh}, "client_id": {client}}); a.StatusCode != 200 {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
		},
		"withdrawn consent": func(t *testing.T, _ *shop, b *browser, _ string, tok tokens) {
			form := fields(b.get("/account/connections").body, "/account/connections")
			form.Set("grant", grantOf(tok))
			if a := b.post("/account/connections", form); a.StatusCode != 200 {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
		},
		"a disabled account": func(t *testing.T, s *shop, _ *browser, _ string, _ tokens) {
			if err := s.srv.DisableAccount(t.Context(), user(t, s)); err != nil {
				t.Fatal(err)
			}
		},
		"a forgotten person": func(t *testing.T, s *shop, _ *browser, _ string, _ tokens) {
			if _, err := s.srv.ForgetAccount(t.Context(), user(t, s), byAdmin); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run("49 "+name, func(t *testing.T) {
			s := open(t)
			client, tok := s.connect("alice")
			_, bobs := s.connect("bob")
			b := s.browser()
			b.login(b.get("/login"), "alice", s.users["alice"])
			if !s.works(tok.Access) {
				t.Fatal("the token never worked")
			}
			end(t, s, b, client, tok)
			a := s.call("Bearer " + tok.Access)
			if a.StatusCode != 401 || !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("/mcp answers %d %q", a.StatusCode, a.Header.Get("WWW-Authenticate"))
			}
			s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
			if !s.works(bobs.Access) {
				t.Error("another person's agent ended, too")
			}
		})
	}
	// A logout is the browser's: its session ends at once, the agents go on until
	// they are disconnected.
	t.Run("49 logout", func(t *testing.T) {
		s := open(t)
		_, tok := s.connect("alice")
		b := s.browser()
		b.login(b.get("/login"), "alice", s.users["alice"])
		page := b.get("/account/connections")
		at, _ := url.Parse(s.url)
		stolen := b.c.Jar.Cookies(at)
		b.post("/logout", fields(page.body, "/logout"))
		b.c.Jar.SetCookies(at, stolen)
		if a := b.get("/account/connections"); page.StatusCode != 200 || a.StatusCode != 303 {
			t.Errorf("before %d, after %d", page.StatusCode, a.StatusCode)
		}
		if !s.works(tok.Access) {
			t.Error("the agent was disconnected")
		}
	})
}
