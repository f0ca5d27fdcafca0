package authz_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestAttackRedirect(t *testing.T) {
	s := open(t)
	const web, app = "https://client.test/cb", "com.client.app:/cb"
	client := s.register("Test agent", callback, web, app)
	at := func(uri string) answer {
		q := s.request(client)
		q.Set("redirect_uri", uri)
		return s.browser().get("/authorize?" + q.Encode())
	}
	for name, uri := range map[string]string{
		"18 other host":             "https://evil.test/cb",
		"19 trailing slash":         web + "/",
		"19 extra query":            web + "?x=1",
		"19 path case":              "https://client.test/CB",
		"19 loopback path":          callback + "/",
		"20 dot segments":           "https://client.test/x/../cb",
		"20 encoded dots":           "https://client.test/%2e%2e/cb",
		"20 encoded letter":         "http://127.0.0.1:9999/%63allback",
		"21 userinfo":               "http://evil@127.0.0.1:9999/callback",
		"21 host as userinfo":       "http://127.0.0.1:9999@evil.test/callback",
		"22 suffix host":            "http://127.0.0.1.evil.test/callback",
		"22 prefix host":            "https://client.test.evil.test/cb",
		"23 backslash":              `https://client.test\@evil.test/cb`,
		"24 fragment":               web + "#x",
		"25 another port for https": "https://client.test:8443/cb",
		"27 short form":             "http://127.1:9999/callback",
		"27 decimal":                "http://2130706433:9999/callback",
		"27 IPv4-mapped":            "http://[::ffff:127.0.0.1]:9999/callback",
		"27 all zeros":              "http://0.0.0.0:9999/callback",
		"28 javascript":             "javascript:alert(1)",
		"30 private scheme, other":  "com.client.app:/other",
		"31 unicode":                "https://cliént.test/cb",
	} {
		t.Run(name, func(t *testing.T) { at(uri).shown(t, 400) })
	}
	for name, uri := range map[string]string{
		"25 other port on loopback":    "http://127.0.0.1:1234/callback",
		"25 no port on loopback":       "http://127.0.0.1/callback",
		"26 localhost for 127.0.0.1":   "http://localhost:55/callback",
		"26 the IPv6 loopback as well": "http://[::1]:55/callback",
		"exact https":                  web,
		"30 private scheme, exact":     app,
	} {
		t.Run(name, func(t *testing.T) {
			if a := at(uri); a.StatusCode != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/login?") {
				t.Errorf("%d to %s", a.StatusCode, a.Header.Get("Location"))
			}
		})
	}
	for name, uri := range map[string]string{
		"24 fragment": web + "#x", "21 userinfo": "https://u@client.test/", "23 backslash": `https://client.test\x`,
		"28 javascript": "javascript:alert(1)", "28 data": "data:text/html,x", "28 vbscript": "vbscript:x", "28 file": "file:///etc/passwd",
		"28 scheme-relative": "//client.test/cb", "28 relative": "/cb", "29 plain http": "http://client.test/cb", "27 odd loopback": "http://127.1/cb",
		"30 bare unknown scheme": "myapp:/cb", "31 unicode": "https://cliént.test/cb", "upper-case host": "https://CLIENT.test/cb",
	} {
		t.Run("register "+name, func(t *testing.T) {
			body, _ := json.Marshal(map[string]any{"redirect_uris": []string{uri}})
			s.postJSON("/register", string(body)).wants(t, 400, "invalid_redirect_uri")
		})
	}
	t.Run("30 the page shows the scheme", func(t *testing.T) {
		b := s.browser()
		q := s.request(client)
		q.Set("redirect_uri", app)
		if page := b.follow(b.get("/authorize?"+q.Encode()), "alice"); !strings.Contains(page.body, "<code>com.client.app:</code>") {
			t.Error("the destination is not on the page")
		}
	})
	t.Run("31 punycode is shown as such", func(t *testing.T) {
		const uri = "https://xn--clint-esa.test/cb"
		b := s.browser()
		q := s.request(s.register("Puny", uri))
		q.Set("redirect_uri", uri)
		if page := b.follow(b.get("/authorize?"+q.Encode()), "alice"); !strings.Contains(page.body, "xn--clint-esa.test") {
			t.Error("the destination is not on the page")
		}
	})
	t.Run("32 no open redirector", func(t *testing.T) {
		b := s.browser()
		page := b.get("/login?next=https://evil.test/&tx=https://evil.test/")
		page.shown(t, 400)
		if a := b.login(b.get("/login?next=https://evil.test/"), "alice", s.users["alice"]); a.Header.Get("Location") != "/account/connections" {
			t.Errorf("sent to %s", a.Header.Get("Location"))
		}
	})
	t.Run("33 another address at /token", func(t *testing.T) {
		q := s.browser().code("alice", s.request(client))
		form := s.redeemForm(client, q.Get("code"))
		form.Set("redirect_uri", callback+"x")
		s.postForm("/token", form).wants(t, 400, "invalid_grant")
	})
	t.Run("34 back with 303, its own query kept", func(t *testing.T) {
		const uri = "https://client.test/cb?tenant=1"
		b := s.browser()
		q := s.request(s.register("Query", uri))
		q.Set("redirect_uri", uri)
		a := b.decide(b.follow(b.get("/authorize?"+q.Encode()), "alice"), "allow")
		to, _ := url.Parse(a.Header.Get("Location"))
		if a.StatusCode != 303 || !strings.HasPrefix(to.String(), uri+"&code=") || to.Query().Get("tenant") != "1" {
			t.Errorf("%d to %s", a.StatusCode, to)
		}
	})
}
