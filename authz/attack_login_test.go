package authz_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"till/authz"
)

func TestAttackConsent(t *testing.T) {
	s := open(t)
	client := s.register("Test agent", callback)
	page := func(b *browser) answer {
		t.Helper()
		a := b.follow(b.get("/authorize?"+s.request(client).Encode()), "alice")
		if a.StatusCode != 200 {
			t.Fatalf("no consent page: %d", a.StatusCode)
		}
		return a
	}
	allow := func(a answer) url.Values {
		form := fields(a.body, "/consent")
		form.Set("decision", "allow")
		return form
	}
	grants := func() int { return s.count("grant.authorized") }

	t.Run("73 from another site", func(t *testing.T) {
		b := s.browser()
		form, before := allow(page(b)), grants()
		b.post("/consent", form, "Sec-Fetch-Site", "cross-site").shown(t, 403)
		b.post("/consent", form, "Sec-Fetch-Site", "same-site").shown(t, 403)
		b.post("/consent", form, "Sec-Fetch-Site", "", "Origin", "https://evil.test").shown(t, 403)
		form.Del("form")
		b.post("/consent", form).shown(t, 400)
		q := url.Values{"tx": form["tx"], "decision": {"allow"}}
		if a := b.get("/consent?" + q.Encode()); a.StatusCode != 200 || grants() != before {
			t.Error("a GET approves")
		}
	})
	t.Run("75 login without this browser's cookie", func(t *testing.T) {
		b, sessions := s.browser(), s.count("session.started")
		a := b.get(b.get("/authorize?" + s.request(client).Encode()).Header.Get("Location"))
		s.browser().login(a, "alice", s.users["alice"]).shown(t, 400)
		if s.count("session.started") != sessions {
			t.Error("a session began")
		}
	})
	t.Run("76 a planted session", func(t *testing.T) {
		b := s.browser()
		at, _ := url.Parse(s.url)
		name := "till-session-" + at.Port()
		planted := strings.Repeat("A", 43)
		b.c.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: planted, Path: "/"}})
		page(b)
		first := cookie(b, name)
		if first == planted || first == "" {
			t.Fatal("the planted session serves")
		}
		b.login(b.get("/login"), "bob", s.users["bob"])
		second := cookie(b, name)
		b.c.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: first, Path: "/"}})
		if a := b.get("/account/connections"); a.StatusCode != 303 || second == first {
			t.Error("the session before the login lives on")
		}
	})
	t.Run("77 a transaction of another browser", func(t *testing.T) {
		a := page(s.browser())
		mallory := s.browser()
		page(mallory)
		mallory.post("/consent", allow(a)).shown(t, 400)
	})
	t.Run("77 a page of another login", func(t *testing.T) {
		b := s.browser()
		a := page(b)
		b.login(b.get("/login"), "bob", s.users["bob"])
		b.post("/consent", allow(a)).shown(t, 400)
	})
	t.Run("78 twice", func(t *testing.T) {
		b := s.browser()
		form := allow(page(b))
		if a := b.post("/consent", form); a.StatusCode != 303 {
			t.Fatalf("%d", a.StatusCode)
		}
		b.post("/consent", form).shown(t, 400)
	})
	t.Run("an old page", func(t *testing.T) {
		b := s.browser()
		form := allow(page(b))
		s.clock.Add(11 * time.Minute)
		b.post("/consent", form).shown(t, 400)
	})
	t.Run("loading the page twice harms nothing", func(t *testing.T) {
		b := s.browser()
		form := allow(page(b))
		b.get("/consent?tx=" + form.Get("tx"))
		if a := b.post("/consent", form); a.StatusCode != 303 {
			t.Errorf("%d", a.StatusCode)
		}
	})
	t.Run("79 consent is not remembered for a client that registered itself", func(t *testing.T) {
		b := s.browser()
		b.code("alice", s.request(client))
		if a := b.get("/authorize?" + s.request(client).Encode()); !strings.HasPrefix(a.Header.Get("Location"), "/consent?") {
			t.Errorf("%d to %s", a.StatusCode, a.Header.Get("Location"))
		}
	})
	t.Run("80 the page says all that is needed", func(t *testing.T) {
		body := page(s.browser()).body
		for _, word := range []string{
			"Test agent", "Not verified", "<code>127.0.0.1:9999</code>", "this computer", "<strong>alice</strong>", "Not you?", "See and change your cart", "See your orders",
			"Place and pay for orders", "spend your money", "30 days", "/account/connections", `value="deny"`, `value="allow"`, "from an app on this computer",
		} {
			if !strings.Contains(body, word) {
				t.Errorf("it lacks %q", word)
			}
		}
	})
	t.Run("81 deny", func(t *testing.T) {
		b, before := s.browser(), grants()
		a := b.decide(page(b), "deny")
		a.sentBack(t, s, "access_denied")
		if !strings.Contains(a.Header.Get("Location"), "state=st-1") || grants() != before {
			t.Errorf("sent to %s", a.Header.Get("Location"))
		}
		b.decide(page(b), "maybe").shown(t, 400)
	})
	t.Run("not you?", func(t *testing.T) {
		b := s.browser()
		a := page(b)
		next := b.post("/logout", fields(a.body, "/logout"))
		if !strings.HasPrefix(next.Header.Get("Location"), "/login?tx=") {
			t.Fatalf("%d to %s", next.StatusCode, next.Header.Get("Location"))
		}
		if a := b.follow(next, "bob"); !strings.Contains(a.body, "<strong>bob</strong>") {
			t.Error("the page is not bob's")
		}
	})
}

