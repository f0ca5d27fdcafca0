package tests

import (
	"strings"
	"testing"
	"time"
)

// The views, where a foreign client shows them: MCP Inspector's Apps tab, after
// the login in the browser. A person finds something, puts it in, reviews, confirms
// and sees the order.
func TestInspectorApps(t *testing.T) {
	needInspector(t, "THE VIEWS ARE NOT SEEN IN MCP INSPECTOR")
	shop := serve(t, t.TempDir())
	for _, era := range []string{"legacy", "modern"} {
		t.Run(era, func(t *testing.T) {
			b := chromium(t, look{})
			b.open(inspectorWeb(t, shop.Endpoint, era))
			b.logIn(t, shop.Endpoint, "bob", shop.Users["bob"])
			v := &stage{tab: b}

			keep := func(name string) {
				t.Helper()
				held := b.frame
				b.frame = ""
				b.shoot("inspector-apps-" + era + "-" + name)
				b.frame = held
			}
			run(b, b.click("button", "Close monitoring sidebar"))
			b.openApp("Search products", "query", "mouse")
			v.says("Catnip Mouse", "$4.99")
			v.press("Add Catnip Mouse to the cart")
			v.says("Added Catnip Mouse. The cart holds 1 piece, $4.99.")
			keep("products")

			b.openApp("View the cart", "", "")
			v.says("Catnip Mouse", "Total")
			v.press("One Catnip Mouse more")
			v.says("Catnip Mouse: 2. Total $9.98.")
			keep("cart")
			v.press("Review and buy")
			v.says("Confirm and pay $9.98")
			keep("review")
			v.press("Confirm and pay $9.98")
			v.says("Bought for $9.98.", "Order CS-")
			_, order, _ := strings.Cut(v.text(), "Order ")
			order, _, _ = strings.Cut(order, "\n")
			keep("bought")

			b.openApp("Order history", "", "")
			v.says(order, "2 × Catnip Mouse")
			v.press("Open order " + order)
			v.says("Order "+order, "Placed and paid: $9.98.")
			b.find("heading", "What happened")
			keep("order")

			// What the views did is what the shop holds.
			bob := shopper(t, shop, "bob")
			if got := bob.call("get_order", args{"order_id": order}); got.text("status") != "placed" || got.at("pieces") != 2.0 {
				t.Errorf("the order is %s", got.Text)
			}
			if got := bob.call("view_cart", nil); got.at("pieces") != 0.0 {
				t.Errorf("the cart is %s", got.Text)
			}
		})
	}
}

// logIn connects the Inspector's page: its switch leads to the shop's login, and
// Allow leads back.
func (b *tab) logIn(t *testing.T, endpoint, user, password string) {
	t.Helper()
	run(b, b.click("switch", "Connect or disconnect \""+address(t, endpoint)+"\""))
	b.fill("User name", user)
	b.fill("Password", password)
	b.arrives(b.click("button", "Log in"))
	b.arrives(b.click("button", "Allow"))
}

// openApp opens a tool's view in the Apps tab, with one argument if there is a
// field for it.
func (b *tab) openApp(title, field, value string) {
	b.t.Helper()
	b.frame = ""
	name := ""
	for end := time.Now().Add(patience); name == ""; time.Sleep(300 * time.Millisecond) {
		if time.Now().After(end) {
			b.shoot("inspector-apps-lost")
			b.t.Fatalf("the app %s is not listed:\n%s", title, b.text())
		}
		run(b, b.click("radio", "Apps"))
		for _, n := range b.tree() {
			if calls(n.Role) == "button" && strings.HasPrefix(calls(n.Name), title+" Use this") {
				name = calls(n.Name)
			}
		}
	}
	run(b, b.click("button", name))
	if field != "" {
		b.fill(field, value)
	}
	// What takes no arguments opens by itself.
	for end := time.Now().Add(patience); !script[bool](b, `!!document.querySelector("[data-app-status=ready]")`); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			b.shoot("inspector-apps-lost")
			b.t.Fatalf("the app %s does not open:\n%s", title, b.text())
		}
		if b.has("button", "Open App") {
			run(b, b.click("button", "Open App"))
		}
	}
	b.enter()
}
