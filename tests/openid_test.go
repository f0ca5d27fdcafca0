package tests

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"till/authz"
	"till/cmd"
)

const (
	providerClient = "till shop"
	providerSecret = "a secret with + and : and %"
)

// People log in at a certified provider that others wrote (the npm package
// oidc-provider). TILL_NODE names Node 22 and TILL_NODE_MODULES the folder with its
// packages; .ci/run installs both.
func TestOpenIDProvider(t *testing.T) {
	node, modules := os.Getenv("TILL_NODE"), os.Getenv("TILL_NODE_MODULES")
	if node == "" || modules == "" {
		if os.Getenv("TILL_REQUIRE_CLIENTS") != "" {
			t.Fatal("TILL_NODE and TILL_NODE_MODULES must name Node 22 and its packages")
		}
		t.Skip("SKIPPED: NOBODY LOGS IN AT A REAL OPENID PROVIDER. It needs Node 22 and the npm package oidc-provider; .ci/run installs and names them (TILL_NODE, TILL_NODE_MODULES).")
	}
	issuer := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	// The shop opens before its provider does.
	shop, err := cmd.Serve(t.Context(), cmd.ServeOptions{
		Options: cmd.Options{Dir: t.TempDir() + "/shop", OpenID: &authz.OpenID{
			Issuer: issuer, ClientID: providerClient, Secret: providerSecret, Domains: []string{"example.com"},
		}},
		Addr: "127.0.0.1:0", Demo: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
	if page := newSurfer(t).get(newSurfer(t).at(origin + "/login").providerLink()); page.status != 400 {
		t.Errorf("another browser's link: %d", page.status)
	}
	early := newSurfer(t)
	if page := early.get(early.at(origin + "/login").providerLink()); page.status != 503 || !strings.Contains(page.body, `name="password"`) {
		t.Errorf("without the provider: %d %s", page.status, page.body)
	}
	if out := program(t, 1, "doctor", "--quick", "--data", shop.Folder()); !strings.Contains(out, "nobody can log in by "+issuer) {
		t.Errorf("the doctor: %s", out)
	}
	provider := startProvider(t, node, modules, issuer, origin+"/login/openid/callback")
	if out := program(t, 0, "doctor", "--quick", "--data", shop.Folder()); !strings.Contains(out, issuer+" can be reached") {
		t.Errorf("the doctor: %s", out)
	}
	time.Sleep(5 * time.Second) // that it was away is remembered for so long

	carol := newSurfer(t)
	page := carol.login(origin+"/login", "carol")
	if page.status != 200 || !strings.Contains(page.body, "carol@example.com") || !strings.Contains(page.body, "You can log in with") {
		t.Fatalf("carol: %d %s", page.status, page.body)
	}
	t.Run("an agent", func(t *testing.T) {
		access := newSurfer(t).connect(shop.Endpoint, origin, "carol")
		if status := mcpStatus(t, shop.Endpoint, access); status != 200 {
			t.Errorf("its token: %d", status)
		}
	})
	t.Run("87 an address that is not verified", func(t *testing.T) {
		if page := newSurfer(t).login(origin+"/login", "mallory"); page.status != 403 || !strings.Contains(page.body, "not to this shop") {
			t.Errorf("%d %s", page.status, page.body)
		}
	})
	t.Run("87 cancelled there", func(t *testing.T) {
		p := newSurfer(t)
		page := p.get(p.at(origin + "/login").providerLink())
		_, cancel, _ := strings.Cut(page.body, `<a href="`)
		cancel, _, _ = strings.Cut(cancel, `"`)
		if page := p.get(html.UnescapeString(cancel)); page.status != 403 || !strings.Contains(page.body, "cancelled or refused there") {
			t.Errorf("%d %s", page.status, page.body)
		}
	})
	t.Run("87 the callback again", func(t *testing.T) {
		p := newSurfer(t)
		p.login(origin+"/login", "carol")
		if page := p.get(p.callback); page.status != 400 || !strings.Contains(page.body, "has expired") {
			t.Errorf("%d %s", page.status, page.body)
		}
	})
	t.Run("56 the provider's tokens", func(t *testing.T) {
		for what, token := range newSurfer(t).tokens(issuer, origin+"/login/openid/callback", "carol") {
			if token == "" {
				t.Fatalf("there is no %s: the test sees nothing", what)
			}
			if status := mcpStatus(t, shop.Endpoint, token); status != 401 {
				t.Errorf("the provider's %s at /mcp: %d", what, status)
			}
		}
	})
	t.Run("87 other keys", func(t *testing.T) {
		provider.again()
		if page := newSurfer(t).login(origin+"/login", "carol"); page.status != 200 || !strings.Contains(page.body, "carol@example.com") {
			t.Errorf("%d %s", page.status, page.body)
		}
	})
	t.Run("what the operator sees and does", func(t *testing.T) {
		if out := program(t, 0, "user", "list", "--data", shop.Folder()); !strings.Contains(out, "carol@example.com") || !strings.Contains(out, "by "+strings.TrimPrefix(issuer, "http://")) {
			t.Errorf("the list: %s", out)
		}
		out := program(t, 0, "events", "--security", "--data", shop.Folder())
		if !strings.Contains(out, "linked the account to a login at "+strings.TrimPrefix(issuer, "http://")) {
			t.Errorf("the events: %s", out)
		}
		p := newSurfer(t)
		p.login(origin+"/login", "carol")
		program(t, 0, "user", "disable", "carol@example.com", "--data", shop.Folder())
		if page := p.get(origin + "/account/connections"); !strings.Contains(page.body, `name="password"`) {
			t.Error("her session goes on")
		}
		if page := newSurfer(t).login(origin+"/login", "carol"); page.status != 403 || !strings.Contains(page.body, "Your account is shut") {
			t.Errorf("%d %s", page.status, page.body)
		}
	})
}

// program runs a command that is to exit so, and returns what it says.
func program(t *testing.T, want int, args ...string) string {
	t.Helper()
	said, code := till(args...)
	if code != want {
		t.Errorf("till %s exits %d, not %d: %s", strings.Join(args, " "), code, want, said)
	}
	return said
}

// runningProvider is the provider's process.
type runningProvider struct {
	t     *testing.T
	in    io.Writer
	lines chan string
}

func startProvider(t *testing.T, node, modules, issuer, redirect string) *runningProvider {
	t.Helper()
	// Node looks for packages beside the script.
	dir := filepath.Join(filepath.Dir(modules), "till-openid")
	if err := os.CopyFS(dir, os.DirFS("testdata/openid")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	c := exec.CommandContext(ctx, node, filepath.Join(dir, "provider.mjs"), issuer[strings.LastIndex(issuer, ":")+1:], redirect)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = c.Wait() })
	p := &runningProvider{t, in, make(chan string, 100)}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	p.ready()
	return p
}

func (p *runningProvider) ready() {
	p.t.Helper()
	for late := time.After(30 * time.Second); ; {
		select {
		case line, ok := <-p.lines:
			if line == "ready" {
				return
			}
			if !ok {
				p.t.Fatal("the provider ended; is oidc-provider installed beside TILL_NODE_MODULES?")
			}
		case <-late:
			p.t.Fatal("the provider does not open")
		}
	}
}

// again makes it sign with other keys and forget all else.
func (p *runningProvider) again() {
	fmt.Fprintln(p.in, "rotate")
	p.ready()
}

// surfer is a person with a browser that follows redirects.
type surfer struct {
	t        *testing.T
	c        *http.Client
	callback string // the last address at which the provider sent them back
	stop     string // not opened: the beginning of an address
	stopped  string // that it was sent to
}

func newSurfer(t *testing.T) *surfer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &surfer{t: t}
	p.c = &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/login/openid/callback" {
			p.callback = r.URL.String()
		}
		if p.stop != "" && strings.HasPrefix(r.URL.String(), p.stop) {
			p.stopped = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return p
}

