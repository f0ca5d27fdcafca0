package tests

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A person limits an agent with the consent, by keyboard, is asked before it buys,
// and says no and then yes: every page of that as it is made.
func TestLimitsInChromium(t *testing.T) {
	b := chromium(t, look{width: 390, noScripts: true})
	shop := serve(t, t.TempDir())
	origin := strings.TrimSuffix(shop.Endpoint, "/mcp")
	at := func(name string, says ...string) {
		t.Helper()
		for _, text := range says {
			if !strings.Contains(b.text(), text) {
				t.Fatalf("%s does not say %q:\n%s", name, text, b.text())
			}
		}
		b.checkPage(t, name, origin)
		b.look(look{width: 390, noScripts: true})
	}
	desk := newApp(t, shop.Endpoint, "Desk", nil)
	b.open(desk.asks(scopes))
	b.fill("User name", "alice")
	b.fill("Password", shop.Users["alice"])
	b.arrives(b.click("button", "Log in"))
	b.tabTo("DisclosureTriangle", "Limit what it may spend")
	b.keys(kb.Enter)
	b.tabTo("textbox", "Ask me above")
	b.keys("ten")
	// Enter in a field must neither allow nor deny.
	if status := b.arrives(chromedp.KeyEvent(kb.Enter)); status >= 500 || len(desk.heard) > 0 {
		t.Fatalf("Enter in a field is answered %d %v", status, len(desk.heard))
	}
	// What is wrong stands far down the page: it is brought into view.
	b.awaits("At most per order")
	if top := script[float64](b, `document.querySelector("[role=alert]").getBoundingClientRect().top / innerHeight`); top < 0 || top > 0.9 {
		t.Errorf("what is wrong stands at %v of the window's height", top)
	}
	at("consent-limits-refused", "Let Desk act for you?", "You wrote: ten")
	b.fill("Ask me above", "10")
	b.fill("At most per order", "100")
	b.arrives(b.click("button", "Allow"))
	agent := connect(t, shop.Endpoint, desk.redeem(desk.answer().Get("code")))
	b.forget()
	b.open(origin + "/account/connections")
	at("connections-limits", "Desk")

	agent.call("add_to_cart", args{"product": "catnip-mouse", "quantity": 3})
	quote := args{"quote_id": agent.call("review_checkout", nil).text("quote_id")}
	out, err := agent.try("checkout", quote)
	if err != nil || out.text("code") != "approval_required" {
		t.Fatalf("%v %s", err, out.Text)
	}
	b.open(out.text("approve_url"))
	at("approve", "Approve this purchase?", "Catnip Mouse", "$14.97")
	b.tabTo("button", "Deny")
	b.arrives(chromedp.KeyEvent(kb.Enter))
	at("approve-denied", "You said no")
	if out, err := agent.try("checkout", quote); err != nil || !out.IsError {
		t.Fatalf("a refused purchase: %v %+v", err, out)
	}
	b.arrives(b.click("button", "Approve after all"))
	at("approve-approved", "You said yes")
	agent.call("checkout", quote)
	b.open(out.text("approve_url"))
	at("approve-bought", "The app went on to buy it")
	b.open(origin + "/account/approve?request=x.y")
	at("approve-unknown", "There is no such request")
}
