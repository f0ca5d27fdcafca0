package cmd

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/descope/virtualwebauthn"
)

// holder is a person with a browser and an authenticator in software.
type holder struct {
	t      *testing.T
	client *http.Client
	at     string // the shop as localhost
	auth   virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

func newHolder(t *testing.T) *holder {
	h := &holder{t: t, auth: virtualwebauthn.NewAuthenticator()}
	for { // those of other lengths lack a leading zero and are no keys (virtualwebauthn 1.0.3)
		if h.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(h.key.Key.AttestationData()) == 77 {
			return h
		}
	}
}

// visits opens the shop in a new browser.
func (h *holder) visits(shop *Running) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.client, h.at = &http.Client{Jar: jar}, strings.Replace(strings.TrimSuffix(shop.Endpoint, "/mcp"), "127.0.0.1", "localhost", 1)
}

func (h *holder) page(resp *http.Response, err error) string {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(body)
}

var (
	formOf   = regexp.MustCompile(`(?s)<form [^>]*action="([^"]+)".*?</form>`)
	hiddenIn = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)
	askedIn  = regexp.MustCompile(`data-passkey="([^"]+)"`)
)

// sends fills in the page's form that has the words, and sends it.
func (h *holder) sends(page, words string, more url.Values, answer func(asked string) string) string {
	h.t.Helper()
	to, form := h.filled(page, words, more, answer)
	return h.page(h.client.PostForm(h.at+to, form))
}

func (h *holder) filled(page, words string, more url.Values, answer func(asked string) string) (to string, form url.Values) {
	h.t.Helper()
	for _, m := range formOf.FindAllStringSubmatch(page, -1) {
		if !strings.Contains(m[0], words) {
			continue
		}
		for _, f := range hiddenIn.FindAllStringSubmatch(m[0], -1) {
			if more.Get(f[1]) == "" {
				more.Set(f[1], html.UnescapeString(f[2]))
			}
		}
		if answer != nil {
			more.Set("answer", answer(html.UnescapeString(askedIn.FindStringSubmatch(m[0])[1])))
		}
		return m[1], more
	}
	h.t.Fatalf("no form with %q: %s", words, page)
	return "", nil
}

func (h *holder) rp() virtualwebauthn.RelyingParty {
	return virtualwebauthn.RelyingParty{ID: "localhost", Origin: h.at}
}

func (h *holder) adds(login, password, name string) {
	h.t.Helper()
	h.sends(h.page(h.client.Get(h.at+"/login")), "current-password", url.Values{"username": {login}, "password": {password}}, nil)
	said := h.sends(h.page(h.client.Get(h.at+"/account/passkeys")), "Add a passkey", url.Values{"name": {name}}, func(asked string) string {
		o, err := virtualwebauthn.ParseAttestationOptions(asked)
		if err != nil {
			h.t.Fatal(err)
		}
		h.auth.Options.UserHandle = []byte(o.UserID)
		return virtualwebauthn.CreateAttestationResponse(h.rp(), h.auth, h.key, *o)
	})
	if !strings.Contains(said, "is added") {
		h.t.Fatalf("not added: %s", said)
	}
}

func (h *holder) proof(asked string) string {
	o, err := virtualwebauthn.ParseAssertionOptions(asked)
	if err != nil {
		h.t.Fatal(err)
	}
	return virtualwebauthn.CreateAssertionResponse(h.rp(), h.auth, h.key, *o)
}

// enters is whether the passkey opens the account in a new browser.
func (h *holder) enters(shop *Running) bool {
	h.t.Helper()
	h.visits(shop)
	h.key.Counter++
	said := h.sends(h.page(h.client.Get(h.at+"/login")), "Log in with a passkey", url.Values{}, h.proof)
	return strings.Contains(said, "Your connections")
}

