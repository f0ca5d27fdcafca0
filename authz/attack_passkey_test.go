package authz_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"till/authz"
	"till/domain/account"
	"till/domain/eventlog"
)

const opensNothing = "opens no account here"

// Whoever has no passkey of the account's does not get in, whatever they send.
func TestAttackPasskeyLogin(t *testing.T) {
	s := openLocal(t)
	phone := s.device()
	s.browser().adds(phone, "alice")
	s.browser().adds(s.device(), "bob")
	sessions := s.count("session.started")
	// whole is a copy of the phone with something wrong.
	with := func(change func(*device)) *device {
		d := *phone
		change(&d)
		return &d
	}
	for name, d := range map[string]*device{
		"from another origin":          with(func(d *device) { d.rp.Origin = "http://localhost:1" }),
		"from https":                   with(func(d *device) { d.rp.Origin = strings.Replace(s.url, "http", "https", 1) }),
		"under the other name":         with(func(d *device) { d.rp.Origin = strings.Replace(s.url, "localhost", "127.0.0.1", 1) }),
		"for another relying party":    with(func(d *device) { d.rp.ID = "evil.test" }),
		"the person was not verified":  with(func(d *device) { d.auth.Options.UserNotVerified = true }),
		"nobody touched it":            with(func(d *device) { d.auth.Options.UserNotPresent = true }),
		"it has become one of a cloud": with(func(d *device) { d.auth.Options.BackupEligible, d.auth.Options.BackupState = true, true }),
		"another key of that name":     with(func(d *device) { d.key.Key = credential().Key }),
		"a name that nobody has":       with(func(d *device) { d.key.ID = []byte("another one of which nobody knows") }),
		"as bob":                       with(func(d *device) { d.auth.Options.UserHandle = []byte(s.user("bob")) }),
		"as nobody":                    with(func(d *device) { d.auth.Options.UserHandle = []byte("usr_nobody") }),
		"without a person":             with(func(d *device) { d.auth.Options.UserHandle = nil }),
		"as an odd person":             with(func(d *device) { d.auth.Options.UserHandle = []byte("../usr.*>\x00") }),
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			b.refused(b.enters(d), 401, opensNothing)
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "{", "an array": "[]", "null": "null", "another thing": `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`,
		"large": `{"id":"` + strings.Repeat("A", 17<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			form := phone.proven(t, b.get("/login"))
			form.Set("answer", text)
			b.refused(b.post("/login/passkey", form), 401, opensNothing)
		})
	}
	t.Run("a flipped bit anywhere in the answer", func(t *testing.T) {
		b, began := s.browser(), s.clock.Now()
		form := phone.proven(t, b.get("/login"))
		whole := form.Get("answer")
		for i := 0; i < len(whole); i += 11 {
			s.clock.Add(2 * time.Second) // so that no limit answers instead
			if s.clock.Now().After(began.Add(4 * time.Minute)) {
				break
			}
			broken := []byte(whole)
			broken[i] ^= 1
			form.Set("answer", string(broken))
			if a := b.post("/login/passkey", form); a.StatusCode == 303 {
				t.Errorf("%q at %d", broken[i], i)
			}
		}
	})
	if n := s.count("session.started"); n != sessions {
		t.Errorf("%d sessions began", n-sessions)
	}
	b := s.browser()
	if b.enters(phone); !b.inside() {
		t.Error("the passkey itself opens nothing: the test is blind")
	}
}

