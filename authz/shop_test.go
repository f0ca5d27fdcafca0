package authz_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"till/authz"
	"till/authz/cimd"
	"till/domain/account"
	"till/domain/account/session"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/spending"
)

// shop is an authorization server on loopback with a protected /mcp that says
// who calls, and a clock that only the test moves.
type shop struct {
	t     testing.TB
	url   string
	srv   *authz.Server
	log   *memlog.Log
	views *memViews
	docs  documents
	clock *clock
	lines *lines
	users map[string]string // login → password
	need  func(*http.Request) []string

	credentials, people *memlog.Bucket
	cfg                 authz.Config
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lines keeps all that was logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.buf.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.buf.String() }

// documents are client id metadata documents that need no Internet.
type documents struct {
	mu sync.Mutex
	by map[string]cimd.Document
}

func (d *documents) Document(_ context.Context, id string) (cimd.Document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if doc, ok := d.by[id]; ok {
		return doc, nil
	}
	return cimd.Document{}, cimd.ErrDocument
}

func types() *eventlog.Types {
	t := eventlog.NewTypes()
	grant.Register(t)
	client.Register(t)
	account.Register(t)
	session.Register(t)
	spending.Register(t)
	return t
}

type option func(*authz.Config)

func strict(c *authz.Config) { c.RefreshLeeway = 0 }

// open starts a shop with the users alice, bob and the administrator admin.
func open(t testing.TB, options ...option) *shop {
	t.Helper()
	s := &shop{
		t: t, log: memlog.New("test"), lines: &lines{}, users: map[string]string{},
		clock: &clock{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}, docs: documents{by: map[string]cimd.Document{}},
		credentials: &memlog.Bucket{}, people: &memlog.Bucket{},
	}
	ts := types()
	s.views = newMemViews(s.log, ts)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	cfg := authz.Config{
		Currency:  "USD",
		PublicURL: s.url, Secret: bytes.Repeat([]byte{7}, 32),
		Log: s.log, Types: ts, Views: s.views,
		Credentials: s.credentials, Pending: &memlog.Bucket{}, People: s.people,
		Clock: s.clock.Now, Logger: slog.New(slog.NewTextHandler(s.lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Documents: &s.docs, RefreshLeeway: authz.DefaultRefreshLeeway,
	}
	for _, o := range options {
		o(&cfg)
	}
	srv, err := authz.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.srv, s.cfg = srv, cfg
	mux.Handle("/", srv.Handler())
	mux.Handle("/mcp", srv.Middleware(http.HandlerFunc(whoami), func(r *http.Request) []string {
		if s.need == nil {
			return nil
		}
		return s.need(r)
	}))
	for login, role := range map[string]account.Role{"alice": account.Customer, "bob": account.Customer, "admin": account.Admin} {
		s.users[login] = "pw-" + login + "-secret"
		if _, err := srv.Accounts().OpenAccount(t.Context(), login, s.users[login], role); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// whoami answers with the caller that the middleware planted.
func whoami(w http.ResponseWriter, r *http.Request) {
	info := auth.TokenInfoFromContext(r.Context())
	caller, ok := authz.CallerFrom(info)
	if !ok {
		http.Error(w, "nobody", http.StatusTeapot)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"caller": caller, "user_id": info.UserID, "scopes": info.Scopes})
}

const (
	callback = "http://127.0.0.1:9999/callback"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// register registers a client with the redirect addresses.
func (s *shop) register(name string, redirects ...string) string {
	s.t.Helper()
	body, _ := json.Marshal(map[string]any{"client_name": name, "redirect_uris": redirects})
	a := s.postJSON("/register", string(body))
	if a.StatusCode != 201 {
		s.t.Fatalf("register: %d %s", a.StatusCode, a.body)
	}
	return a.json(s.t)["client_id"].(string)
}

func (s *shop) postJSON(path, body string) answer {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return s.do(http.DefaultClient, req)
}

func (s *shop) postForm(path string, form url.Values) answer {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(http.DefaultClient, req)
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("not JSON: %v: %s", err, a.body)
	}
	return v
}

// request is a good authorization request; change what the test is about.
func (s *shop) request(client string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
		"state": {"st-1"}, "scope": {"catalog:read cart:write orders:read orders:write"}, "resource": {s.url + "/mcp"},
	}
}

// code goes through login and consent and returns the redirect's query.
func (b *browser) code(login string, request url.Values) url.Values {
	b.s.t.Helper()
	page := b.follow(b.get("/authorize?"+request.Encode()), login)
	a := page
	if page.StatusCode == 200 {
		a = b.decide(page, "allow")
	}
	at, err := url.Parse(a.Header.Get("Location"))
	if a.StatusCode != 303 || err != nil || at.Query().Get("code") == "" {
		b.s.t.Fatalf("no code: %d %s %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	return at.Query()
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
}

func (s *shop) redeemForm(client, code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {client},
		"redirect_uri": {callback}, "code_verifier": {verifier}, "resource": {s.url + "/mcp"},
	}
}

func refreshForm(client, token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client}}
}

func (s *shop) tokens(form url.Values) tokens {
	s.t.Helper()
	a := s.postForm("/token", form)
	if a.StatusCode != 200 {
		s.t.Fatalf("token: %d %s", a.StatusCode, a.body)
	}
	var t tokens
	if err := json.Unmarshal([]byte(a.body), &t); err != nil {
		s.t.Fatal(err)
	}
	return t
}

// connect is the whole way: register, log in, consent, redeem.
func (s *shop) connect(login string) (client string, t tokens) {
	s.t.Helper()
	client = s.register("Test agent", callback)
	q := s.browser().code(login, s.request(client))
	return client, s.tokens(s.redeemForm(client, q.Get("code")))
}

// call calls /mcp with the Authorization header, if it is not empty.
func (s *shop) call(authorization string) answer {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.url+"/mcp", strings.NewReader("{}"))
	if err != nil {
		s.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return s.do(http.DefaultClient, req)
}

func (s *shop) works(token string) bool {
	s.t.Helper()
	a := s.call("Bearer " + token)
	if a.StatusCode != 200 && a.StatusCode != 401 {
		s.t.Fatalf("/mcp answers %d %s", a.StatusCode, a.body)
	}
	return a.StatusCode == 200
}

// wants fails the test unless the answer is a JSON error with the code.
func (a answer) wants(t *testing.T, status int, code string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", a.StatusCode, status, a.body)
	}
	if got := a.json(t)["error"]; got != code {
		t.Fatalf("error %v, want %s: %s", got, code, a.body)
	}
}

// sentBack fails the test unless the answer is a redirect to the client with
// the error, the state and the issuer.
func (a answer) sentBack(t *testing.T, s *shop, code string) {
	t.Helper()
	at, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != 303 {
		t.Fatalf("status %d to %q, want 303: %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	if !strings.HasPrefix(at.String(), callback+"?") {
		t.Fatalf("sent to %s", at)
	}
	if got := at.Query().Get("error"); got != code {
		t.Fatalf("error %q, want %s", got, code)
	}
	if at.Query().Get("iss") != s.url {
		t.Fatalf("iss %q, want %q", at.Query().Get("iss"), s.url)
	}
}

// shown fails the test unless the answer is an error page and no redirect.
func (a answer) shown(t *testing.T, status int) {
	t.Helper()
	if a.StatusCode != status || a.Header.Get("Location") != "" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("status %d %s to %q, want an error page with %d: %s", a.StatusCode, a.Header.Get("Content-Type"), a.Header.Get("Location"), status, a.body)
	}
}
