package authz_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"till/authz"
	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

// The first login opens a customer's account, the next ones find it; the agent's
// request goes on to the consent page each time, and never past it.
func TestOpenIDLogin(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.through("example.com"))
	client := s.register("Test agent", callback)
	var first account.State
	for i := range 2 {
		in := s.begin(client)
		a := in.get(in.callback)
		page := in.get(a.Header.Get("Location"))
		if page.StatusCode != 200 || !strings.Contains(page.body, "<strong>carol@example.com</strong>") {
			t.Fatalf("no consent page for her: %d %s", page.StatusCode, page.body)
		}
		q, err := url.Parse(in.decide(page, "allow").Header.Get("Location"))
		if err != nil || q.Query().Get("code") == "" {
			t.Fatal(q, err)
		}
		tok := s.tokens(s.redeemForm(client, q.Query().Get("code")))
		if !s.works(tok.Access) {
			t.Error("the agent's token does not work")
		}
		who := s.account(t, "carol@example.com")
		if who.Role != account.Customer || len(who.Logins) != 1 || !strings.HasPrefix(who.User, "usr_") {
			t.Errorf("%+v", who)
		}
		if i == 0 {
			first = who
			// Another address and a rule that would no longer let her in change nothing:
			// it is the same person there.
			p.is("248289761001", "email", "carol@example.org")
			s.clock.Add(2 * time.Hour)
		} else if who.User != first.User {
			t.Error("the second login is another account")
		}
	}
	t.Run("without an agent", func(t *testing.T) {
		b := s.browser()
		a := b.get(b.atProvider(b.get("/login")))
		if a.Header.Get("Location") != "/account/connections" {
			t.Fatalf("%d to %s", a.StatusCode, a.Header.Get("Location"))
		}
		page := b.get("/account/connections")
		if !strings.Contains(page.body, "You can log in with <strong>Example ID</strong>") {
			t.Errorf("%d %s", page.StatusCode, page.body)
		}
	})
	t.Run("a fresh login is asked for there too", func(t *testing.T) {
		b := s.browser()
		b.get(b.atProvider(b.get("/login")))
		request := s.request(client)
		request.Set("prompt", "login")
		page := b.get(b.get("/authorize?" + request.Encode()).Header.Get("Location"))
		a := b.get(hrefOf(page.body, "/login/openid?"))
		if !strings.Contains(a.Header.Get("Location"), "prompt=login") {
			t.Errorf("sent to %s", a.Header.Get("Location"))
		}
		s.clock.Add(time.Second)
		back := b.get(a.Header.Get("Location")).Header.Get("Location")
		if next := b.get(b.get(back).Header.Get("Location")); next.StatusCode != 200 {
			t.Errorf("%d to %s", next.StatusCode, next.Header.Get("Location"))
		}
	})
	t.Run("not you?", func(t *testing.T) {
		in := s.begin(client)
		page := in.get(in.get(in.callback).Header.Get("Location"))
		page = in.get(in.post("/logout", fields(page.body, "/logout")).Header.Get("Location"))
		if a := in.get(hrefOf(page.body, "/login/openid?")); !strings.Contains(a.Header.Get("Location"), "prompt=login") {
			t.Errorf("the provider may log her in again unasked: %s", a.Header.Get("Location"))
		}
	})
	t.Run("no password fits it", func(t *testing.T) {
		for _, password := range []string{"", "carol", strings.TrimPrefix(first.User, "usr_")} {
			if _, err := s.srv.Accounts().CheckPassword(t.Context(), "carol@example.com", password); err == nil {
				t.Errorf("%q does", password)
			}
		}
	})
	t.Run("her only way in stays", func(t *testing.T) {
		b := s.browser()
		b.get(b.atProvider(b.get("/login")))
		page := b.get("/account/connections")
		if page.StatusCode != 200 || strings.Contains(page.body, "/login/openid/unlink") {
			t.Errorf("%d %s", page.StatusCode, page.body)
		}
	})
	t.Run("a password that she chooses later ends her sessions and links", func(t *testing.T) {
		b := s.browser()
		b.get(b.atProvider(b.get("/login")))
		if err := s.srv.Accounts().SetPassword(t.Context(), first.User, "carol's password"); err != nil {
			t.Fatal(err)
		}
		if a := b.get("/account/connections"); a.StatusCode != 303 {
			t.Errorf("%d", a.StatusCode)
		}
		b.get(b.atProvider(b.get("/login")))
		if a := b.get("/account/connections"); a.StatusCode != 303 {
			t.Errorf("a login that was linked before lets in: %d", a.StatusCode)
		}
		// Until she links it anew.
		b.login(b.get("/login"), "carol@example.com", "carol's password")
		there := b.get(hrefOf(b.get("/account/connections").body, "/login/openid?link=")).Header.Get("Location")
		b.get(b.get(there).Header.Get("Location"))
		again := s.browser()
		again.get(again.atProvider(again.get("/login")))
		if a := again.get("/account/connections"); a.StatusCode != 200 {
			t.Errorf("the provider's login after that: %d", a.StatusCode)
		}
	})
	t.Run("disabled", func(t *testing.T) {
		b := s.browser()
		b.get(b.atProvider(b.get("/login")))
		if err := s.srv.DisableAccount(t.Context(), first.User); err != nil {
			t.Fatal(err)
		}
		if a := b.get("/account/connections"); a.StatusCode != 303 {
			t.Error("the session outlives the account")
		}
		sessions, accounts := s.count("session.started"), s.count("account.opened")
		s.nobody(t, b.get(b.atProvider(b.get("/login"))), 403, "Your account is shut", sessions, accounts)
		if err := s.srv.EnableAccount(t.Context(), first.User); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("forgotten", func(t *testing.T) {
		before := len(s.links(t))
		if _, err := s.srv.ForgetAccount(t.Context(), first.User, eventlog.Actor{Kind: eventlog.Admin}); err != nil {
			t.Fatal(err)
		}
		if after := len(s.links(t)); before != 1 || after != 0 {
			t.Errorf("%d links before, %d after", before, after)
		}
		p.is("248289761001", "email", "carol@example.com", "email_verified", true)
		b := s.browser()
		b.get(b.atProvider(b.get("/login")))
		if who := s.account(t, "carol@example.com"); who.User == first.User {
			t.Error("she has her old account again")
		}
	})
}

func (s *shop) account(t *testing.T, login string) account.State {
	t.Helper()
	user, err := s.srv.Accounts().Find(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	state, _, err := s.views.State(t.Context(), eventlog.Stream{Category: account.Category, ID: user})
	if err != nil {
		t.Fatal(err)
	}
	return state.(account.State)
}

// links are the keys of logins at a provider.
func (s *shop) links(t *testing.T) (keys []string) {
	t.Helper()
	all, err := s.credentials.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if strings.HasPrefix(k, "openid.") {
			keys = append(keys, k)
		}
	}
	return keys
}

// Some providers tell of the address at the userinfo endpoint only.
func TestOpenIDUserinfo(t *testing.T) {
	for name, test := range map[string]struct {
		info   map[string]any
		status int
	}{
		"told there":             {map[string]any{"sub": "248289761001", "email": "carol@example.com", "email_verified": "true"}, 303},
		"not verified":           {map[string]any{"sub": "248289761001", "email": "carol@example.com"}, 403},
		"of somebody else":       {map[string]any{"sub": "another", "email": "carol@example.com", "email_verified": true}, 502},
		"of nobody":              {map[string]any{"email": "carol@example.com", "email_verified": true}, 502},
		"with an odd email type": {map[string]any{"sub": "248289761001", "email": 7}, 502},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			s := open(t, p.through("example.com"))
			p.wrong(t, func() { p.userinfo = test.info })
			in := s.begin(s.register("Test agent", callback))
			if a := in.get(in.callback); a.StatusCode != test.status && !(test.status == 502 && a.StatusCode == 503) {
				t.Errorf("%d, want %d: %s", a.StatusCode, test.status, a.body)
			}
			// Who has an account is not asked about again.
			if test.status == 303 {
				asked := p.asked["/userinfo"].Load()
				in = s.begin(s.register("Test agent", callback))
				if a := in.get(in.callback); a.StatusCode != 303 || p.asked["/userinfo"].Load() != asked {
					t.Errorf("%d, asked %d times", a.StatusCode, p.asked["/userinfo"].Load())
				}
			}
		})
	}
}

