package tests

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A person sets limits with the consent, answers what the agent asks and changes
// the limits, in a real browser without scripts.
func TestAPersonChangesLimitsInChromium(t *testing.T) {
	b := chromium(t, look{width: 390, noScripts: true})
	shop := serve(t, t.TempDir())
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
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
	press := func(name string, want int) {
		t.Helper()
		if status := b.arrives(b.click("button", name)); status != want {
			t.Fatalf("%s is answered %d, want %d:\n%s", name, status, want, b.text())
		}
	}
	desk := newApp(t, shop.Endpoint, "Desk", nil)
	b.open(desk.asks(scopes))
	b.fill("User name", "alice")
	b.fill("Password", shop.Users["alice"])
	press("Log in", 200)
	run(b, b.click("DisclosureTriangle", "Limit what it may spend"))
	b.fill("At most per order", "forty")
	press("Allow", 400)
	says("The limit per order must be an amount in USD such as 50.00", "Let Desk act for you?")
	b.fill("At most per order", "40")
	b.fill("Ask me above", "20")
	// Enter in a field is not a yes.
	if status := b.arrives(chromedp.KeyEvent(kb.Enter)); status != 200 || len(desk.heard) > 0 {
		t.Fatalf("Enter is answered %d, and the app hears %d answers", status, len(desk.heard))
	}
	says("Let Desk act for you?")
	press("Allow", 200)
	agent := connect(t, shop.Endpoint, desk.redeem(desk.answer().Get("code")))

	agent.call("add_to_cart", args{"product": "cozy-cat-bed"})
	quote := args{"quote_id": agent.call("review_checkout", nil).text("quote_id")}
	asked, err := agent.try("checkout", quote)
	if err != nil || asked.text("code") != "approval_required" {
		t.Fatalf("%v %s", err, asked.Text)
	}
	b.open(origin + "/account/connections")
	says("It asked just now to buy for $29.99.", "At most $40.00 per order", "Asks you before orders above $20.00")
	b.arrives(b.click("link", "Look at it and answer"))
	if b.at() != asked.text("approve_url") {
		t.Errorf("the connections page leads to %s and the agent to %s", b.at(), asked.text("approve_url"))
	}
	says("Approve this purchase?", "Desk", "1 × Cozy Cat Bed", "$29.99", "above $20.00")
	press("Deny", 200)
	says("You said no")
	press("Approve after all", 200)
	says("You said yes", "within 60 minutes")
	agent.call("checkout", quote)
	b.open(asked.text("approve_url"))
	says("The app went on to buy it")

	b.open(origin + "/account/connections")
	says("Spent in the last 24 hours: $29.99 in 1 order.")
	run(b, b.click("DisclosureTriangle", "Change the limits"))
	b.fill("At most in 24 hours", "30")
	press("Save the limits of Desk", 200)
	says("Saved.", "At most $30.00 in 24 hours")
	agent.call("add_to_cart", args{"product": "catnip-mouse"})
	if over, err := agent.try("checkout", nil); err != nil || over.text("code") != "spending_limit_exceeded" {
		t.Errorf("%v %s", err, over.Text)
	}

	// Somebody who is not logged in gets there by way of the login.
	b.arrives(b.click("button", "Log out"))
	b.open(asked.text("approve_url"))
	b.fill("User name", "bob")
	b.fill("Password", shop.Users["bob"])
	press("Log in", 404)
	says("There is no such request", "bob")
	press("Not you?", 200)
	b.fill("User name", "alice")
	b.fill("Password", shop.Users["alice"])
	press("Log in", 200)
	says("The app went on to buy it")
}
