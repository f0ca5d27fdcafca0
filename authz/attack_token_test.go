package authz_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"till/authz"
	"till/domain/eventlog"
	"till/domain/grant"
)

func TestAttackToken(t *testing.T) {
	s := open(t)
	t.Run("44 reuse of a rotated refresh token kills the family", func(t *testing.T) {
		client, tok := s.connect("alice")
		next := s.tokens(refreshForm(client, tok.Refresh))
		s.clock.Add(31 * time.Second)
		s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
		s.postForm("/token", refreshForm(client, next.Refresh)).wants(t, 400, "invalid_grant")
		if s.works(next.Access) {
			t.Error("the new access token lives")
		}
	})
	t.Run("44 within the leeway it gets a successor of its own", func(t *testing.T) {
		client, tok := s.connect("alice")
		one := s.tokens(refreshForm(client, tok.Refresh))
		s.clock.Add(29 * time.Second)
		two := s.tokens(refreshForm(client, tok.Refresh))
		if one.Refresh == two.Refresh || !s.works(one.Access) || !s.works(two.Access) {
			t.Error("the two processes do not both go on")
		}
		s.clock.Add(9 * time.Minute)
		s.tokens(refreshForm(client, one.Refresh))
		s.tokens(refreshForm(client, two.Refresh))
	})
	t.Run("46 another client, or a guess, harms nothing", func(t *testing.T) {
		client, tok := s.connect("alice")
		stranger := s.register("Stranger", callback+"/2")
		s.postForm("/token", refreshForm(stranger, tok.Refresh)).wants(t, 400, "invalid_grant")
		guess := tok.Refresh[:len(tok.Refresh)-43] + strings.Repeat("A", 43)
		s.postForm("/token", refreshForm(client, guess)).wants(t, 400, "invalid_grant")
		if !s.works(tok.Access) {
			t.Error("the family died of a guess")
		}
		s.tokens(refreshForm(client, tok.Refresh))
	})
	t.Run("47 scope at refresh", func(t *testing.T) {
		client := s.register("Test agent", callback)
		request := s.request(client)
		request.Set("scope", "catalog:read orders:write")
		tok := s.tokens(s.redeemForm(client, s.browser().code("alice", request).Get("code")))
		form := refreshForm(client, tok.Refresh)
		form.Set("scope", "cart:write")
		s.postForm("/token", form).wants(t, 400, "invalid_scope")
		form.Set("scope", "unheard:of")
		s.postForm("/token", form).wants(t, 400, "invalid_scope")
		form.Set("scope", "orders:read")
		narrow := s.tokens(form)
		if narrow.Scope != "orders:read" {
			t.Errorf("scope %q", narrow.Scope)
		}
		if wide := s.tokens(refreshForm(client, narrow.Refresh)); wide.Scope != "catalog:read orders:write" {
			t.Errorf("scope %q", wide.Scope)
		}
	})
	t.Run("48 the refresh token's end is absolute", func(t *testing.T) {
		client, tok := s.connect("alice")
		for range 29 {
			s.clock.Add(24 * time.Hour)
			tok = s.tokens(refreshForm(client, tok.Refresh))
		}
		s.clock.Add(24*time.Hour + time.Second)
		s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
	})
	t.Run("50 revoking what is not yours", func(t *testing.T) {
		_, tok := s.connect("alice")
		stranger := s.register("Stranger", callback+"/2")
		for _, token := range []string{tok.Access, tok.Refresh, "at_nonsense", strings.Repeat("x", 9000)} {
			if a := s.postForm("/revoke", url.Values{"token": {token}, "client_id": {stranger}}); a.StatusCode != 200 {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		}
		if !s.works(tok.Access) {
			t.Error("the victim's token died")
		}
	})
	t.Run("51 no introspection", func(t *testing.T) {
		if a := s.postForm("/introspect", url.Values{"token": {"x"}}); a.StatusCode != 404 {
			t.Errorf("%d", a.StatusCode)
		}
	})
	t.Run("53 edited tokens", func(t *testing.T) {
		_, tok := s.connect("alice")
		parts := strings.Split(tok.Access, ".")
		swapped := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r - 32
			}
			return r
		}, parts[2])
		for name, edited := range map[string]string{
			"refresh token":     tok.Refresh,
			"refresh as access": "at" + tok.Refresh[2:],
			"generation up":     parts[0] + ".2." + parts[2],
			"generation zero":   parts[0] + ".0." + parts[2],
			"leading zero":      parts[0] + ".01." + parts[2],
			"negative":          parts[0] + ".-1." + parts[2],
			"plus":              parts[0] + ".+1." + parts[2],
			"huge generation":   parts[0] + ".999999999." + parts[2],
			"truncated":         tok.Access[:len(tok.Access)-1],
			"longer":            tok.Access + "A",
			"case swapped":      parts[0] + "." + parts[1] + "." + swapped,
			"kind in capitals":  "AT" + tok.Access[2:],
			"blank inside":      parts[0] + ". 1." + parts[2],
			"57 a JWT":          "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSJ9.",
			"54 star":           "at_" + strings.Repeat("*", 22) + ".1." + parts[2],
			"54 greater":        "at_>" + strings.Repeat("A", 21) + ".1." + parts[2],
			"54 dots":           "at_A.A" + strings.Repeat("A", 19) + ".1." + parts[2],
		} {
			if s.works(edited) {
				t.Errorf("%s works: %s", name, edited)
			}
		}
		if !s.works(tok.Access) {
			t.Error("the true token no longer works")
		}
	})
	t.Run("55 a token for another resource", func(t *testing.T) {
		two := open(t)
		_, tok := two.connect("alice")
		if s.works(tok.Access) {
			t.Error("another shop's token works")
		}
	})
	t.Run("60 the token answer", func(t *testing.T) {
		client := s.register("Test agent", callback)
		q := s.browser().code("alice", s.request(client))
		a := s.postForm("/token", s.redeemForm(client, q.Get("code")))
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", a.Header)
		}
		want := regexp.MustCompile(`^\{"access_token":"at_[\w-]{22}\.1\.[\w-]{43}","token_type":"Bearer","expires_in":600,"refresh_token":"rt_[\w-]{22}\.1\.[\w-]{43}","scope":"catalog:read cart:write orders:read orders:write"\}\n$`)
		if !want.MatchString(a.body) {
			t.Errorf("body %s", a.body)
		}
	})
	t.Run("no refresh token for a client that cannot use one", func(t *testing.T) {
		a := s.postJSON("/register", `{"redirect_uris":["`+callback+`"],"grant_types":["authorization_code"]}`)
		client := a.json(t)["client_id"].(string)
		q := s.browser().code("alice", s.request(client))
		if tok := s.tokens(s.redeemForm(client, q.Get("code"))); tok.Refresh != "" {
			t.Error("it got one")
		}
	})
}

