package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// chromium is a browser with an authenticator in it, and a person who clicks.
type chromium struct {
	t   *testing.T
	ctx context.Context
	// at is the shop as the person opens it.
	at            string
	authenticator webauthn.AuthenticatorID
}

// TILL_CHROMIUM names the browser, if it has another name than usual.
func openChromium(t *testing.T, at string) *chromium {
	t.Helper()
	path := os.Getenv("TILL_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		if os.Getenv("TILL_REQUIRE_CHROMIUM") != "" {
			t.Fatal("no Chromium is there: install it, or name it in TILL_CHROMIUM")
		}
		t.Skip("SKIPPED: PASSKEYS ARE NOT TRIED IN A REAL BROWSER. It needs Chromium; .ci/run installs it (or name one in TILL_CHROMIUM).")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	// Its sandbox does not start for the superuser, and it sees no page but ours.
	ctx, stop := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	t.Cleanup(stop)
	ctx, closed := chromedp.NewContext(ctx)
	t.Cleanup(closed)
	c := &chromium{t: t, ctx: ctx, at: at}
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.authenticator = made.AuthenticatorID
	return c
}

// does fails the test unless the steps work, and shows the page that they end on.
func (c *chromium) does(what string, steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		c.t.Fatalf("%s: %v\n%s\n%s", what, err, c.where(), c.text())
	}
}

func (c *chromium) where() string {
	at, _ := chromedp.Run(c.ctx, chromedp.Location())
	return at
}

func (c *chromium) text() string {
	text, _ := chromedp.Run(c.ctx, chromedp.Text(chromedp.CSS("main")))
	return text
}

// sees waits until the page says so.
func (c *chromium) sees(words string) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(c.text(), words); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("the page at %s does not say %q:\n%s", c.where(), words, c.text())
		}
	}
}

func (c *chromium) button(words string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(fmt.Sprintf(`//button[contains(., %q)]`, words))
}

// password fills in the login page that is open.
func (c *chromium) password(user, password string) {
	c.t.Helper()
	c.does("the password", chromedp.SendKeys(chromedp.CSS("#username"), user), chromedp.SendKeys(chromedp.CSS("#password"), password), chromedp.Click(chromedp.CSS("form[action='/login'] button")))
}

func (c *chromium) verified(is bool) {
	c.t.Helper()
	if _, err := chromedp.Call(c.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: c.authenticator, IsUserVerified: is}); err != nil {
		c.t.Fatal(err)
	}
}

// touching is whether the person touches the authenticator whenever it asks. Before
// they do, a browser that shows passkeys in the user name's field waits for a choice;
// this one takes the touch for it.
func (c *chromium) touching(is bool) {
	c.t.Helper()
	if _, err := chromedp.Call(c.ctx, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: c.authenticator, Enabled: is}); err != nil {
		c.t.Fatal(err)
	}
}

// picture keeps what the page looks like on a phone and on a desk, by day and by
// night, for whoever wants to look (TILL_PICTURES names the folder). Nothing may
// be wider than the screen.
func (c *chromium) picture(name string) {
	c.t.Helper()
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			if _, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}); err != nil {
				c.t.Fatal(err)
			}
			c.does(name, chromedp.EmulateViewport(width, 844))
			wide, err := chromedp.Run(c.ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
			if err != nil || wide > width {
				c.t.Errorf("%s is %d wide on a screen of %d (%v)", name, wide, width, err)
			}
			if dir := os.Getenv("TILL_PICTURES"); dir != "" {
				png, err := chromedp.Run(c.ctx, chromedp.FullScreenshot(100))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), png, 0o644)
				}
				if err != nil {
					c.t.Error(err)
				}
			}
		}
	}
}

