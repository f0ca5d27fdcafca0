package authz_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"till/authz"
)

// openLocal starts a shop that its browsers reach as localhost, where passkeys work.
func openLocal(t testing.TB, options ...option) *shop {
	t.Helper()
	s := open(t, options...)
	s.url = strings.Replace(s.url, "127.0.0.1", "localhost", 1)
	return s
}

// device is somebody's authenticator, in software, and the browser that asks it.
type device struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
}

func (s *shop) device() *device {
	return &device{
		rp:   virtualwebauthn.RelyingParty{ID: "localhost", Name: "Till", Origin: s.url},
		auth: virtualwebauthn.NewAuthenticator(),
		key:  credential(),
	}
}

// credential is a new one. virtualwebauthn 1.0.3 leaves leading zeros out of a
// key's coordinates, so that one key of 128 is none; those have fewer bytes.
func credential() virtualwebauthn.Credential {
	for {
		if key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(key.Key.AttestationData()) == 77 {
			return key
		}
	}
}

var offered = regexp.MustCompile(`(?s)<form [^>]*action="([^"]+)"[^>]* data-passkey="([^"]+)".*?</form>`)

// asked is what a page asks authenticators, with the form that takes the answer.
func (a answer) asked(t testing.TB) (options string, form url.Values) {
	t.Helper()
	m := offered.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("the page asks for no passkey: %d %s", a.StatusCode, a.body)
	}
	return html.UnescapeString(m[2]), fields(m[0], m[1])
}

// made fills in the form with a new passkey, as the script does.
func (d *device) made(t testing.TB, page answer) url.Values {
	t.Helper()
	options, form := page.asked(t)
	asked, err := virtualwebauthn.ParseAttestationOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	d.auth.Options.UserHandle = []byte(asked.UserID)
	form.Set("answer", virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.key, *asked))
	return form
}

// proven fills in the login form with the passkey's proof.
func (d *device) proven(t testing.TB, page answer) url.Values {
	t.Helper()
	options, form := page.asked(t)
	asked, err := virtualwebauthn.ParseAssertionOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	form.Set("answer", virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.key, *asked))
	return form
}

// adds logs the person in by their password and adds the device's passkey.
func (b *browser) adds(d *device, login string) answer {
	b.s.t.Helper()
	b.login(b.get("/login"), login, b.s.users[login])
	a := b.post("/account/passkeys", d.made(b.s.t, b.get("/account/passkeys")))
	if a.StatusCode != 200 || !strings.Contains(a.body, "is added") {
		b.s.t.Fatalf("no passkey was added: %d %s", a.StatusCode, a.body)
	}
	return a
}

// enters logs in with the device's passkey.
func (b *browser) enters(d *device) answer {
	b.s.t.Helper()
	return b.post("/login/passkey", d.proven(b.s.t, b.get("/login")))
}

// inside is whether somebody is logged in in the browser.
func (b *browser) inside() bool {
	b.s.t.Helper()
	return b.get("/account/connections").StatusCode == 200
}

// refused fails the test unless the answer is the login page with the words, and
// nobody is logged in.
func (b *browser) refused(a answer, status int, words string) {
	b.s.t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, words) || !strings.Contains(a.body, `role="alert"`) {
		b.s.t.Errorf("%d, want %d and %q: %s", a.StatusCode, status, words, a.body)
	}
	if b.inside() {
		b.s.t.Error("somebody is logged in")
	}
}

var passkeyOf = regexp.MustCompile(`name="remove" value="([^"]+)"`)

// removal is the form that removes the first passkey of the page.
func removal(t testing.TB, page answer) url.Values {
	t.Helper()
	m := passkeyOf.FindStringSubmatch(page.body)
	if m == nil {
		t.Fatalf("the page lists no passkey: %s", page.body)
	}
	form := fields(page.body, "/account/passkeys")
	form.Set("remove", m[1])
	return form
}

// again is another server of the same shop, reached as localhost.
func (s *shop) again(options ...option) *shop {
	s.t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	s.t.Cleanup(server.Close)
	cfg := s.cfg
	cfg.PublicURL = server.URL
	for _, o := range options {
		o(&cfg)
	}
	srv, err := authz.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	mux.Handle("/", srv.Handler())
	return &shop{
		t: s.t, url: strings.Replace(server.URL, "127.0.0.1", "localhost", 1), srv: srv, cfg: cfg, users: s.users,
		log: s.log, views: s.views, clock: s.clock, lines: s.lines, credentials: s.credentials, people: s.people,
	}
}

// pageOf is a page as alice sees it under a host name, without a network.
func (s *shop) pageOf(host, path string) string {
	s.t.Helper()
	jar := map[string]*http.Cookie{}
	ask := func(method, target, form string) string {
		req := httptest.NewRequest(method, target, strings.NewReader(form))
		req.Host = host
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range jar {
			req.AddCookie(c)
		}
		w := httptest.NewRecorder()
		s.srv.Handler().ServeHTTP(w, req)
		for _, c := range w.Result().Cookies() {
			jar[c.Name] = c
		}
		return w.Body.String()
	}
	form := fields(ask("GET", "/login", ""), "/login")
	form.Set("username", "alice")
	form.Set("password", s.users["alice"])
	ask("POST", "/login", form.Encode())
	return ask("GET", path, "")
}