// Every shape of a call without a good token, and what it is answered.
func TestChallenges(t *testing.T) {
	s := open(t)
	_, tok := s.connect("alice")
	metadata := `resource_metadata="` + s.url + `/.well-known/oauth-protected-resource/mcp"`
	const shopping = `scope="catalog:read cart:write orders:read orders:write", `
	none := "Bearer " + shopping + metadata
	invalid := `Bearer error="invalid_token", error_description="The token is unknown, expired or revoked.", ` + shopping + metadata
	for _, c := range []struct{ name, header, want string }{
		{"none", "", none},
		{"empty bearer", "Bearer ", none},
		{"bearer alone", "Bearer", none},
		{"Basic", "Basic dXNlcjpwdw==", none},
		{"two words", "Bearer a b", none},
		{"garbage", "Bearer garbage", invalid},
		{"refresh token", "Bearer " + tok.Refresh, invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.call(c.header)
			if a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") != c.want || len(a.Header["Www-Authenticate"]) != 1 {
				t.Errorf("%d %q\nwant %q", a.StatusCode, a.Header.Get("WWW-Authenticate"), c.want)
			}
			if a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("content type %q", a.Header.Get("Content-Type"))
			}
		})
	}
	t.Run("52 the scheme in any case", func(t *testing.T) {
		if a := s.call("bEARER " + tok.Access); a.StatusCode != 200 {
			t.Errorf("%d", a.StatusCode)
		}
	})
	t.Run("52 in the address", func(t *testing.T) {
		req, _ := http.NewRequest("POST", s.url+"/mcp?access_token="+tok.Access, nil)
		if a := s.do(http.DefaultClient, req); a.StatusCode != 401 {
			t.Errorf("%d", a.StatusCode)
		}
	})
	t.Run("52 twice", func(t *testing.T) {
		req, _ := http.NewRequest("POST", s.url+"/mcp", nil)
		req.Header["Authorization"] = []string{"Bearer " + tok.Access, "Bearer " + tok.Access}
		if a := s.do(http.DefaultClient, req); a.StatusCode != 401 {
			t.Errorf("%d", a.StatusCode)
		}
	})
	t.Run("expired", func(t *testing.T) {
		s.clock.Add(11 * time.Minute)
		if a := s.call("Bearer " + tok.Access); a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") != invalid {
			t.Errorf("%d %q", a.StatusCode, a.Header.Get("WWW-Authenticate"))
		}
	})
	t.Run("58 a missing scope names all that are needed", func(t *testing.T) {
		s := open(t)
		s.need = func(*http.Request) []string { return []string{grant.CartWrite, grant.OrdersWrite} }
		client := s.register("Test agent", callback)
		request := s.request(client)
		request.Set("scope", "orders:read")
		tok := s.tokens(s.redeemForm(client, s.browser().code("alice", request).Get("code")))
		a := s.call("Bearer " + tok.Access)
		want := `Bearer error="insufficient_scope", error_description="The person has not allowed this: it needs cart:write orders:write.", ` +
			`scope="cart:write orders:read orders:write", resource_metadata="` + s.url + `/.well-known/oauth-protected-resource/mcp"`
		if a.StatusCode != 403 || a.Header.Get("WWW-Authenticate") != want {
			t.Errorf("%d %q\nwant %q", a.StatusCode, a.Header.Get("WWW-Authenticate"), want)
		}
		a.wants(t, 403, "insufficient_scope")
	})
	t.Run("an alias gets its own documents", func(t *testing.T) {
		alias := strings.Replace(s.url, "127.0.0.1", "localhost", 1)
		req, _ := http.NewRequest("POST", alias+"/mcp", nil)
		if a := s.do(http.DefaultClient, req); !strings.Contains(a.Header.Get("WWW-Authenticate"), `resource_metadata="`+alias+`/`) {
			t.Errorf("%q", a.Header.Get("WWW-Authenticate"))
		}
	})
}