// An answer is one to what this page of this browser asked, once, within five minutes.
func TestAttackPasskeyCeremony(t *testing.T) {
	s := openLocal(t)
	phone := s.device()
	s.browser().adds(phone, "alice")
	t.Run("twice", func(t *testing.T) {
		b := s.browser()
		form := phone.proven(t, b.get("/login"))
		if a := b.post("/login/passkey", form); a.StatusCode != 303 {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		b.post("/logout", fields(b.get("/account/connections").body, "/logout"))
		b.refused(b.post("/login/passkey", form), 400, "used before")
	})
	t.Run("by twenty at once", func(t *testing.T) {
		b := s.browser()
		form := phone.proven(t, b.get("/login"))
		before := s.count("session.started")
		var wg sync.WaitGroup
		var worked, refused atomic.Int64
		for range 20 {
			wg.Go(func() {
				switch a := b.post("/login/passkey", form); {
				case a.StatusCode == 303:
					worked.Add(1)
				case a.StatusCode == 400 && strings.Contains(a.body, "used before"):
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.StatusCode, a.body)
				}
			})
		}
		wg.Wait()
		if worked.Load() != 1 || refused.Load() != 19 || s.count("session.started") != before+1 {
			t.Errorf("%d worked, %d were refused, %d sessions began", worked.Load(), refused.Load(), s.count("session.started")-before)
		}
	})
	t.Run("too late", func(t *testing.T) {
		b := s.browser()
		form := phone.proven(t, b.get("/login"))
		s.clock.Add(5 * time.Minute)
		a := b.post("/login/passkey", form)
		b.refused(a, 400, "longer than five minutes")
		// The page that says so asks anew.
		if a := b.post("/login/passkey", phone.proven(t, a)); a.StatusCode != 303 {
			t.Errorf("%d", a.StatusCode)
		}
	})
	t.Run("in another browser", func(t *testing.T) {
		form := phone.proven(t, s.browser().get("/login"))
		b := s.browser()
		b.post("/login/passkey", form).shown(t, 400)
		// What is mallory's own in the form does not help the rest.
		own := fields(b.get("/login").body, "/login/passkey")
		form.Set("tx", own.Get("tx"))
		form.Set("form", own.Get("form"))
		b.refused(b.post("/login/passkey", form), 400, "another browser")
	})
	t.Run("of another transaction", func(t *testing.T) {
		b := s.browser()
		form, own := phone.proven(t, b.get("/login")), fields(b.get("/login").body, "/login/passkey")
		form.Set("tx", own.Get("tx"))
		b.post("/login/passkey", form).shown(t, 400)
		form.Set("form", own.Get("form"))
		b.refused(b.post("/login/passkey", form), 400, "Try again")
	})
	t.Run("of another page", func(t *testing.T) {
		b := s.browser()
		form := phone.proven(t, b.get("/login"))
		form.Set("answer", phone.proven(t, b.get("/login")).Get("answer"))
		b.refused(b.post("/login/passkey", form), 401, opensNothing)
	})
	t.Run("from another site", func(t *testing.T) {
		b := s.browser()
		form := phone.proven(t, b.get("/login"))
		b.post("/login/passkey", form, "Sec-Fetch-Site", "cross-site").shown(t, 403)
		form.Del("form")
		b.post("/login/passkey", form).shown(t, 400)
		if a := b.get("/login/passkey?" + form.Encode()); a.StatusCode != 405 || b.inside() {
			t.Errorf("a GET logs in: %d", a.StatusCode)
		}
	})
	t.Run("at an address without passkeys", func(t *testing.T) {
		b := s.browser()
		plain := strings.Replace(s.url, "localhost", "127.0.0.1", 1)
		form := phone.proven(t, b.get("/login"))
		own := fields(b.get(plain+"/login").body, "/login")
		form.Set("tx", own.Get("tx"))
		req, _ := http.NewRequest("POST", plain+"/login/passkey", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := s.do(b.c, req); a.StatusCode != 400 {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
}

// An authenticator whose count does not go on has a copy.
func TestAttackPasskeyCopied(t *testing.T) {
	s := openLocal(t)
	phone := s.device()
	phone.key.Counter = 5
	s.browser().adds(phone, "alice")
	b := s.browser()
	enters := func(count uint32) answer { phone.key.Counter = count; return b.enters(phone) }
	if a := enters(6); a.StatusCode != 303 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	b = s.browser()
	sessions := s.count("session.started")
	for _, count := range []uint32{6, 5, 1, 0} {
		b.refused(enters(count), 401, "copied")
	}
	if s.count("session.started") != sessions {
		t.Error("a session began")
	}
	if !strings.Contains(s.lines.String(), "there may be a copy") {
		t.Error("nobody is told")
	}
	if a := enters(7); a.StatusCode != 303 {
		t.Errorf("the next count: %d", a.StatusCode)
	}
	// Two with the same count at the same moment: one of them gets in.
	phone.key.Counter = 8
	var wg sync.WaitGroup
	var worked atomic.Int64
	for range 10 {
		b := s.browser()
		form := phone.proven(t, b.get("/login"))
		wg.Go(func() {
			if a := b.post("/login/passkey", form); a.StatusCode == 303 {
				worked.Add(1)
			}
		})
	}
	wg.Wait()
	if worked.Load() != 1 {
		t.Errorf("%d of ten with one count got in", worked.Load())
	}
}

// meeting is a bucket in which the first two updates of passkeys begin together.
type meeting struct {
	eventlog.Bucket
	came atomic.Int64
	met  chan struct{}
}

func (m *meeting) Update(ctx context.Context, key string, value []byte, revision uint64) error {
	if m.met != nil && strings.HasPrefix(key, "passkeys.") {
		if m.came.Add(1) == 2 {
			close(m.met)
		}
		select {
		case <-m.met:
		case <-time.After(10 * time.Second):
			return context.DeadlineExceeded
		}
	}
	return m.Bucket.Update(ctx, key, value, revision)
}

// Two copies that answer at once both look good at first; the session of one of them
// ends before its browser knows of it.
func TestAttackPasskeyCopiedAndAtOnce(t *testing.T) {
	var m *meeting
	s := openLocal(t, func(c *authz.Config) { m = &meeting{Bucket: c.Credentials}; c.Credentials = m })
	phone := s.device()
	s.browser().adds(phone, "alice")
	phone.key.Counter = 3
	one, two := s.browser(), s.browser()
	forms := map[*browser]url.Values{one: phone.proven(t, one.get("/login")), two: phone.proven(t, two.get("/login"))}
	m.met = make(chan struct{})
	var wg sync.WaitGroup
	var told sync.Map
	for b, form := range forms {
		wg.Go(func() { told.Store(b, b.post("/login/passkey", form)) })
	}
	wg.Wait()
	if m.came.Load() < 2 || one.inside() == two.inside() {
		t.Errorf("%d came, in are %v and %v", m.came.Load(), one.inside(), two.inside())
	}
	if s.count("session.ended") != 1 {
		t.Errorf("%d sessions ended", s.count("session.ended"))
	}
	for _, b := range []*browser{one, two} {
		a, _ := told.Load(b)
		if !b.inside() {
			b.refused(a.(answer), 401, "copied")
		}
	}
}

// Nobody but the person, just now, adds a passkey, and nobody removes another's.
func TestAttackPasskeyAdding(t *testing.T) {
	s := openLocal(t)
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	added := func() int { return s.count("account.passkey_added") }
	page := func() answer { return b.get("/account/passkeys") }
	no := func(t *testing.T, a answer, words string) {
		t.Helper()
		if a.StatusCode != 400 || !strings.Contains(a.body, words) || added() != 0 {
			t.Errorf("%d, want %q: %s", a.StatusCode, words, a.body)
		}
	}
	for name, change := range map[string]func(*device){
		"from another origin":         func(d *device) { d.rp.Origin = "https://evil.test" },
		"for another relying party":   func(d *device) { d.rp.ID = "evil.test" },
		"the person was not verified": func(d *device) { d.auth.Options.UserNotVerified = true },
		"nobody touched it":           func(d *device) { d.auth.Options.UserNotPresent = true },
	} {
		t.Run(name, func(t *testing.T) {
			d := s.device()
			change(d)
			no(t, b.post("/account/passkeys", d.made(t, page())), "without checking that it is you")
		})
	}
	for name, text := range map[string]string{"nothing": "", "no JSON": "{", "large": `{"id":"` + strings.Repeat("A", 17<<10) + `"}`} {
		t.Run(name, func(t *testing.T) {
			form := s.device().made(t, page())
			form.Set("answer", text)
			no(t, b.post("/account/passkeys", form), "could not be read")
		})
	}
	t.Run("too late", func(t *testing.T) {
		form := s.device().made(t, page())
		s.clock.Add(5 * time.Minute)
		no(t, b.post("/account/passkeys", form), "longer than five minutes")
	})
	t.Run("from another site, or nobody's", func(t *testing.T) {
		form := s.device().made(t, page())
		b.post("/account/passkeys", form, "Sec-Fetch-Site", "cross-site").shown(t, 403)
		if a := s.browser().post("/account/passkeys", form); !strings.HasPrefix(a.Header.Get("Location"), "/login?tx=") {
			t.Errorf("%d", a.StatusCode)
		}
		form.Del("form")
		b.post("/account/passkeys", form).shown(t, 400)
		if added() != 0 {
			t.Error("one was added")
		}
	})
	t.Run("asked of another session", func(t *testing.T) {
		form := s.device().made(t, page())
		b.login(b.get("/login"), "bob", s.users["bob"])
		b.post("/account/passkeys", form).shown(t, 400)
		form.Set("form", fields(page().body, "/account/passkeys").Get("form"))
		no(t, b.post("/account/passkeys", form), "another browser")
		b.login(b.get("/login"), "alice", s.users["alice"])
	})
	t.Run("an answer to the login", func(t *testing.T) {
		d := s.device()
		form := d.made(t, page())
		form.Set("ceremony", d.proven(t, b.get("/login")).Get("ceremony"))
		no(t, b.post("/account/passkeys", form), "another browser")
	})
	t.Run("twenty at once, then again", func(t *testing.T) {
		d := s.device()
		form := d.made(t, page())
		var wg sync.WaitGroup
		var worked atomic.Int64
		for range 20 {
			wg.Go(func() {
				if a := b.post("/account/passkeys", form); a.StatusCode == 200 {
					worked.Add(1)
				}
			})
		}
		wg.Wait()
		if worked.Load() != 1 || added() != 1 {
			t.Errorf("%d worked, %d were added", worked.Load(), added())
		}
		// Removed, the same answer does not bring it back.
		mine := page()
		mallory := s.browser()
		mallory.login(mallory.get("/login"), "bob", s.users["bob"])
		theirs := removal(t, mine)
		theirs.Set("form", fields(mallory.get("/account/passkeys").body, "/account/passkeys").Get("form"))
		mallory.post("/account/passkeys", theirs)
		if s.count("account.passkey_removed") != 0 {
			t.Fatal("bob removes alice's")
		}
		b.post("/account/passkeys", removal(t, mine), "Sec-Fetch-Site", "cross-site").shown(t, 403)
		b.post("/account/passkeys", removal(t, mine))
		if a := b.post("/account/passkeys", form); a.StatusCode != 400 || added() != 1 || s.count("account.passkey_removed") != 1 {
			t.Errorf("%d, %d added", a.StatusCode, added())
		}
	})
	t.Run("the same authenticator, which no browser asks", func(t *testing.T) {
		d := s.device()
		b.adds(d, "alice")
		s.clock.Add(time.Minute)
		before := added()
		if a := b.post("/account/passkeys", d.made(t, page())); a.StatusCode != 400 || added() != before {
			t.Errorf("%d, %d added", a.StatusCode, added()-before)
		}
		b.post("/account/passkeys", removal(t, page()))
	})
	t.Run("more than fit", func(t *testing.T) {
		var forms []url.Values
		for range account.MaxPasskeys {
			b.adds(s.device(), "alice")
		}
		forms = append(forms, url.Values{"form": fields(page().body, "/account/passkeys")["form"], "answer": {"{}"}})
		for _, form := range forms {
			if a := b.post("/account/passkeys", form); a.StatusCode != 400 {
				t.Errorf("%d", a.StatusCode)
			}
		}
		if got := strings.Count(page().body, "<section"); got != account.MaxPasskeys {
			t.Errorf("%d are there", got)
		}
	})
}

// Failures count against the address, as those of passwords do; guesses at a
// password do not shut the passkey out.
func TestAttackPasskeyLimits(t *testing.T) {
	s := openLocal(t)
	phone, foreign := s.device(), s.device()
	s.browser().adds(phone, "alice")
	b := s.browser()
	for range 12 {
		b.login(b.get("/login"), "alice", "guess-number")
	}
	if a := b.login(b.get("/login"), "alice", s.users["alice"]); a.StatusCode != 429 {
		t.Fatalf("the password is not shut: %d", a.StatusCode)
	}
	if a := b.enters(phone); a.StatusCode != 303 {
		t.Errorf("the passkey is shut out: %d", a.StatusCode)
	}
	foreign.auth.Options.UserHandle = []byte("usr_nobody")
	n := 0
	other := s.browser()
	for ; other.enters(foreign).StatusCode == 401; n++ {
		if n > 1000 {
			t.Fatal("no limit")
		}
	}
	if a := other.enters(foreign); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" || n < 50 {
		t.Errorf("%d after %d tries", a.StatusCode, n)
	}
}

// Of a passkey that is nobody's, one that was removed and one of a shut account the
// page says the same.
func TestAttackPasskeyTellsNothing(t *testing.T) {
	s := openLocal(t)
	none, removed, shut := s.device(), s.device(), s.device()
	b := s.browser()
	b.adds(removed, "alice")
	b.post("/account/passkeys", removal(t, b.get("/account/passkeys")))
	s.browser().adds(shut, "bob")
	if err := s.srv.DisableAccount(t.Context(), s.user("bob")); err != nil {
		t.Fatal(err)
	}
	none.auth.Options.UserHandle = []byte("usr_AAAAAAAAAAAAAAAAAAAAAA")
	var told []string
	for _, d := range []*device{none, removed, shut} {
		b := s.browser()
		a := b.enters(d)
		told = append(told, hiddenField.ReplaceAllString(offered.ReplaceAllString(a.body, ""), ""))
		b.refused(a, 401, opensNothing)
	}
	if told[0] != told[1] || told[1] != told[2] {
		t.Error("the answers differ")
	}
}

// Who registers the id of somebody else's passkey with a key of their own gets
// neither in there nor in their way.
func TestAttackPasskeyOfTheSameID(t *testing.T) {
	s := openLocal(t)
	alices, mallorys := s.device(), s.device()
	s.browser().adds(alices, "alice")
	mallorys.key.ID = alices.key.ID
	s.browser().adds(mallorys, "bob")
	in := func(d *device, user string) string {
		b := s.browser()
		d.auth.Options.UserHandle = []byte(s.user(user))
		b.enters(d)
		_, rest, _ := strings.Cut(b.get("/account/connections").body, "in this shop, <strong>")
		name, _, _ := strings.Cut(rest, "<")
		return name
	}
	for _, c := range []struct {
		d          *device
		user, want string
	}{{alices, "alice", "alice"}, {mallorys, "bob", "bob"}, {mallorys, "alice", ""}, {alices, "bob", ""}} {
		if got := in(c.d, c.user); got != c.want {
			t.Errorf("as %s: %q is in, want %q", c.user, got, c.want)
		}
	}
}

// A public https address is a relying party of its own.
func TestAttackPasskeyElsewhere(t *testing.T) {
	s := openLocal(t)
	phone := s.device()
	s.browser().adds(phone, "alice")
	far := s.again()
	b := far.browser()
	// The same shop on another port of this machine: another origin, whose answers
	// are good there only.
	b.refused(b.enters(phone), 401, opensNothing)
	page := s.browser().get("/login")
	asked, _ := page.asked(t)
	options, err := virtualwebauthn.ParseAssertionOptions(asked)
	if err != nil || options.RelyingPartyID != "localhost" {
		t.Errorf("%+v %v", options, err)
	}
	public := open(t, func(c *authz.Config) { c.PublicURL = "https://shop.mydomain.net:8443" })
	w := public.ask("GET", "shop.mydomain.net:8443", "/login")
	asked, _ = answer{w.Result(), w.Body.String()}.asked(t)
	if !strings.Contains(asked, `"rpId":"shop.mydomain.net"`) || !strings.Contains(asked, `"userVerification":"required"`) {
		t.Errorf("%s", asked)
	}
}
