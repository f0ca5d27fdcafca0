package authz_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"till/authz"
)

// started is a login that stands before its callback.
type started struct {
	*browser
	page     answer
	callback string
}

// begin brings a new browser to the provider and back, an agent's request behind it.
func (s *shop) begin(client string) started {
	s.t.Helper()
	b := s.browser()
	page := b.get(b.get("/authorize?" + s.request(client).Encode()).Header.Get("Location"))
	return started{b, page, b.atProvider(page)}
}

// with changes a parameter of a callback; an empty value takes it out.
func with(t *testing.T, address string, params ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for i := 0; i < len(params); i += 2 {
		if q.Set(params[i], params[i+1]); params[i+1] == "" {
			q.Del(params[i])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// nobody fails the test unless the answer is a page with the status and the words,
// and nobody was logged in by it.
func (s *shop) nobody(t *testing.T, a answer, status int, words string, sessions, accounts int) {
	t.Helper()
	a.shown(t, status)
	if !strings.Contains(a.body, words) {
		_, said, _ := strings.Cut(a.body, "<main>")
		t.Errorf("the page lacks %q: %s", words, said)
	}
	if s.count("session.started") != sessions || s.count("account.opened") != accounts {
		t.Error("somebody was logged in, or got an account")
	}
	if !strings.Contains(a.body, `action="/login"`) && !strings.Contains(a.body, `href="/login"`) {
		t.Error("there is no way back to the login page")
	}
}

// 87: whatever is wrong with a login at another provider, nobody is logged in by it.
func TestAttackOpenID(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.through("example.com"))
	client := s.register("Test agent", callback)
	const expired, refused = "This login has expired", "cannot be accepted"

	good := s.begin(client)
	if a := good.get(good.callback); a.StatusCode != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/consent?tx=") {
		t.Fatalf("the good one: %d to %s %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	refusedAfter := func(name string, status int, words string, do func(t *testing.T, in started) answer) {
		t.Run("87 "+name, func(t *testing.T) {
			in := s.begin(client)
			sessions, accounts := s.count("session.started"), s.count("account.opened")
			s.nobody(t, do(t, in), status, words, sessions, accounts)
		})
	}

	// The state.
	refusedAfter("no state", 400, expired, func(t *testing.T, in started) answer { return in.get(with(t, in.callback, "state", "")) })
	refusedAfter("an edited state", 400, expired, func(t *testing.T, in started) answer {
		return in.get(strings.Replace(in.callback, "state=", "state=A", 1))
	})
	refusedAfter("a transaction as state", 400, expired, func(t *testing.T, in started) answer {
		return in.get(with(t, in.callback, "state", fields(in.page.body, "/login").Get("tx")))
	})
	refusedAfter("a state of another browser", 400, expired, func(t *testing.T, in started) answer {
		other := s.begin(client)
		return other.get(in.callback)
	})
	refusedAfter("a browser without cookies", 400, expired, func(t *testing.T, in started) answer { return s.browser().get(in.callback) })
	refusedAfter("a state used before", 400, expired, func(t *testing.T, in started) answer {
		in.get(with(t, in.callback, "error", "access_denied", "code", ""))
		return in.get(in.callback)
	})
	refusedAfter("a state of more than ten minutes", 400, expired, func(t *testing.T, in started) answer {
		s.clock.Add(10*time.Minute + time.Second)
		return in.get(in.callback)
	})
	refusedAfter("a parameter twice", 400, expired, func(t *testing.T, in started) answer { return in.get(in.callback + "&code=another") })

	// The issuer in the callback (RFC 9207).
	refusedAfter("the iss of another provider", 502, refused, func(t *testing.T, in started) answer {
		return in.get(with(t, in.callback, "iss", "https://evil.test"))
	})
	refusedAfter("no iss, which was promised", 502, refused, func(t *testing.T, in started) answer { return in.get(with(t, in.callback, "iss", "")) })
	refusedAfter("an error of another provider", 502, refused, func(t *testing.T, in started) answer {
		return in.get(with(t, in.callback, "error", "access_denied", "iss", "https://evil.test"))
	})
	refusedAfter("a no", 403, "cancelled or refused", func(t *testing.T, in started) answer {
		return in.get(with(t, in.callback, "code", "", "error", "access_denied", "error_description", "<script>"))
	})
	refusedAfter("another error", 502, "could not log you in", func(t *testing.T, in started) answer {
		return in.get(with(t, in.callback, "code", "", "error", "<script>alert(1)</script>"))
	})

	// The code.
	refusedAfter("no code", 502, refused, func(t *testing.T, in started) answer { return in.get(with(t, in.callback, "code", "")) })
	refusedAfter("a code of another login (PKCE)", 502, "did not accept", func(t *testing.T, in started) answer {
		mallory := s.begin(client)
		theirs, _ := url.Parse(mallory.callback)
		return in.get(with(t, in.callback, "code", theirs.Query().Get("code")))
	})

	// The ID token.
	claim := func(name string, change func(c map[string]any)) {
		refusedAfter(name, 502, refused, func(t *testing.T, in started) answer {
			p.wrong(t, func() { p.claims = change })
			return in.get(in.callback)
		})
	}
	set := func(key string, value any) func(map[string]any) { return func(c map[string]any) { c[key] = value } }
	claim("a nonce of another login", set("nonce", "another"))
	claim("no nonce", func(c map[string]any) { delete(c, "nonce") })
	claim("made for another client", set("aud", "another-client"))
	claim("made for no client", func(c map[string]any) { delete(c, "aud") })
	claim("made for two, without azp", set("aud", []string{idpClient, "another-client"}))
	claim("made for us, azp of another", set("azp", "another-client"))
	claim("of another issuer", set("iss", "https://evil.test"))
	claim("of our issuer with a slash", set("iss", p.url+"/"))
	claim("expired", func(c map[string]any) { c["exp"] = s.clock.Now().Add(-time.Minute).Unix() })
	claim("without an end", func(c map[string]any) { delete(c, "exp") })
	claim("from the future", func(c map[string]any) { c["iat"] = s.clock.Now().Add(time.Hour).Unix() })
	claim("an at_hash of another token", set("at_hash", base(make([]byte, 16))))
	claim("no subject", func(c map[string]any) { delete(c, "sub") })
	claim("a subject of 256 characters", set("sub", strings.Repeat("x", 256)))
	sign := func(name string, how func(head, body map[string]any) string) {
		refusedAfter(name, 502, refused, func(t *testing.T, in started) answer {
			p.wrong(t, func() { p.sign = how })
			return in.get(in.callback)
		})
	}
	sign("alg none", func(head, body map[string]any) string { head["alg"] = "none"; return unsigned(head, body) + "." })
	sign("HS256 with the client's secret", func(head, body map[string]any) string { return hs256([]byte(idpSecret), head, body) })
	sign("HS256 with the public key", func(head, body map[string]any) string {
		public, _ := p.keys[0].PublicKey.Bytes()
		return hs256(public, head, body)
	})
	stranger := newIDP(t)
	sign("signed with a key of its own", func(head, body map[string]any) string { return es256(stranger.keys[0], head, body) })
	sign("a key that the token brings", func(head, body map[string]any) string {
		public, _ := stranger.keys[0].PublicKey.Bytes()
		head["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": base(public[1:33]), "y": base(public[33:])}
		head["jku"] = stranger.url + "/jwks"
		return es256(stranger.keys[0], head, body)
	})
	sign("no token", func(head, body map[string]any) string { return "nothing" })

	// The provider.
	path := func(name string, status int, words, path string, h http.HandlerFunc) {
		refusedAfter(name, status, words, func(t *testing.T, in started) answer {
			p.wrong(t, func() { p.before[path] = h })
			began := time.Now()
			a := in.get(in.callback)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			return a
		})
	}
	const away = "cannot be reached just now"
	elsewhere := newIDP(t)
	path("a token endpoint that redirects", 503, away, "/token", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.url+"/token", http.StatusTemporaryRedirect)
	})
	if n := elsewhere.asked["/token"].Load(); n != 0 {
		t.Errorf("the code and the secret were sent elsewhere %d times", n)
	}
	large := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"`)
		for range 1 << 10 {
			fmt.Fprint(w, strings.Repeat("x", 1<<10))
		}
		fmt.Fprint(w, `"}`)
	}
	path("an endless token answer", 503, away, "/token", large)
	path("an answer that is no JSON", 503, away, "/token", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") })
	path("a provider that fails", 503, away, "/token", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
	path("an answer without an ID token", 502, refused, "/token", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"access_token": "a", "token_type": "Bearer"})
	})

	t.Run("56 what the provider gave out is nothing at /mcp", func(t *testing.T) {
		p.mu.Lock()
		given := p.tokens
		p.mu.Unlock()
		for _, token := range given {
			if s.works(token) {
				t.Fatalf("%s works", token)
			}
			s.postForm("/token", refreshForm(client, token)).wants(t, 400, "invalid_grant")
		}
	})

	// Nothing of all this is kept.
	t.Run("61 secrets", func(t *testing.T) {
		kept := s.lines.String()
		if !strings.Contains(kept, "OpenID provider") {
			t.Fatal("nothing was logged: the test sees nothing")
		}
		for _, e := range s.events() {
			kept += fmt.Sprintf("\n%s %s %+v %s", e.Stream, e.Type, e.Meta, e.Data)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.tokens) < 60 {
			t.Fatalf("only %d codes and tokens", len(p.tokens))
		}
		for _, secret := range append(p.tokens, idpSecret, "248289761001", "carol@example.com") {
			if strings.Contains(kept, secret) {
				t.Errorf("%s is kept", secret)
			}
		}
	})
}

