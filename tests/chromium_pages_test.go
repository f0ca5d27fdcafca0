package tests

import (
	"strings"
	"testing"

	"till/cmd"
)

// What a person does in the shop's pages, with the browser's scripts switched off:
// from the first link to the last agent's end.
func TestPagesInChromium(t *testing.T) {
	b := chromium(t, look{width: 390, noScripts: true})
	shop, err := cmd.Serve(t.Context(), cmd.ServeOptions{Options: cmd.Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
	const phrase = "purple ladders sing quietly"

	says := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if !strings.Contains(b.text(), text) {
				t.Fatalf("the page at %s does not say %q:\n%s", b.at(), text, b.text())
			}
		}
		if c := b.complained(); len(c) > 0 {
			t.Errorf("the console complains at %s: %q", b.at(), c)
		}
	}
	is := func(status, want int) {
		t.Helper()
		if status != want {
			t.Fatalf("the page has status %d, want %d:\n%s", status, want, b.text())
		}
	}

	is(b.open(shop.Setup), 200)
	says("Open your shop")
	b.fill("User name", "owner")
	b.fill("Password", phrase)
	b.fill("The same again", phrase+"!")
	is(b.arrives(b.click("button", "Open the account")), 400)
	says("The two passwords are not the same.")
	b.fill("User name", "owner")
	b.fill("Password", phrase)
	b.fill("The same again", phrase)
	is(b.arrives(b.click("button", "Open the account")), 200)
	says("Your connections", "owner", "No app is connected.")
	is(b.open(shop.Setup), 400)
	says("This link cannot be used")

	is(b.open(origin+"/account/connections"), 200)
	is(b.arrives(b.click("button", "Log out")), 200)
	says("to see the apps that act for you.")

	// An app asks. The first try has a wrong password.
	desk := newApp(t, shop.Endpoint, "Desk", nil)
	is(b.open(desk.asks(scopes)), 200)
	says("to connect Desk", "You decide on the next page")
	b.fill("User name", "owner")
	b.fill("Password", "wrong")
	is(b.arrives(b.click("button", "Log in")), 401)
	says("The user name or the password is wrong.")
	b.fill("Password", phrase)
	is(b.arrives(b.click("button", "Log in")), 200)
	says("Let Desk act for you?", "Place and pay for orders", "owner", "127.0.0.1", "this computer")
	is(b.arrives(b.click("button", "Allow")), 200)
	says("Back in the app")
	token := desk.redeem(desk.answer().Get("code"))
	connect(t, shop.Endpoint, token).call("add_to_cart", args{"product": "catnip-mouse"})

	// Going back and allowing again gives nothing.
	b.back()
	is(b.arrives(b.click("button", "Allow")), 400)
	says("This page has expired")
	if len(desk.heard) > 0 {
		t.Errorf("the second Allow is answered %v", <-desk.heard)
	}

	// Another app, by somebody else, who in the end does not want it.
	phone := newApp(t, shop.Endpoint, "Phone", nil)
	is(b.open(phone.asks("catalog:read cart:write")), 200)
	says("Let Phone act for you?")
	is(b.arrives(b.click("button", "Not you?")), 200)
	says("to connect Phone")
	b.fill("User name", "owner")
	b.fill("Password", phrase)
	is(b.arrives(b.click("button", "Log in")), 200)
	is(b.arrives(b.click("button", "Deny")), 200)
	if got := phone.answer(); got.Get("error") != "access_denied" || got.Has("code") {
		t.Errorf("a no is answered %v", got)
	}
	for range 2 {
		is(b.open(phone.asks("catalog:read cart:write")), 200)
		is(b.arrives(b.click("button", "Allow")), 200)
		phone.redeem(phone.answer().Get("code"))
	}

	is(b.open(origin), 200)
	says("This shop is open to agents", shop.Endpoint)
	is(b.arrives(b.click("link", "See and disconnect them")), 200)
	says("Desk", "Phone")
	is(b.arrives(b.click("button", "Disconnect Desk")), 200)
	says("Disconnected. Its tokens no longer work.", "Phone")
	if strings.Contains(b.text(), "Desk") {
		t.Errorf("Desk is still there:\n%s", b.text())
	}
	if _, err := dial(shop.Endpoint, token); err == nil {
		t.Error("Desk's token works on")
	}
	is(b.arrives(b.click("button", "Disconnect all")), 200)
	says("2 apps disconnected.", "No app is connected.")
}
