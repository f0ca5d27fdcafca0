package tests

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// checkView looks at the view as it stands, in every width and colour, by keyboard
// and as a screen reader is told of it.
func (s *stage) checkView(name string) {
	s.t.Helper()
	faults, err := os.ReadFile("testdata/pages/faults.js")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, as := range []look{{width: 320, still: true}, {width: 480, dark: true, still: true}, {width: 760, still: true}} {
		s.look(as)
		how := fmt.Sprintf("view-%s-%d", name, as.width)
		for _, f := range script[[]string](s.tab, string(faults)) {
			// A view is a script, and colours are set from there.
			if f != "the page holds what it should not" && f != "an attribute is a script or a style" {
				s.t.Errorf("%s: %s", how, f)
			}
		}
		s.hears("String(frame.clientHeight - Math.ceil(frame.contentDocument.documentElement.getBoundingClientRect().height))", "0")
		s.shoot(how)
	}
	for _, f := range append(s.unreachable(), s.nameless()...) {
		s.t.Errorf("view-%s: %s", name, f)
	}
	for _, c := range s.complained() {
		s.t.Errorf("view-%s: the console complains: %s", name, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, address := range s.asked {
		if !strings.HasPrefix(address, "http://127.0.0.1:") && !strings.HasPrefix(address, "data:,") {
			s.t.Errorf("view-%s: it asks for %s", name, address)
		}
	}
	s.asked = nil
}

// A person goes from what the model found to the order, in one view, and the shop
// holds what the view says.
func TestAPersonShopsInAView(t *testing.T) {
	s := newStage(t, look{width: 760})
	s.shows("products", "list_products", args{"limit": 8}, nil)
	s.says("Cozy Cat Bed", "in stock")
	s.checkView("products")
	s.press("More products")
	s.says("16 of 99 are shown.")

	s.shows("products", "search_products", args{"query": "mouse"}, nil)
	s.press("Add Catnip Mouse to the cart")
	s.says("Added Catnip Mouse. The cart holds 1 piece, $4.99.")
	if got := host[string](s, `heard.filter((m) => m.method === "ui/update-model-context").map((m) => m.params.content[0].text).join()`); !strings.HasPrefix(got, "The person did this in the shop's view (add_to_cart): Added 1 × Catnip Mouse") {
		t.Errorf("the model is told %q", got)
	}
	s.press("Catnip Mouse")
	s.says("Palm-sized mouse")
	s.checkView("product")
	s.press("Back")
	s.says("Laser Pointer Pro")
	s.shows("products", "get_product", args{"product": "catnip-kicker"}, nil)
	s.says("Catnip Kicker")
	s.checkView("variants")
	s.press("Open the cart")
	s.says("Total")
	s.press("One Catnip Mouse more")
	s.says("Catnip Mouse: 2. Total $9.98.")
	run(s.tab, s.click("DisclosureTriangle", "Discount code"))
	s.fill("Your code", "WELCOME10")
	s.checkView("cart")
	s.press("Use it")
	s.says("Discount WELCOME10", "−$1.00", "$8.98")
	s.press("Remove the code WELCOME10")
	s.says("Discount code")
	s.press("Review and buy")
	s.says("Confirm and pay $9.98", "no real money moves", "These prices hold until")
	s.checkView("review")
	s.press("Confirm and pay $9.98")
	s.says("Bought for $9.98.", "placed")
	s.press("What happened?")
	s.find("heading", "What happened")
	s.checkView("order")
	if got := s.agent.call("get_order_history", nil); got.at("total") != 1.0 {
		t.Errorf("the history is %s", got.Text)
	}

	s.shows("orders", "get_order_history", nil, nil)
	s.says("2 × Catnip Mouse", "$9.98")
	s.checkView("orders")
	order := s.agent.call("get_order_history", nil).text("orders.0.order_id")
	s.press("Order " + order + " again")
	s.says("Put into the cart: 1 item.")
	s.press("Remove Catnip Mouse")
	s.says("Removed Catnip Mouse. The cart is empty.")
	s.checkView("empty")
}

// The same by keyboard alone. The focus stays where the person was.
func TestAPersonShopsInAViewByKeyboard(t *testing.T) {
	s := newStage(t, look{width: 480})
	s.shows("products", "search_products", args{"query": "salmon treats"}, nil)
	enter := func(name string) {
		t.Helper()
		s.tabTo("button", name)
		s.keys("\r")
	}
	enter("Add Salmon Treats to the cart")
	s.says("Added Salmon Treats.")
	if !s.focused("button", "Add Salmon Treats to the cart") {
		t.Error("the focus is lost after Add")
	}
	enter("Open the cart, 1 piece")
	s.says("Total")
	enter("One Salmon Treats more")
	s.says("Salmon Treats: 2.")
	if !s.focused("button", "One Salmon Treats more") {
		t.Error("the focus is lost after a change of the quantity")
	}
	enter("Review and buy")
	s.says("Confirm and pay")
	if !s.focused("heading", "Review") {
		t.Error("the focus is not at the beginning of the review")
	}
	total := s.agent.call("view_cart", nil).text("total.display")
	enter("Confirm and pay " + total)
	s.says("Bought for " + total)
}

// A discount stands between the lines and the total, in the cart, in the review and in
// the order; one that does not hold says why.
func TestADiscountInTheViews(t *testing.T) {
	s := newStage(t, look{width: 720})
	if out, code := till("code", "create", "BIG-5", "--amount", "5", "--min", "20", "--data", s.shop.Folder()); code != 0 {
		t.Fatal(out)
	}
	s.agent.call("add_to_cart", args{"product": "cozy-cat-bed"})
	s.shows("cart", "apply_discount_code", args{"code": "big-5"}, nil)
	s.says("Subtotal", "$29.99", "Discount BIG-5", "−$5.00", "$24.99")
	s.press("Review and buy")
	s.says("Discount BIG-5", "−$5.00", "Confirm and pay $24.99")
	s.press("Confirm and pay $24.99")
	s.says("Bought for $24.99", "Discount BIG-5", "−$5.00")
	s.agent.call("add_to_cart", args{"product": "cozy-cat-bed"})
	s.agent.call("apply_discount_code", args{"code": "BIG-5"})
	s.agent.call("remove_from_cart", args{"product": "cozy-cat-bed"})
	s.agent.call("add_to_cart", args{"product": "catnip-mouse"})
	s.shows("cart", "view_cart", nil, nil)
	s.says("$15.01 are missing", "$4.99")
}