// 61: what was given out stands neither on the log nor in what was logged.
func TestNoSecretIsKept(t *testing.T) {
	s := open(t)
	secrets := map[string]string{"verifier": verifier}
	client, tok := s.connect("alice")
	secrets["access token"], secrets["refresh token"] = tok.Access, tok.Refresh
	next := s.tokens(refreshForm(client, tok.Refresh))
	secrets["next access token"], secrets["next refresh token"] = next.Access, next.Refresh

	b := s.browser()
	request := s.request(client)
	request.Set("state", "state-of-the-client")
	q := b.code("bob", request)
	secrets["code"], secrets["state"] = q.Get("code"), "state-of-the-client"
	s.postForm("/token", s.redeemForm(client, q.Get("code")+"x"))
	b.login(b.get("/login"), "alice", "pw-wrong-guess")
	at, _ := url.Parse(s.url)
	for _, cookie := range b.c.Jar.Cookies(at) {
		secrets["cookie "+cookie.Name] = cookie.Value
	}
	secrets["wrong password"] = "pw-wrong-guess"
	for login, password := range s.users {
		secrets["password of "+login] = password
	}
	s.call("Bearer " + next.Access + "x")
	s.clock.Add(time.Minute)
	s.postForm("/token", refreshForm(client, tok.Refresh))
	if len(secrets) < 12 {
		t.Fatalf("only %d secrets: the test lost its cookies", len(secrets))
	}
	kept := s.lines.String()
	if !strings.Contains(kept, "revoked") {
		t.Fatal("nothing was logged: the test sees nothing")
	}
	for _, e := range s.events() {
		kept += fmt.Sprintf("\n%s %s %+v %s", e.Stream, e.Type, e.Meta, e.Data)
	}
	for name, secret := range secrets {
		if strings.Contains(kept, secret) {
			t.Errorf("%s is kept", name)
		}
		if parts := strings.Split(secret, "."); len(parts) == 3 && strings.Contains(kept, parts[2]) {
			t.Errorf("the secret of %s is kept", name)
		}
	}
	for login := range s.users {
		if strings.Contains(kept, login) && login != "admin" { // a role, too
			t.Errorf("the login name %s is kept in clear", login)
		}
	}
}