// 87: who may open an account, and that no address opens another's.
func TestAttackOpenIDAccounts(t *testing.T) {
	for name, test := range map[string]struct {
		domains []string
		claims  []any
		status  int
		words   string
	}{
		"an unverified address":           {[]string{"example.com"}, []any{"email", "x@example.com"}, 403, "not to this shop"},
		"an address that is not verified": {[]string{"example.com"}, []any{"email", "x@example.com", "email_verified", false}, 403, "not to this shop"},
		"another domain":                  {[]string{"example.com"}, []any{"email", "x@example.org", "email_verified", true}, 403, "not to this shop"},
		"a domain below it":               {[]string{"example.com"}, []any{"email", "x@evil.example.com", "email_verified", true}, 403, "not to this shop"},
		"a domain that ends alike":        {[]string{"example.com"}, []any{"email", "x@evilexample.com", "email_verified", true}, 403, "not to this shop"},
		"two at signs":                    {[]string{"example.com"}, []any{"email", "x@evil.test@example.com", "email_verified", true}, 403, "not to this shop"},
		"a letter that looks alike":       {[]string{"kitchen.com"}, []any{"email", "x@\u212Aitchen.com", "email_verified", true}, 403, "not to this shop"},
		"a hosted domain, not Google's":   {[]string{"example.com"}, []any{"hd", "example.com"}, 403, "not to this shop"},
		"no domain allowed":               {nil, []any{"email", "x@example.com", "email_verified", true}, 403, "not to this shop"},
		"the address of an account":       {[]string{"example.com"}, []any{"email", "Dora@Example.com", "email_verified", true}, 409, "under your name already"},
		"the same, open to everybody":     {[]string{"*"}, []any{"email", "dora@example.com", "email_verified", true}, 409, "under your name already"},
	} {
		t.Run("87 "+name, func(t *testing.T) {
			p := newIDP(t)
			s := open(t, p.through(test.domains...))
			if _, err := s.srv.Accounts().OpenAccount(t.Context(), "dora@example.com", "dora's password", "customer"); err != nil {
				t.Fatal(err)
			}
			p.is("stranger", test.claims...)
			in := s.begin(s.register("Test agent", callback))
			sessions, accounts := s.count("session.started"), s.count("account.opened")
			s.nobody(t, in.get(in.callback), test.status, test.words, sessions, accounts)
			if n := s.count("account.linked"); n != 0 {
				t.Errorf("%d accounts were linked", n)
			}
			// And she still has it by her password.
			if a := in.login(in.get("/login"), "dora@example.com", "dora's password"); a.StatusCode != 303 {
				t.Errorf("the password login: %d", a.StatusCode)
			}
		})
	}
	t.Run("87 an unverified name is nobody else's", func(t *testing.T) {
		p := newIDP(t)
		s := open(t, p.through("*"))
		p.is("stranger", "email", "admin@example.com", "preferred_username", "admin")
		in := s.begin(s.register("Test agent", callback))
		a := in.get(in.get(in.callback).Header.Get("Location"))
		host := strings.ReplaceAll(strings.TrimPrefix(p.url, "http://"), ":", "-")
		if !strings.Contains(a.body, "<strong>"+host+"-admin</strong>") || strings.Contains(a.body, "Run the shop") {
			t.Errorf("the consent page: %d %s", a.StatusCode, a.body)
		}
	})
}

