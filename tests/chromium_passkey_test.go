package tests

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// authenticator is one in the browser, as a laptop has it.
type authenticator struct {
	*tab
	id webauthn.AuthenticatorID
}

func (b *tab) authenticator() *authenticator {
	b.t.Helper()
	command(b, webauthn.Enable, webauthn.EnableParams{})
	made := command(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	return &authenticator{b, made.AuthenticatorID}
}

// verified is whether it recognizes who touches it.
func (a *authenticator) verified(is bool) {
	a.t.Helper()
	command(a.tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: is})
}

// older makes the browser one that offers no passkeys in the user name's field, until
// the returned function is called. This one's authenticator is touched as soon as it
// asks, so that otherwise no button would be needed.
func (a *authenticator) older() (newer func()) {
	a.t.Helper()
	id := command(a.tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: "if (self.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = undefined",
	}).Identifier
	return func() {
		command(a.tab, page.RemoveScriptToEvaluateOnNewDocument, page.RemoveScriptToEvaluateOnNewDocumentParams{Identifier: id})
	}
}

// sees waits until the page says so, or the one that it leads to.
func (b *tab) sees(words string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		// Between two pages there is none to ask.
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		if strings.Contains(text, words) {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("the page at %s does not say %q:\n%s", b.at(), words, b.text())
		}
	}
}

// press clicks a button that may lead anywhere, or nowhere.
func (b *tab) press(name string) { b.t.Helper(); run(b, b.click("button", name)) }

// A person adds a passkey in a real browser, logs in with it for themselves and for
// an app, and removes it. Without the script the pages work as they did.
func TestPasskeyInChromium(t *testing.T) {
	b := chromium(t, look{width: 390, still: true})
	shop := serve(t, t.TempDir())
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
	named := strings.Replace(origin, "127.0.0.1", "localhost", 1)
	key := b.authenticator()
	newer := key.older()
	password := func(lands string) {
		t.Helper()
		b.fill("User name", "alice")
		b.fill("Password", shop.Users["alice"])
		b.press("Log in")
		b.sees(lands)
	}
	follow := func(link string) {
		t.Helper()
		run(b, b.click("link", link))
	}

	// Under the address there are none, and the page says where there are.
	b.open(origin + "/login")
	password("Apps that act for you")
	follow("Your passkeys")
	b.sees("open this page at " + named)
	b.checkPage(t, "passkeys-address", origin)
	b.open(named + "/account/passkeys")

	b.sees("Log in with a passkey")
	b.forget()
	b.checkPage(t, "login-passkey", named)
	key.verified(false)
	b.press("Log in with a passkey")
	b.sees("No passkey was used")
	b.shoot("login-passkey-refused")
	key.verified(true)
	password("You have no passkey yet") // back where they were going
	b.fill("Name for a new passkey (optional)", "My laptop")
	b.press("Add a passkey")
	b.sees("“My laptop” is added")
	b.forget()
	b.checkPage(t, "passkeys-added", named)
	b.press("Add a passkey")
	b.sees("has a passkey for the shop already")
	b.press("Log out")

	b.sees("Log in with a passkey")
	b.press("Log in with a passkey")
	b.sees("Apps that act for you")
	b.press("Log out")
	b.sees("Log in with a passkey")
	// Chosen in the user name's field, no button is needed.
	newer()
	b.open(named + "/login")
	b.sees("Apps that act for you")
	newer = key.older()
	b.press("Log out")
	b.sees("Log in with a passkey")

	desk := newApp(t, shop.Endpoint, "Desk", nil)
	b.open(strings.Replace(desk.asks(scopes), origin, named, 1))
	b.sees("to connect Desk")
	b.press("Log in with a passkey")
	b.sees("It will be able to")
	b.open(named + "/account/passkeys")
	b.sees("this session")
	b.press("Remove My laptop and log out")
	b.sees("Log in with a passkey")
	b.press("Log in with a passkey")
	b.sees("That passkey opens no account here")
	if c := b.complained(); len(c) > 0 {
		t.Errorf("the console complains: %q", c)
	}

	newer()
	b.look(look{width: 390, noScripts: true})
	b.open(named + "/login")
	if text := b.text(); strings.Contains(text, "passkey") {
		t.Errorf("without script the page offers: %s", text)
	}
	password("Apps that act for you")
	follow("Your passkeys")
	b.sees("Adding a passkey needs JavaScript")
	b.shoot("passkeys-without-script")
}