// 98: an outage is told as such; nobody throws tokens away because of it.
func TestOutage(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	q := s.browser().code("alice", s.request(client))
	for name, outage := range map[string]error{"unavailable": eventlog.ErrUnavailable, "damaged": &eventlog.Gap{Where: "the log", From: 3, To: 4}, "newer": eventlog.ErrUnknownType} {
		t.Run(name, func(t *testing.T) {
			s.views.fail(outage)
			defer s.views.fail(nil)
			for what, a := range map[string]answer{
				"/mcp":    s.call("Bearer " + tok.Access),
				"redeem":  s.postForm("/token", s.redeemForm(client, q.Get("code"))),
				"refresh": s.postForm("/token", refreshForm(client, tok.Refresh)),
				"revoke":  s.postForm("/revoke", url.Values{"token": {tok.Access}, "client_id": {client}}),
			} {
				if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || a.Header.Get("WWW-Authenticate") != "" || a.json(t)["error"] != "temporarily_unavailable" {
					t.Errorf("%s: %d %v %s", what, a.StatusCode, a.Header, a.body)
				}
			}
			s.browser().get("/authorize?"+s.request(client).Encode()).shown(t, 503)
		})
	}
	if !s.works(tok.Access) {
		t.Error("the token did not survive the outage")
	}
	s.tokens(s.redeemForm(client, q.Get("code")))
}

// A node whose views lag still knows the tokens that it or another has issued.
func TestLateViews(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	s.views.hold(true)
	next := s.tokens(refreshForm(client, tok.Refresh))
	if !s.works(next.Access) {
		t.Error("a token newer than the views is refused")
	}
	parts := strings.Split(next.Access, ".")
	if s.works(parts[0] + ".2." + strings.Repeat("A", 43)) {
		t.Error("a forged token newer than the views works")
	}
	a := s.postForm("/revoke", url.Values{"token": {next.Access}, "client_id": {client}})
	if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("a revocation that is not known to have arrived is answered %d", a.StatusCode)
	}
	s.views.hold(false)
	if s.works(next.Access) {
		t.Error("the revocation was lost")
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"http://127.0.0.1:8000", "http://127.0.0.1:8000"},
		{"http://LOCALHOST:8000/", "http://localhost:8000"},
		{"http://[::1]:8000", "http://[::1]:8000"},
		{"https://Shop.Mydomain.net/", "https://shop.mydomain.net"},
		{"https://shop.mydomain.net:443", "https://shop.mydomain.net"},
		{"https://shop.mydomain.net:8443", "https://shop.mydomain.net:8443"},
		{"HTTPS://shop.mydomain.net", "https://shop.mydomain.net"},
	} {
		if got, err := authz.ParsePublicURL(c.url); err != nil || got != c.want {
			t.Errorf("%s: %q %v", c.url, got, err)
		}
	}
	for _, url := range []string{
		"", "shop", "http://shop.mydomain.net", "https://shop.mydomain.net/mcp", "https://shop.mydomain.net//", "https://u@shop.mydomain.net",
		"https://shop.mydomain.net?x", "https://shop.mydomain.net?", "https://shop.mydomain.net#", "ftp://127.0.0.1", "https://example.com",
		"https://shop.example", "https://your-domain.com", "http://0.0.0.0:8000", "https://shöp.net", "http://127.0.0.1.evil.net", "http://192.168.1.2:8000", "https://shop.mydomain.net:",
	} {
		if got, err := authz.ParsePublicURL(url); err == nil {
			t.Errorf("91 %q is taken as %q", url, got)
		}
	}
}
