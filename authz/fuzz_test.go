package authz_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever is sent to the open addresses, the answer is one that the caller
// made necessary, in the right form, and nothing is written.
func FuzzOpenAddresses(f *testing.F) {
	s := open(f, newIDP(f).through("example.com"))
	client, tok := s.connect("alice")
	f.Add("/token", refreshForm(client, tok.Access).Encode())
	f.Add("/token", s.redeemForm(client, "ac_x").Encode())
	f.Add("/token", "grant_type=%zz;a=b&&&=")
	f.Add("/revoke", "token=at_x&client_id="+client)
	f.Add("/register", `{"redirect_uris":["https://a.test/cb"],"client_name":"\u0000"}`)
	f.Add("/register", `{"redirect_uris":{"a":1}}`)
	f.Add("/authorize", s.request(client).Encode())
	f.Add("/authorize", "client_id=a&client_id=b")
	f.Add("/login", "tx=x&form=y&username=alice&password=z")
	f.Add("/login/openid", "tx=x&link=y&invite=z")
	f.Add("/login/openid/callback", "state=x&code=y&iss=z")
	f.Add("/login/openid/callback", "state=x&error=access_denied&state=y")
	f.Add("/consent", "tx=x&decision=allow")
	f.Add("/logout", "form=x")
	f.Add("/setup", "link=x&username=alice&password=long+enough&again=long+enough")
	f.Add("/account/connections", "grant=all&form=x")
	f.Add("/account/connections", "rules=x&per_order=50&per_day=1,000&form=x")
	f.Add("/account/approve", "request=a.b&decision=approve&form=x")
	f.Add("/login/passkey", "tx=x&form=y&ceremony=z&answer={}")
	f.Add("/account/passkeys", "remove=psk_x&form=x")
	host := strings.TrimPrefix(s.url, "http://")
	before, err := s.log.Head(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, body string) {
		switch path {
		case "/token", "/revoke", "/register", "/authorize", "/login", "/login/openid", "/login/openid/callback", "/consent", "/logout", "/setup", "/account/connections", "/account/approve",
			"/login/passkey", "/account/passkeys":
		default:
			path = "/token"
		}
		s.clock.Add(time.Minute) // so that no limit answers instead
		method, target, media := "POST", path, "application/x-www-form-urlencoded"
		if path == "/register" {
			media = "application/json"
		}
		req := httptest.NewRequest(method, target, strings.NewReader(body))
		if path == "/authorize" || strings.HasPrefix(path, "/login/openid") {
			req = httptest.NewRequest("GET", target, nil)
			req.URL.RawQuery = body
		}
		req.Host = host
		req.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		s.srv.Handler().ServeHTTP(w, req)
		if w.Code >= 500 || w.Code == 200 && path != "/revoke" && path != "/login" {
			t.Fatalf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
		html := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html")
		if wire := path == "/token" || path == "/revoke" || path == "/register"; wire == html && w.Code != 303 {
			t.Fatalf("%s %q: %d as %s", path, body, w.Code, w.Header().Get("Content-Type"))
		}
		if path != "/revoke" {
			if after, err := s.log.Head(t.Context()); err != nil || after != before {
				t.Fatalf("%s %q wrote to the log: %v", path, body, err)
			}
		}
	})
}

// Whatever an authenticator is made to answer, nobody is let in by it, and the page
// says so in words.
func FuzzPasskeyLogin(f *testing.F) {
	s := openLocal(f)
	phone := s.device()
	s.browser().adds(phone, "alice")
	b := s.browser()
	f.Add(phone.proven(f, b.get("/login")).Get("answer"))
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"","signature":"","userHandle":"dXNyX3g"}}`)
	before, err := s.log.Head(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s.t = t
		s.clock.Add(2 * time.Second) // so that no limit answers instead
		_, form := b.get("/login").asked(t)
		form.Set("answer", text)
		if a := b.post("/login/passkey", form); a.StatusCode != 401 || !strings.Contains(a.body, opensNothing) {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		if now, err := s.log.Head(t.Context()); now != before || err != nil {
			t.Fatalf("%q does something: %v", text, err)
		}
	})
}

// Nor is a passkey made of anything but an answer to what was asked.
func FuzzPasskeyAdding(f *testing.F) {
	s := openLocal(f)
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	f.Add(s.device().made(f, b.get("/account/passkeys")).Get("answer"))
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`)
	_, form := b.get("/account/passkeys").asked(f) // the clock stands still
	before, err := s.log.Head(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s.t = t
		form.Set("answer", text)
		if a := b.post("/account/passkeys", form); a.StatusCode != 400 || !strings.Contains(a.body, `role="alert"`) {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		if now, err := s.log.Head(t.Context()); now != before || err != nil {
			t.Fatalf("%q does something: %v", text, err)
		}
	})
}
