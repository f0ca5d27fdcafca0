package tests

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A person without a mouse logs in, allows, refuses and disconnects.
func TestPagesByKeyboard(t *testing.T) {
	b := chromium(t, look{still: true})
	shop := serve(t, t.TempDir())
	press := func(role, name, key string) {
		t.Helper()
		b.tabTo(role, name)
		if status := b.arrives(chromedp.KeyEvent(key)); status != 200 {
			t.Fatalf("%s is answered %d:\n%s", name, status, b.text())
		}
	}
	desk := newApp(t, shop.Endpoint, "Desk", nil)
	phone := newApp(t, shop.Endpoint, "Phone", nil)

	// The cursor waits in the first field, and Enter sends the form.
	b.open(desk.asks(scopes))
	b.awaits("User name")
	b.keys("alice" + kb.Tab + shop.Users["alice"])
	if status := b.arrives(chromedp.KeyEvent(kb.Enter)); status != 200 {
		t.Fatalf("the login is answered %d:\n%s", status, b.text())
	}
	press("button", "Allow", kb.Enter)
	token := desk.redeem(desk.answer().Get("code"))

	b.open(phone.asks(scopes))
	press("button", "Deny", " ")
	if got := phone.answer(); got.Get("error") != "access_denied" {
		t.Errorf("a no is answered %v", got)
	}
	b.open(phone.asks(scopes))
	press("button", "Not you?", kb.Enter)
	// After a mistake the cursor waits in the field that has to be filled again.
	b.awaits("User name")
	b.keys("bob" + kb.Tab + "not his")
	if status := b.arrives(chromedp.KeyEvent(kb.Enter)); status != 401 {
		t.Fatalf("a wrong password is answered %d", status)
	}
	b.awaits("Password")
	b.keys(shop.Users["bob"])
	b.arrives(chromedp.KeyEvent(kb.Enter))
	press("link", "your connections", kb.Enter)
	if !strings.Contains(b.text(), "bob") || !strings.Contains(b.text(), "No app is connected.") {
		t.Errorf("bob sees\n%s", b.text())
	}
	press("button", "Log out", kb.Enter)

	b.awaits("User name")
	b.keys("alice" + kb.Tab + shop.Users["alice"])
	b.arrives(chromedp.KeyEvent(kb.Enter))
	press("button", "Disconnect Desk", kb.Enter)
	if !strings.Contains(b.text(), "Its tokens no longer work.") {
		t.Errorf("alice sees\n%s", b.text())
	}
	if _, err := dial(shop.Endpoint, token); err == nil {
		t.Error("Desk's token works on")
	}
	if c := b.complained(); len(c) > 0 {
		t.Errorf("the console complains: %q", c)
	}
}