type shown struct {
	status int
	at     *url.URL
	body   string
}

func (p *surfer) do(req *http.Request) shown {
	p.t.Helper()
	resp, err := p.c.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return shown{resp.StatusCode, resp.Request.URL, string(body)}
}

func (p *surfer) get(address string) shown {
	p.t.Helper()
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(req)
}

func (p *surfer) at(address string) shown { p.t.Helper(); return p.get(address) }

func (p *surfer) post(address string, form url.Values) shown {
	p.t.Helper()
	req, err := http.NewRequest("POST", address, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.do(req)
}

var toProvider = regexp.MustCompile(`href="(/login/openid\?[^"]*)"`)

// providerLink is the address of the login page's link to the provider.
func (p shown) providerLink() string {
	m := toProvider.FindStringSubmatch(p.body)
	if m == nil {
		return "there is no link in: " + p.body
	}
	return p.at.Scheme + "://" + p.at.Host + html.UnescapeString(m[1])
}

var (
	formAction = regexp.MustCompile(`action="(http[^"]*/interaction/[^"]*)"`)
	formPrompt = regexp.MustCompile(`name="prompt" value="([a-z]+)"`)
)

// login goes to a login page of the shop and through the provider's pages.
func (p *surfer) login(address, name string) shown {
	p.t.Helper()
	return p.through(p.get(p.get(address).providerLink()), name)
}

func (p *surfer) through(at shown, name string) shown {
	p.t.Helper()
	for range 4 {
		action := formAction.FindStringSubmatch(at.body)
		if action == nil || p.stopped != "" {
			return at
		}
		prompt := formPrompt.FindStringSubmatch(at.body)
		if prompt == nil {
			p.t.Fatalf("a page without a prompt: %s", at.body)
		}
		at = p.post(action[1], url.Values{"prompt": {prompt[1]}, "login": {name}, "password": {"any"}})
	}
	p.t.Fatal("the provider's pages have no end")
	return at
}

// connect is an agent's whole way, with the person's login at the provider, and
// returns its token.
func (p *surfer) connect(endpoint, origin, name string) string {
	p.t.Helper()
	const back = "http://127.0.0.1:9/callback"
	resp, err := http.Post(origin+"/register", "application/json", strings.NewReader(`{"client_name":"An agent","redirect_uris":["`+back+`"]}`))
	if err != nil {
		p.t.Fatal(err)
	}
	var registered struct {
		ID string `json:"client_id"`
	}
	err = json.NewDecoder(resp.Body).Decode(&registered)
	_ = resp.Body.Close()
	if err != nil {
		p.t.Fatal(err)
	}
	q := url.Values{"response_type": {"code"}, "client_id": {registered.ID}, "redirect_uri": {back}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}, "resource": {endpoint}}
	consent := p.through(p.get(p.get(origin+"/authorize?"+q.Encode()).providerLink()), name)
	if consent.status != 200 || consent.at.Path != "/consent" || !strings.Contains(consent.body, "An agent") {
		p.t.Fatalf("no consent page: %d at %s: %s", consent.status, consent.at.Path, consent.body)
	}
	p.stop = back
	_, form, _ := strings.Cut(consent.body, `<form method="post" action="/consent"`)
	fields := url.Values{"decision": {"allow"}}
	for _, m := range regexp.MustCompile(`name="(tx|form)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	p.post(origin+"/consent", fields)
	return p.redeem(origin+"/token", url.Values{"client_id": {registered.ID}, "redirect_uri": {back}}, nil)["access token"]
}

const (
	challengeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge         = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// redeem exchanges the code with which the person was sent back.
func (p *surfer) redeem(endpoint string, form url.Values, auth *url.Userinfo) map[string]string {
	p.t.Helper()
	back, err := url.Parse(p.stopped)
	if err != nil || back.Query().Get("code") == "" {
		p.t.Fatalf("no code in %q", p.stopped)
	}
	form.Set("grant_type", "authorization_code")
	form.Set("code", back.Query().Get("code"))
	form.Set("code_verifier", challengeVerifier)
	req, err := http.NewRequest("POST", endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if auth != nil {
		secret, _ := auth.Password()
		req.SetBasicAuth(url.QueryEscape(auth.Username()), url.QueryEscape(secret))
	}
	got := p.do(req)
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(got.body), &tokens); err != nil || got.status != 200 {
		p.t.Fatalf("%s answers %d %s", endpoint, got.status, got.body)
	}
	return map[string]string{"access token": tokens.Access, "ID token": tokens.ID}
}

// tokens are what the provider itself gives to the shop's client.
func (p *surfer) tokens(issuer, redirect, name string) map[string]string {
	p.t.Helper()
	p.stop = redirect
	q := url.Values{"response_type": {"code"}, "client_id": {providerClient}, "redirect_uri": {redirect}, "scope": {"openid email"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	p.through(p.get(issuer+"/auth?"+q.Encode()), name)
	return p.redeem(issuer+"/token", url.Values{"redirect_uri": {redirect}}, url.UserPassword(providerClient, providerSecret))
}

// mcpStatus is how the MCP endpoint answers a token.
func mcpStatus(t *testing.T, endpoint, token string) int {
	t.Helper()
	status, _, _ := post(t, endpoint, token, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`)
	return status
}