// A passkey goes with the shop: through a stop, a backup and a new secret. It stands
// in the trail, and ends with the account.
func TestPasskeysInTheWholeProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	const password, name = "a long enough password", "zebediah's quux-phone"
	shop := serveIn(t, dir)
	if err := shop.AddUser(t.Context(), somebody, password); err != nil {
		t.Fatal(err)
	}
	h := newHolder(t)
	h.visits(shop)
	h.adds(somebody, password, name)
	if !h.enters(shop) {
		t.Fatal("it opens nothing")
	}
	trail := mustTill(t, "events", "--security", "--data", dir)
	if !strings.Contains(trail, "account.passkey_added") || strings.Contains(trail, "quux-phone") {
		t.Errorf("the trail:\n%s", trail)
	}
	if told := mustTill(t, "show", "account", somebody, "--data", dir); strings.Contains(told, "quux-phone") {
		t.Errorf("the account:\n%s", told)
	}

	backup := filepath.Join(t.TempDir(), "b.till")
	mustTill(t, "backup", backup, "--with-secret", "--data", dir)
	restored := filepath.Join(t.TempDir(), "restored")
	mustTill(t, "restore", backup, "--data", restored)
	second := serveIn(t, restored)
	if !h.enters(second) {
		t.Error("not after a restore")
	}
	_ = second.Stop()

	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	mustTill(t, "secret", "rotate", "--yes", "--data", dir)
	shop = serveIn(t, dir)
	if !h.enters(shop) {
		t.Error("not under a new secret")
	}

	user, err := shop.authz.Accounts().Find(t.Context(), somebody)
	if err != nil {
		t.Fatal(err)
	}
	mustTill(t, "user", "disable", somebody, "--data", dir)
	if h.enters(shop) {
		t.Error("the account is disabled")
	}
	mustTill(t, "user", "enable", somebody, "--data", dir)
	if !h.enters(shop) {
		t.Error("the account is enabled")
	}

	ring, _, err := shop.buckets["credentials"].Get(t.Context(), "passkeys."+user)
	if err != nil || len(holds(t, dir, ring)) == 0 || len(holds(t, dir, []byte("quux-phone"))) == 0 {
		t.Fatalf("not even found before: %s %v", ring, err)
	}
	mustTill(t, "forget", somebody, "--yes", "--data", dir)
	if h.enters(shop) {
		t.Error("the person is forgotten")
	}
	for _, what := range [][]byte{ring, []byte("quux-phone")} {
		if files := holds(t, dir, what); len(files) > 0 {
			t.Errorf("%q is still in %v", what, files)
		}
	}
}

// A new password, however it comes, is the end of all passkeys.
func TestUserResetEndsPasskeys(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	h := newHolder(t)
	h.visits(shop)
	h.adds("alice", shop.Users["alice"], "")
	link := mustTill(t, "user", "reset", "alice", "--data", dir)
	if !strings.Contains(link, "passkeys and linked logins of before end") || !h.enters(shop) {
		t.Errorf("before it is used the link changes nothing, and says what it will: %s", link)
	}
	_, address, _ := strings.Cut(link, "/setup")
	address, _, _ = strings.Cut(address, "\n")
	page := h.page(h.client.Get(h.at + "/setup" + address))
	if !strings.Contains(page, "passkeys and linked logins end with the old one") {
		t.Errorf("the page does not say so: %s", page)
	}
	h.sends(page, "new-password", url.Values{"username": {"alice"}, "password": {"another password"}, "again": {"another password"}}, nil)
	if h.enters(shop) {
		t.Error("the passkey outlives the password")
	}
	if _, err := shop.authz.Accounts().CheckPassword(t.Context(), "alice", "another password"); err != nil {
		t.Error(err)
	}
}

// On the real log, too, one challenge leads to one session.
func TestPasskeyChallengeRace(t *testing.T) {
	shop := serveIn(t, t.TempDir())
	h := newHolder(t)
	h.visits(shop)
	h.adds("alice", shop.Users["alice"], "")
	began := func() int {
		return strings.Count(mustTill(t, "events", "--type", "session.started", "--data", shop.Folder()), "session.started")
	}
	before := began()
	_, form := h.filled(h.page(h.client.Get(h.at+"/login")), "Log in with a passkey", url.Values{}, h.proof)
	var group sync.WaitGroup
	var in atomic.Int64
	at, _ := url.Parse(h.at)
	cookies := h.client.Jar.Cookies(at)
	for range 20 {
		group.Go(func() {
			jar, _ := cookiejar.New(nil)
			jar.SetCookies(at, cookies)
			c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			resp, err := c.PostForm(h.at+"/login/passkey", form)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusSeeOther {
				in.Add(1)
			}
		})
	}
	group.Wait()
	if n := began(); in.Load() != 1 || n != before+1 {
		t.Errorf("%d got in, %d sessions began", in.Load(), n-before)
	}
}
