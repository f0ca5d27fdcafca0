package tests

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"till/cmd"
)

// hostile is what a client may call itself to look like something else.
const hostile = `<img src=//evil.test/x onerror=alert(1)><script>alert(1)</script>`

// Every page, as it is made: readable in light and dark, on a small screen, by
// keyboard and by a screen reader; light, without a word to any other host.
func TestPagesAreWellMade(t *testing.T) {
	b := chromium(t, look{width: 390})
	shop, err := cmd.Serve(t.Context(), cmd.ServeOptions{Options: cmd.Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
	const phrase = "purple ladders sing quietly"
	at := func(name string, says ...string) {
		t.Helper()
		for _, text := range says {
			if !strings.Contains(b.text(), text) {
				t.Errorf("%s does not say %q:\n%s", name, text, b.text())
			}
		}
		b.checkPage(t, name, origin)
	}
	login := func() {
		b.fill("User name", "owner")
		b.fill("Password", phrase)
		b.arrives(b.click("button", "Log in"))
	}

	b.open(origin)
	at("home", "This shop is open to agents")
	b.open(shop.Setup)
	at("setup", "Open your shop")
	b.fill("User name", "owner")
	b.fill("Password", phrase)
	b.fill("The same again", "purple")
	run(b, b.click("button", "Open the account")) // which the browser refuses: it is too short
	b.fill("The same again", phrase+"!")
	b.arrives(b.click("button", "Open the account"))
	at("setup-refused", "The two passwords are not the same.")
	b.fill("Password", phrase)
	b.fill("The same again", phrase)
	b.arrives(b.click("button", "Open the account"))
	at("connections-none", "No app is connected.")
	b.arrives(b.click("button", "Log out"))
	at("login", "to see the apps that act for you.")
	b.open(shop.Setup)
	at("setup-used", "This link cannot be used")

	desk := newApp(t, shop.Endpoint, "Desk", nil)
	b.open(desk.asks(scopes))
	at("login-app", "to connect Desk")
	b.fill("User name", "nobody")
	b.fill("Password", "wrong")
	b.arrives(b.click("button", "Log in"))
	at("login-wrong", "The user name or the password is wrong.")
	login()
	at("consent", "Let Desk act for you?", "this computer", "It can spend your money")
	b.arrives(b.click("button", "Allow"))
	desk.redeem(desk.answer().Get("code"))

	// What an attacker controls is text and nothing else.
	for name, c := range map[string]struct {
		called, says, goes string
		scope              string
	}{
		"markup":  {hostile, hostile[:40], "https://shop.evil-client.test/callback", scopes + " shop:admin"},
		"long":    {strings.Repeat("Wide", 60), "WideWide", "https://" + strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".test/cb", "catalog:read"},
		"rtl":     {"\u202eknaB ruoY\u202c متجر 🛒👩‍👩‍👧", "متجر", "test.evil.app:/callback", scopes},
		"nothing": {"", "Let an app without a name act for you?", "http://localhost:9/cb", scopes},
	} {
		a := newApp(t, shop.Endpoint, c.called, map[string]any{"redirect_uris": []string{c.goes}, "logo_uri": "https://evil.test/logo.png", "client_uri": "https://evil.test/", "policy_uri": "https://evil.test/p"})
		a.callback = c.goes
		b.forget() // the app's own page was asked for before
		b.open(a.asks(c.scope))
		at("consent-"+name, c.says)
	}

	// A client that its host vouches for, by a document that the shop knows.
	code := *desk
	code.id, code.callback = "https://vscode.dev/oauth/client-metadata.json", "http://127.0.0.1:33418/"
	b.open(code.asks(scopes))
	at("consent-verified", "Let Visual Studio Code act for you?", "Verified: vscode.dev")

	for i := range 3 {
		a := newApp(t, shop.Endpoint, []string{"Phone", hostile, strings.Repeat("Wide", 60)}[i], nil)
		b.open(a.asks([]string{"catalog:read", scopes, scopes + " offline_access"}[i]))
		b.arrives(b.click("button", "Allow"))
		a.redeem(a.answer().Get("code"))
	}
	b.forget()
	b.open(origin + "/account/connections")
	at("connections", "Desk", "Phone", "Place and pay for orders")
	b.arrives(b.click("button", "Disconnect Phone"))
	at("connections-one-less", "Its tokens no longer work.")

	desk.id = "cl_unknown"
	b.open(desk.asks(scopes))
	at("problem-client", "The shop does not know this app", "Remove the connection in your app and add it again.")
	b.open(origin + "/consent?tx=x")
	at("problem-expired", "This page has expired")
	b.open(origin + "/login?tx=" + strings.Repeat("x", 3000))
	at("problem-login", "This page has expired")

	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<link rel="icon" href="data:,"><form method="post" action="%s/account/connections"><input name="grant" value="all"><button>Win a prize</button></form>`, origin)
	}))
	defer elsewhere.Close()
	b.open(elsewhere.URL)
	b.forget()
	if status := b.arrives(b.click("button", "Win a prize")); status != http.StatusForbidden {
		t.Errorf("a foreign form is answered %d", status)
	}
	at("problem-foreign", "That form came from another site")
	b.open(origin + "/account/connections")
	at("connections-still", "Desk")
}

// A check that finds nothing may be one that does not look.
func TestBadlyMadePagesAreFound(t *testing.T) {
	b := chromium(t, look{width: 320, still: true})
	faults, err := os.ReadFile("testdata/pages/faults.js")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("testdata/pages/bad.html")
	if err != nil {
		t.Fatal(err)
	}
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "img-src 'none'")
		_, _ = w.Write(page)
	}))
	defer bad.Close()
	b.open(bad.URL)
	all := strings.Join(slices.Concat(script[[]string](b, string(faults)), b.unreachable(), b.nameless(), b.complained()), "\n")
	for _, want := range []string{
		"has a contrast of 2", "is see-through", "the edge of q has", "q has no label", "password manager",
		"does not say its language", "the title is", "no viewport", "not one h1", "skips a level", "is there twice", "holds what it should not",
		"a script or a style", "pixels too wide", "hangs out of", "too small to hit", "moves",
		"run into", "focus is, is not seen", "Tab does not reach", "Tab jumps", "a button has no name", "two buttons are named Go", "0 of banner", "security: ",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q", want)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}