// 87: of many callbacks at once with one state, one goes on.
func TestAttackOpenIDRace(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.through("example.com"))
	in := s.begin(s.register("Test agent", callback))
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[int]int{}
	for range 20 {
		wg.Go(func() {
			a := in.get(in.callback)
			mu.Lock()
			defer mu.Unlock()
			got[a.StatusCode]++
		})
	}
	wg.Wait()
	if got[303] != 1 || got[400] != 19 || p.spent != 1 || s.count("session.started") != 1 || s.count("account.linked") != 1 || s.count("account.opened") != 4 {
		t.Errorf("%v, %d codes spent, %d sessions, %d accounts", got, p.spent, s.count("session.started"), s.count("account.opened"))
	}
	t.Run("one person in many tabs", func(t *testing.T) {
		p.is("another", "preferred_username", "erin", "email", "erin@example.com", "email_verified", true)
		client := s.register("Test agent", callback)
		var tabs []started
		for range 10 {
			tabs = append(tabs, s.begin(client))
		}
		for _, tab := range tabs {
			wg.Go(func() {
				if a := tab.get(tab.callback); a.StatusCode != 303 {
					t.Errorf("%d %s", a.StatusCode, a.body)
				}
			})
		}
		wg.Wait()
		if s.count("account.opened") != 5 || s.count("account.linked") != 2 {
			t.Errorf("%d accounts, %d links", s.count("account.opened"), s.count("account.linked"))
		}
	})
}