// A person adds a passkey in a real browser, logs in with it for themselves and for
// an app, and removes it. Without the script the pages work as they did.
func TestPasskeyInARealBrowser(t *testing.T) {
	shop := serve(t, t.TempDir())
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
	c := openChromium(t, strings.Replace(origin, "127.0.0.1", "localhost", 1))
	complaints := make(chan string, 100)
	console := chromedp.Console(c.ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			// That a login is answered 401 is no fault of the page's.
			if said := fmt.Sprintf("%+v", m); !strings.Contains(said, "401 (Unauthorized)") {
				complaints <- said
			}
		}
	}()

	// Under the address there are none, and the page says where there are.
	c.does("the login page", chromedp.Navigate(origin+"/login"))
	c.password("alice", shop.Users["alice"])
	c.sees("Apps that act for you")
	c.does("the page of passkeys", chromedp.Click(chromedp.CSS("a[href='/account/passkeys']")))
	c.sees("open this page at " + c.at)
	c.picture("passkeys-address")
	c.does("the other name", chromedp.Click(chromedp.CSS("main a[href^='http://localhost']")))

	c.sees("Log in with a passkey")
	c.picture("login")
	c.verified(false)
	c.does("a passkey that is not there", c.button("Log in with a passkey"))
	c.sees("No passkey was used")
	c.picture("login-refused")
	c.verified(true)
	c.password("alice", shop.Users["alice"])
	c.sees("Apps that act for you")
	c.does("the page of passkeys", chromedp.Click(chromedp.CSS("a[href='/account/passkeys']")))
	c.sees("You have no passkey yet")
	c.picture("passkeys-none")
	c.does("a passkey", chromedp.SendKeys(chromedp.CSS("#name"), "My laptop"), c.button("Add a passkey"))
	c.sees("“My laptop” is added")
	c.picture("passkeys-added")
	c.does("another of the same device", c.button("Add a passkey"))
	c.sees("has a passkey for the shop already")
	c.touching(false)
	c.does("logging out", c.button("Log out"))

	c.sees("Log in with a passkey")
	c.touching(true)
	c.does("the passkey", c.button("Log in with a passkey"))
	c.sees("Apps that act for you")
	c.picture("connections")
	c.touching(false)
	c.does("logging out", c.button("Log out"))
	c.sees("Log in with a passkey")
	// Chosen in the user name's field, no button is needed.
	c.touching(true)
	c.does("the login page", chromedp.Navigate(c.at+"/login"))
	c.sees("Apps that act for you")
	c.touching(false)
	c.does("logging out", c.button("Log out"))
	c.sees("Log in with a passkey")

	// For an app, as which this test poses.
	c.does("the app", chromedp.Navigate(c.at+"/authorize?"+asks(t, c.at).Encode()))
	c.sees("to connect Test agent")
	c.picture("login-app")
	c.touching(true)
	c.does("the passkey", c.button("Log in with a passkey"))
	c.sees("It will be able to")
	c.does("the passkeys", chromedp.Navigate(c.at+"/account/passkeys"))
	c.sees("this session")
	c.picture("passkeys-this-session")
	c.touching(false)
	c.does("removing it", c.button("Remove and log out"))
	c.sees("Log in with a passkey")
	c.does("the page that waits for a choice is left", chromedp.Navigate(c.at+"/"))
	c.does("the login page", chromedp.Navigate(c.at+"/account/passkeys"))
	c.sees("Log in with a passkey")
	c.touching(true)
	c.does("the passkey that is removed", c.button("Log in with a passkey"))
	c.sees("That passkey opens no account here")

	if _, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	c.does("without script", chromedp.Navigate(c.at+"/login"), chromedp.WaitVisible(chromedp.CSS("#password")))
	if text := c.text(); strings.Contains(text, "passkey") {
		t.Errorf("without script the page offers: %s", text)
	}
	c.password("alice", shop.Users["alice"])
	c.sees("Apps that act for you")
	c.does("the page of passkeys", chromedp.Click(chromedp.CSS("a[href='/account/passkeys']")))
	c.sees("Adding a passkey needs JavaScript")
	c.picture("passkeys-without-script")
	for len(complaints) > 0 {
		t.Errorf("the browser complains: %s", <-complaints)
	}
}

// asks is an authorization request of a client that has just registered.
func asks(t *testing.T, at string) url.Values {
	t.Helper()
	const back = "http://127.0.0.1:9999/callback"
	resp, err := http.Post(at+"/register", "application/json", strings.NewReader(`{"client_name":"Test agent","redirect_uris":["`+back+`"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var client struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&client); err != nil || client.ID == "" {
		t.Fatalf("no client: %v", err)
	}
	return url.Values{
		"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {back}, "state": {"st"}, "scope": {scopes}, "resource": {at + "/mcp"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
}