func cookie(b *browser, name string) string {
	at, _ := url.Parse(b.s.url)
	for _, c := range b.c.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func TestAttackLogin(t *testing.T) {
	t.Run("82 guessing", func(t *testing.T) {
		s := open(t)
		b := s.browser()
		var last answer
		for i := range 12 {
			form := fields(b.get("/login").body, "/login")
			form.Set("username", "alice")
			form.Set("password", "guess-number")
			last = b.post("/login", form, "X-Forwarded-For", strings.Repeat("1", i%3+1)+".2.3.4", "Forwarded", "for=9.9.9.9")
		}
		if last.StatusCode != 429 || last.Header.Get("Retry-After") == "" {
			t.Fatalf("%d after twelve guesses", last.StatusCode)
		}
		// It stands on the log, once: beside the answer, so it may take a moment.
		for deadline := time.Now().Add(10 * time.Second); s.count("account.logins_refused") == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if n := s.count("account.logins_refused"); n != 1 {
			t.Errorf("%d events tell of it", n)
		}
		other := s.browser()
		if a := other.login(other.get("/login"), "alice", s.users["alice"]); a.StatusCode != 429 {
			t.Errorf("the limit is the browser's, not the account's: %d", a.StatusCode)
		}
		if a := other.login(other.get("/login"), "bob", s.users["bob"]); a.StatusCode != 303 {
			t.Errorf("another account suffers: %d", a.StatusCode)
		}
		s.clock.Add(time.Minute)
		if a := b.login(b.get("/login"), "alice", s.users["alice"]); a.StatusCode != 303 {
			t.Errorf("after waiting: %d", a.StatusCode)
		}
	})
	t.Run("83 who has an account", func(t *testing.T) {
		s := open(t)
		b := s.browser()
		hidden := func(a answer, name string) string {
			body := strings.ReplaceAll(a.body, name, "NAME")
			return hiddenField.ReplaceAllString(body, "")
		}
		known := b.login(b.get("/login"), "alice", "wrong-password")
		unknown := b.login(b.get("/login"), "nobody", "wrong-password")
		if known.StatusCode != 401 || unknown.StatusCode != 401 || hidden(known, "alice") != hidden(unknown, "nobody") {
			t.Error("the answers differ")
		}
		// The same work: an unknown name is not answered in a fraction of the
		// time. The best of five each, and a wide margin, keep a busy machine out
		// of it: without the dummy hash it is a thousandth.
		took := func(login string) time.Duration {
			best := time.Hour
			for range 5 {
				began := time.Now()
				if _, err := s.srv.Accounts().CheckPassword(t.Context(), login, "wrong-password"); !errors.Is(err, authz.ErrWrong) {
					t.Fatal(err)
				}
				best = min(best, time.Since(began))
			}
			return best
		}
		if a, b := took("alice"), took("nobody"); b < a/8 {
			t.Errorf("%s for a known name, %s for an unknown one", a, b)
		}
	})
	t.Run("84 many at once, and long ones", func(t *testing.T) {
		s := open(t)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := s.srv.Accounts().CheckPassword(t.Context(), "alice", s.users["alice"]); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.srv.Accounts().CheckPassword(ended, "alice", strings.Repeat("x", 257)); !errors.Is(err, authz.ErrWrong) {
			t.Errorf("a long password reaches the hash: %v", err)
		}
	})
	t.Run("85 cookies", func(t *testing.T) {
		s := open(t)
		b := s.browser()
		a := b.get("/login")
		b2 := b.login(a, "alice", s.users["alice"])
		all := append(a.Cookies(), b2.Cookies()...)
		if len(all) != 2 {
			t.Fatalf("cookies %v", all)
		}
		for _, c := range all {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%+v", c)
			}
		}
	})
	t.Run("86 logout and a new password end sessions", func(t *testing.T) {
		s := open(t)
		_, tok := s.connect("alice")
		b := s.browser()
		b.login(b.get("/login"), "alice", s.users["alice"])
		page := b.get("/account/connections")
		if page.StatusCode != 200 {
			t.Fatalf("%d", page.StatusCode)
		}
		at, _ := url.Parse(s.url)
		old := b.c.Jar.Cookies(at)
		b.post("/logout", url.Values{"form": {"x"}}).shown(t, 400)
		b.post("/logout", fields(page.body, "/logout"))
		b.c.Jar.SetCookies(at, old)
		if a := b.get("/account/connections"); a.StatusCode != 303 {
			t.Error("the session outlives the logout")
		}
		b.login(b.get("/login"), "alice", s.users["alice"])
		user, err := s.srv.Accounts().Find(t.Context(), "ALICE ")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.srv.Accounts().SetPassword(t.Context(), user, "another-password"); err != nil {
			t.Fatal(err)
		}
		if a := b.get("/account/connections"); a.StatusCode != 303 {
			t.Error("the session outlives the password")
		}
		if a := b.login(b.get("/login"), "alice", s.users["alice"]); a.StatusCode != 401 {
			t.Errorf("the old password: %d", a.StatusCode)
		}
		if a := b.login(b.get("/login"), "alice", "another-password"); a.StatusCode != 303 {
			t.Errorf("the new password: %d", a.StatusCode)
		}
		if !s.works(tok.Access) {
			t.Error("the agents went with the password")
		}
		s.clock.Add(8*time.Hour + time.Second)
		if a := b.get("/account/connections"); a.StatusCode != 303 {
			t.Error("the session outlives its eight hours")
		}
	})
}