// 87: a discovery document or keys that cannot be accepted, and a provider that is
// slow or away: the page says so, and passwords go on.
func TestAttackOpenIDProvider(t *testing.T) {
	large := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"x":"%s"}`, strings.Repeat("x", 300<<10))
	}
	slow := func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }
	document := func(change func(map[string]any)) func(*idp) { return func(p *idp) { p.discovery = change } }
	for name, do := range map[string]func(p *idp){
		"another issuer":           document(func(d map[string]any) { d["issuer"] = "https://evil.test" }),
		"no token endpoint":        document(func(d map[string]any) { delete(d, "token_endpoint") }),
		"keys over http elsewhere": document(func(d map[string]any) { d["jwks_uri"] = "http://192.0.2.1/jwks" }),
		"a login page over http":   document(func(d map[string]any) { d["authorization_endpoint"] = "http://evil.test/auth" }),
		"a login page as a script": document(func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" }),
		"an oversized document":    func(p *idp) { p.before["/.well-known/openid-configuration"] = large },
		"a document that redirects": func(p *idp) {
			p.before["/.well-known/openid-configuration"] = http.RedirectHandler("/jwks", http.StatusFound).ServeHTTP
		},
		"a slow document": func(p *idp) {
			p.before["/.well-known/openid-configuration"] = slow
		},
	} {
		t.Run("87 "+name, func(t *testing.T) {
			p := newIDP(t)
			s := open(t, p.through("example.com"), func(c *authz.Config) { c.OpenID.Timeout = 300 * time.Millisecond })
			p.wrong(t, func() { do(p) })
			b := s.browser()
			page := b.get(b.get("/authorize?" + s.request(s.register("Test agent", callback)).Encode()).Header.Get("Location"))
			a := b.get(hrefOf(page.body, "/login/openid?"))
			s.nobody(t, a, 503, "cannot be reached just now", 0, 3)
			asked := p.asked["/.well-known/openid-configuration"].Load()
			b.get(hrefOf(page.body, "/login/openid?"))
			if n := p.asked["/.well-known/openid-configuration"].Load(); n != asked {
				t.Errorf("it was asked again at once")
			}
			// The page on which it says so takes a password, for the same request.
			if next := b.login(a, "alice", s.users["alice"]); !strings.HasPrefix(next.Header.Get("Location"), "/consent?tx=") {
				t.Errorf("the password login goes to %q", next.Header.Get("Location"))
			}
			// Once it is well again, so is the login.
			p.mu.Lock()
			p.discovery, p.before = nil, map[string]http.HandlerFunc{}
			p.mu.Unlock()
			s.clock.Add(6 * time.Second)
			again := s.begin(s.register("Test agent", callback))
			if a := again.get(again.callback); a.StatusCode != 303 {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		})
	}
	for name, h := range map[string]http.HandlerFunc{
		"oversized keys": large,
		"slow keys":      slow,
		"a slow token":   slow,
		"oct as a key": func(w http.ResponseWriter, r *http.Request) {
			reply(w, 200, map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": base([]byte(idpSecret))}}})
		},
	} {
		t.Run("87 "+name, func(t *testing.T) {
			p := newIDP(t)
			s := open(t, p.through("example.com"), func(c *authz.Config) { c.OpenID.Timeout = 300 * time.Millisecond })
			path := "/jwks"
			if name == "a slow token" {
				path = "/token"
			}
			p.wrong(t, func() { p.before[path] = h })
			in := s.begin(s.register("Test agent", callback))
			a := in.get(in.callback)
			if a.StatusCode != 503 && a.StatusCode != 502 {
				t.Errorf("%d", a.StatusCode)
			}
			s.nobody(t, a, a.StatusCode, "Example ID", 0, 3)
		})
	}
	t.Run("87 keys that rotate", func(t *testing.T) {
		p := newIDP(t)
		s := open(t, p.through("example.com"))
		client := s.register("Test agent", callback)
		for i := range 3 {
			in := s.begin(client)
			if a := in.get(in.callback); a.StatusCode != 303 {
				t.Fatalf("%d after %d rotations: %s", a.StatusCode, i, a.body)
			}
			old := p.keys[0]
			p.rotate()
			in = s.begin(client)
			if a := in.get(in.callback); a.StatusCode != 303 {
				t.Fatalf("%d with the new key", a.StatusCode)
			}
			in = s.begin(client)
			p.wrong(t, func() {
				p.sign = func(head, body map[string]any) string { head["kid"] = kid(old); return es256(old, head, body) }
			})
			if a := in.get(in.callback); a.StatusCode != 502 {
				t.Errorf("a key that was taken back signs: %d", a.StatusCode)
			}
			p.mu.Lock()
			p.sign = nil
			p.mu.Unlock()
		}
	})
	t.Run("87 a flood", func(t *testing.T) {
		p := newIDP(t)
		s := open(t, p.through("example.com"))
		b := s.browser()
		var last answer
		for range 120 {
			last = b.get("/login/openid?tx=x")
		}
		if last.StatusCode != 429 || last.Header.Get("Retry-After") == "" {
			t.Errorf("%d after 120 starts", last.StatusCode)
		}
		if a := b.login(b.get("/login"), "alice", s.users["alice"]); a.StatusCode != 303 {
			t.Errorf("the password login suffers: %d", a.StatusCode)
		}
	})
	t.Run("87 started from elsewhere", func(t *testing.T) {
		p := newIDP(t)
		s := open(t, p.through("example.com"))
		b := s.browser()
		page := b.login(b.get("/login"), "alice", s.users["alice"])
		_ = page
		for _, path := range []string{"/login/openid", "/login/openid?tx=", "/login/openid?link=", "/login/openid?link=x", "/login/openid?invite=x&form=y"} {
			if a := b.get(path); a.StatusCode != 400 || a.Header.Get("Location") != "" {
				t.Errorf("%s: %d to %s", path, a.StatusCode, a.Header.Get("Location"))
			}
		}
		// An agent's request leads to our page and not on from there.
		request := s.request(s.register("Test agent", callback))
		request.Set("prompt", "login")
		if a := b.get("/authorize?" + request.Encode()); !strings.HasPrefix(a.Header.Get("Location"), "/login?tx=") {
			t.Errorf("%d to %s", a.StatusCode, a.Header.Get("Location"))
		} else if page := b.get(a.Header.Get("Location")); page.StatusCode != 200 || !strings.Contains(page.body, "Test agent") {
			t.Errorf("%d %s", page.StatusCode, page.body)
		}
		// Another browser's page leads nowhere.
		other := s.browser()
		if a := other.get(hrefOf(b.get("/login").body, "/login/openid?")); a.StatusCode != 400 {
			t.Errorf("%d", a.StatusCode)
		}
		for _, method := range []string{"HEAD", "POST", "PUT"} {
			req, _ := http.NewRequest(method, s.url+"/login/openid", nil)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if a := s.do(b.c, req); a.StatusCode != 405 {
				t.Errorf("%s: %d", method, a.StatusCode)
			}
		}
	})
}
