package authz_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"till/authz"
	"till/domain/account"
	"till/domain/eventlog"
)

// A person adds a passkey, logs in with it, for themselves and for an app, and
// removes it.
func TestPasskeys(t *testing.T) {
	s := openLocal(t)
	b, d := s.browser(), s.device()
	b.login(b.get("/login"), "alice", s.users["alice"])
	page := b.get("/account/passkeys")
	form := d.made(t, page)
	form.Set("name", " Alice’s\u202e phone\n<b> "+strings.Repeat("x", 100))
	a := b.post("/account/passkeys", form)
	if a.StatusCode != 200 || !strings.Contains(a.body, "Alice’s phone &lt;b&gt; xxx") || strings.Contains(a.body, strings.Repeat("x", 40)) || !strings.Contains(a.body, "Not used yet") {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if !strings.Contains(b.get("/account/connections").body, `href="/account/passkeys"`) {
		t.Error("nothing leads to the page")
	}

	// For their own pages, in another browser.
	s.clock.Add(time.Hour)
	other := s.browser()
	if a := other.enters(d); a.StatusCode != 303 || a.Header.Get("Location") != "/account/connections" || !other.inside() {
		t.Fatalf("%d to %q %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	s.clock.Add(5 * time.Minute)
	if a := other.get("/account/passkeys"); !strings.Contains(a.body, "Last used 5 minutes ago") || !strings.Contains(a.body, "this session") {
		t.Errorf("%s", a.body)
	}

	// For an app.
	client := s.register("Test agent", callback)
	third := s.browser()
	at := third.get("/authorize?" + s.request(client).Encode()).Header.Get("Location")
	consent := third.post("/login/passkey", d.proven(t, third.get(at)))
	if next := consent.Header.Get("Location"); consent.StatusCode != 303 || !strings.HasPrefix(next, "/consent?tx=") {
		t.Fatalf("%d to %q %s", consent.StatusCode, next, consent.body)
	}
	if a := third.decide(third.get(consent.Header.Get("Location")), "allow"); !strings.Contains(a.Header.Get("Location"), "code=") {
		t.Errorf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}

	// Removed it opens nothing, and whoever came by it is out.
	if a := b.post("/account/passkeys", removal(t, b.get("/account/passkeys"))); a.StatusCode != 200 || !strings.Contains(a.body, "Removed") || !strings.Contains(a.body, "no passkey yet") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if !b.inside() || other.inside() || third.inside() {
		t.Error("only the sessions that began with it end")
	}
	fourth := s.browser()
	fourth.refused(fourth.enters(d), 401, "opens no account here")

	var types []string
	for _, e := range s.events() {
		if strings.HasPrefix(e.Type, "account.passkey") || e.Type == "session.started" {
			types = append(types, e.Type)
		}
		for _, secret := range [][]byte{d.key.ID, []byte("phone")} {
			if bytes.Contains(e.Data, secret) || bytes.Contains(e.Data, []byte(fmt.Sprintf("%q", secret))) {
				t.Errorf("%s holds %q", e.Type, secret)
			}
		}
	}
	if got := strings.Join(types, " "); got != "session.started account.passkey_added session.started session.started account.passkey_removed" {
		t.Errorf("the log: %s", got)
	}
	if strings.Contains(s.lines.String(), "phone") || strings.Contains(s.lines.String(), "alice") {
		t.Error("the logs tell a name")
	}
}

func TestPasskeysOwnSession(t *testing.T) {
	s := openLocal(t)
	b, d := s.browser(), s.device()
	b.adds(d, "alice")
	own := s.browser()
	own.enters(d)
	if a := own.post("/account/passkeys", removal(t, own.get("/account/passkeys"))); a.Header.Get("Location") != "/login" || own.inside() {
		t.Errorf("%d to %q: the session outlives its passkey", a.StatusCode, a.Header.Get("Location"))
	}
}

// Killed between the event and the deletion, the shop has a key left that opens
// nothing; the next change destroys it.
func TestPasskeysThatAreLeft(t *testing.T) {
	s := openLocal(t)
	b, d := s.browser(), s.device()
	b.adds(d, "alice")
	place := "passkeys." + s.user("alice")
	ring, _, err := s.credentials.Get(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	b.post("/account/passkeys", removal(t, b.get("/account/passkeys")))
	if err := s.credentials.Put(t.Context(), place, ring); err != nil {
		t.Fatal(err)
	}
	other := s.browser()
	other.refused(other.enters(d), 401, "opens no account here")
	if page := b.get("/account/passkeys"); !strings.Contains(page.body, "no passkey yet") {
		t.Errorf("%s", page.body)
	}
	s.clock.Add(time.Hour)
	b.adds(d, "alice") // the same authenticator, which asks for nothing better
	if kept, _, _ := s.credentials.Get(t.Context(), place); bytes.Count(kept, []byte(`"credential"`)) != 1 {
		t.Errorf("kept are %s", kept)
	}
	// The other way round: the log says that it counts, and its key is lost.
	if err := s.credentials.Delete(t.Context(), place); err != nil {
		t.Fatal(err)
	}
	if page := b.get("/account/passkeys"); !strings.Contains(page.body, "without its key") {
		t.Errorf("%s", page.body)
	}
	if a := b.post("/account/passkeys", removal(t, b.get("/account/passkeys"))); !strings.Contains(a.body, "no passkey yet") {
		t.Errorf("%s", a.body)
	}
}

// Two authenticators of one person, the second told of the first.
func TestPasskeysAreOfOnePerson(t *testing.T) {
	s := openLocal(t)
	b, phone, laptop, bobs := s.browser(), s.device(), s.device(), s.device()
	b.adds(phone, "alice")
	options, _ := b.get("/account/passkeys").asked(t)
	asked, err := virtualwebauthn.ParseAttestationOptions(options)
	if err != nil || !phone.key.IsExcludedForAttestation(*asked) || laptop.key.IsExcludedForAttestation(*asked) {
		t.Errorf("excluded are %q: %v", asked.ExcludeCredentials, err)
	}
	if asked.UserName != "alice" || asked.UserID != s.user("alice") {
		t.Errorf("they are %q %q", asked.UserName, asked.UserID)
	}
	s.clock.Add(time.Second)
	b.adds(laptop, "alice")
	s.browser().adds(bobs, "bob")
	for d, login := range map[*device]string{phone: "alice", laptop: "alice", bobs: "bob"} {
		b := s.browser()
		b.enters(d)
		if a := b.get("/account/passkeys"); !strings.Contains(a.body, "<strong>"+login+"</strong>") || strings.Count(a.body, "<section") != map[string]int{"alice": 2, "bob": 1}[login] {
			t.Errorf("%s: %s", login, a.body)
		}
	}
	if a := b.get("/account/passkeys"); strings.Count(a.body, "this session") != 0 {
		t.Error("a session by password is a passkey's")
	}
}

func TestPasskeysHaveALimit(t *testing.T) {
	s := openLocal(t)
	b := s.browser()
	for range account.MaxPasskeys {
		b.adds(s.device(), "alice")
	}
	a := b.get("/account/passkeys")
	if strings.Contains(a.body, "data-passkey") || !strings.Contains(a.body, "as many passkeys as fit") || strings.Contains(a.Header.Get("Content-Security-Policy"), "script") {
		t.Errorf("%s", a.body)
	}
}

// Where browsers know no passkeys there is neither button nor script, and the
// person's page says where there are.
func TestPasskeysNeedAHostName(t *testing.T) {
	local := open(t)
	localhost := strings.Replace(local.url, "127.0.0.1", "localhost", 1)
	for name, c := range map[string]struct {
		public, host string
		works        bool
		says         string
	}{
		"an address of this machine": {local.url, strings.TrimPrefix(local.url, "http://"), false, "open this page at " + localhost},
		"localhost":                  {local.url, strings.TrimPrefix(localhost, "http://"), true, ""},
		"IPv6":                       {local.url, strings.Replace(strings.TrimPrefix(local.url, "http://"), "127.0.0.1", "[::1]", 1), false, "open this page at " + localhost},
		"https":                      {"https://shop.mydomain.net", "shop.mydomain.net", true, ""},
		"https on a port":            {"https://shop.mydomain.net:8443", "shop.mydomain.net:8443", true, ""},
		"https at an address":        {"https://192.0.2.1", "192.0.2.1", false, "can have none"},
		"https at an IPv6 address":   {"https://[2001:db8::1]", "[2001:db8::1]", false, "can have none"},
		"https and half a name":      {"https://shop", "shop", false, "can have none"},
	} {
		t.Run(name, func(t *testing.T) {
			s := local
			if c.public != local.url {
				s = open(t, func(cfg *authz.Config) { cfg.PublicURL = c.public })
			}
			w := s.ask("GET", c.host, "/login")
			if got := strings.Contains(w.Body.String(), "data-passkey"); got != c.works || w.Code != 200 {
				t.Errorf("%d, offered %v: %s", w.Code, got, w.Body)
			}
			if got := strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src"); got != c.works || strings.Contains(w.Body.String(), "<script") != c.works {
				t.Errorf("a script %v, policy %q", !c.works, w.Header().Get("Content-Security-Policy"))
			}
			page := s.pageOf(c.host, "/account/passkeys")
			if got := strings.Contains(page, "data-passkey"); got != c.works || !strings.Contains(page, c.says) {
				t.Errorf("offered %v, want %q: %s", got, c.says, page)
			}
		})
	}
}

// Without the script everything else on the pages works: what needs it is hidden,
// and removing does not.
func TestPasskeysWithoutScript(t *testing.T) {
	s := openLocal(t)
	b := s.browser()
	for _, path := range []string{"/login", "/account/passkeys"} {
		a := b.get(path)
		form := offered.FindString(a.body)
		if head, _, _ := strings.Cut(form, ">"); !strings.HasSuffix(head, " hidden") {
			t.Errorf("%s: the form shows: %s", path, head)
		}
		if scripts := scriptsOf(a.body); len(scripts) != 1 || !strings.Contains(a.Header.Get("Content-Security-Policy"), "; script-src "+scripts[0]) || strings.Contains(a.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: %q %q", path, scripts, a.Header.Get("Content-Security-Policy"))
		}
		b.login(b.get("/login"), "alice", s.users["alice"])
	}
}

func TestPasskeysNeedAFreshLogin(t *testing.T) {
	s := openLocal(t)
	b, d := s.browser(), s.device()
	b.login(b.get("/login"), "alice", s.users["alice"])
	s.clock.Add(15 * time.Minute)
	form := d.made(t, b.get("/account/passkeys"))
	s.clock.Add(time.Second)
	late := b.get("/account/passkeys")
	if strings.Contains(late.body, "data-passkey") || !strings.Contains(late.body, "log in again") {
		t.Errorf("%s", late.body)
	}
	s.clock.Add(4 * time.Minute) // what was asked in time may be answered
	if a := b.post("/account/passkeys", form); !strings.Contains(a.body, "is added") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	other := s.browser()
	for from, login := range map[*browser]string{b: hrefOf(late.body, "/login?"), other: other.get("/account/passkeys").Header.Get("Location")} {
		if a := from.login(from.get(login), "alice", s.users["alice"]); a.Header.Get("Location") != "/account/passkeys" {
			t.Errorf("the login leads to %s and not back", a.Header.Get("Location"))
		}
	}
}

// A new password ends all passkeys and what came of them; so does being forgotten.
// Shutting the account keeps them for when it opens.
func TestPasskeysAndTheAccount(t *testing.T) {
	s := openLocal(t)
	b, d := s.browser(), s.device()
	b.adds(d, "alice")
	b.enters(d)
	ctx, user, accounts := t.Context(), s.user("alice"), s.srv.Accounts()

	if err := s.srv.DisableAccount(ctx, user); err != nil {
		t.Fatal(err)
	}
	b.refused(b.enters(d), 401, "opens no account here")
	if err := s.srv.EnableAccount(ctx, user); err != nil {
		t.Fatal(err)
	}
	if b.enters(d); !b.inside() {
		t.Error("the passkey of an account that was opened again")
	}

	form := d.made(t, b.get("/account/passkeys"))
	if err := accounts.SetPassword(ctx, user, "another password"); err != nil {
		t.Fatal(err)
	}
	b.refused(b.enters(d), 401, "opens no account here")
	if data, _, err := s.credentials.Get(ctx, "passkeys."+user); err != nil || bytes.Contains(data, []byte("credential")) {
		t.Errorf("something stays: %s %v", data, err)
	}
	if a := b.post("/account/passkeys", form); !strings.HasPrefix(a.Header.Get("Location"), "/login?tx=") {
		t.Errorf("added by a session of the old password: %d", a.StatusCode)
	}

	s.users["alice"] = "another password"
	s.clock.Add(time.Minute)
	b.adds(s.device(), "alice")
	if _, err := s.srv.ForgetAccount(ctx, user, byAdmin); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.credentials.Get(ctx, "passkeys."+user); !errors.Is(err, eventlog.ErrNoKey) {
		t.Errorf("after forgetting: %v", err)
	}
	if b.inside() {
		t.Error("the session goes on")
	}
}

// A passkey outlives the shop's secret: nothing of it follows from that.
func TestPasskeysOutliveTheSecret(t *testing.T) {
	s := openLocal(t)
	d := s.device()
	s.browser().adds(d, "alice")
	old, next := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)
	state, _, err := s.views.State(t.Context(), eventlog.Stream{Category: account.Category, ID: s.user("alice")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authz.Rekey(t.Context(), s.people, s.credentials, []account.State{state.(account.State)}, old, next); err != nil {
		t.Fatal(err)
	}
	moved := s.again(func(c *authz.Config) { c.Secret = next })
	b := moved.browser()
	d.rp.Origin = moved.url
	if a := b.enters(d); a.StatusCode != 303 || !b.inside() {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