// A person with a password links the login on their own page; nothing else does.
func TestOpenIDLink(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.through())
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	start := func(b *browser) answer {
		return b.get(hrefOf(b.get("/account/connections").body, "/login/openid?link="))
	}
	if at := start(b).Header.Get("Location"); !strings.Contains(at, "prompt=login") {
		t.Errorf("whoever is logged in there would be linked: %s", at)
	}
	hers := hrefOf(b.get("/account/connections").body, "/login/openid?link=")
	a := b.get(b.get(start(b).Header.Get("Location")).Header.Get("Location"))
	if a.Header.Get("Location") != "/account/connections" || s.count("account.linked") != 1 {
		t.Fatalf("%d to %s: %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	fresh := s.browser()
	fresh.get(fresh.atProvider(fresh.get("/login")))
	if page := fresh.get("/account/connections"); !strings.Contains(page.body, "<strong>alice</strong>") {
		t.Errorf("she cannot log in with it: %s", page.body)
	}
	t.Run("unlinked and linked again", func(t *testing.T) {
		form := fields(b.get("/account/connections").body, "/login/openid/unlink")
		bob := s.browser()
		bob.login(bob.get("/login"), "bob", s.users["bob"])
		bob.post("/login/openid/unlink", form).shown(t, 400)
		b.post("/login/openid/unlink", form, "Sec-Fetch-Site", "cross-site").shown(t, 403)
		b.post("/login/openid/unlink", url.Values{"form": {"x"}}).shown(t, 400)
		if s.count("account.unlinked") != 0 || len(s.links(t)) != 1 {
			t.Fatal("it was unlinked by somebody else")
		}
		if a := b.post("/login/openid/unlink", form); a.Header.Get("Location") != "/account/connections" || s.count("account.unlinked") != 1 || len(s.links(t)) != 0 {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		sessions, accounts := s.count("session.started"), s.count("account.opened")
		in := s.browser()
		s.nobody(t, in.get(in.atProvider(in.get("/login"))), 403, "not to this shop", sessions, accounts)
		b.get(b.get(start(b).Header.Get("Location")).Header.Get("Location"))
		if s.count("account.linked") != 2 || len(s.links(t)) != 1 {
			t.Errorf("%d links", s.count("account.linked"))
		}
	})
	t.Run("another's login", func(t *testing.T) {
		bob := s.browser()
		bob.login(bob.get("/login"), "bob", s.users["bob"])
		a := bob.get(bob.get(start(bob).Header.Get("Location")).Header.Get("Location"))
		if a.StatusCode != 409 || !strings.Contains(a.body, "belongs to another account") || s.count("account.linked") != 2 {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("87 a session that ended meanwhile", func(t *testing.T) {
		p.is("a third")
		bob := s.browser()
		bob.login(bob.get("/login"), "bob", s.users["bob"])
		back := bob.get(start(bob).Header.Get("Location")).Header.Get("Location")
		bob.login(bob.get("/login"), "alice", s.users["alice"])
		if a := bob.get(back); a.StatusCode != 400 || s.count("account.linked") != 2 {
			t.Errorf("%d: bob's login was linked to alice", a.StatusCode)
		}
	})
	t.Run("the wrong token", func(t *testing.T) {
		other := s.browser()
		other.login(other.get("/login"), "bob", s.users["bob"])
		if a := other.get(hers); a.StatusCode != 400 {
			t.Errorf("%d", a.StatusCode)
		}
	})
}

// An invited person may log in at the provider instead of choosing a password, also
// where no domain is allowed; an administrator may not.
func TestOpenIDInvitation(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.through())
	open := func(b *browser, link string) answer {
		t.Helper()
		href := hrefOf(b.get(link).body, "/login/openid?invite=")
		if href == "" {
			return answer{}
		}
		return b.get(b.get(b.get(href).Header.Get("Location")).Header.Get("Location"))
	}
	link, err := s.srv.Invite(t.Context(), "frank", account.Customer)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	if a := open(b, link); a.Header.Get("Location") != "/account/connections" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if who := s.account(t, "frank"); len(who.Logins) != 1 || who.Role != account.Customer {
		t.Errorf("%+v", who)
	}
	if a := b.get(link); a.StatusCode != 400 {
		t.Errorf("the link works twice: %d", a.StatusCode)
	}
	admin, err := s.srv.Invite(t.Context(), "grace", account.Admin)
	if err != nil {
		t.Fatal(err)
	}
	if a := open(s.browser(), admin); a.Response != nil {
		t.Error("an administrator's account is opened by the provider")
	}
}

// copied holds the links only: open makes users of its own, under names that are taken.
func copied(t *testing.T, from *memlog.Bucket) *memlog.Bucket {
	t.Helper()
	to := &memlog.Bucket{}
	keys, err := from.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if value, _, err := from.Get(t.Context(), k); err == nil && strings.HasPrefix(k, "openid.") {
			if err := to.Put(t.Context(), k, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

func TestOpenIDConfig(t *testing.T) {
	for name, change := range map[string]func(*authz.OpenID){
		"no URL":               func(o *authz.OpenID) { o.Issuer = "login.example.com" },
		"http elsewhere":       func(o *authz.OpenID) { o.Issuer = "http://login.example.com" },
		"a query":              func(o *authz.OpenID) { o.Issuer += "?tenant=1" },
		"a user name":          func(o *authz.OpenID) { o.Issuer = "https://a:b@login.example.com" },
		"the document":         func(o *authz.OpenID) { o.Issuer += "/.well-known/openid-configuration" },
		"no client id":         func(o *authz.OpenID) { o.ClientID = "" },
		"an address as domain": func(o *authz.OpenID) { o.Domains = []string{"carol@example.com"} },
		"everybody and some":   func(o *authz.OpenID) { o.Domains = []string{"*", "example.com"} },
		"a wildcard":           func(o *authz.OpenID) { o.Domains = []string{"*.example.com"} },
		"no domain":            func(o *authz.OpenID) { o.Domains = []string{""} },
	} {
		t.Run(name, func(t *testing.T) {
			o := authz.OpenID{Issuer: "https://login.example.com", ClientID: "till", Secret: "the secret"}
			change(&o)
			_, err := authz.New(config(func(c *authz.Config) { c.OpenID = &o }))
			if err == nil || strings.Contains(err.Error(), "the secret") {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := authz.New(config(func(c *authz.Config) {
		c.OpenID = &authz.OpenID{Issuer: "https://login.example.com/realms/staff", ClientID: "till", Domains: []string{"@Example.com", "example.org"}}
	})); err != nil {
		t.Error(err)
	}
}

func config(change func(*authz.Config)) authz.Config {
	log, ts := memlog.New("test"), types()
	c := authz.Config{
		Currency: "USD", PublicURL: "http://127.0.0.1:8000", Secret: bytes.Repeat([]byte{7}, 32), Log: log, Types: ts, Views: newMemViews(log, ts),
		Credentials: &memlog.Bucket{}, Pending: &memlog.Bucket{}, People: &memlog.Bucket{},
	}
	change(&c)
	return c
}
