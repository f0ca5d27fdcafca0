package tests

import (
	"maps"
	"testing"
	"time"
)

// A double click does one thing, also where the first half of it has put another
// button under the mouse.
func TestADoubleClickInAViewDoesOneThing(t *testing.T) {
	s := newStage(t, look{width: 760})
	settled := func() { time.Sleep(700 * time.Millisecond) } // the screen is no new one any more
	// again is the second half of a double click, on what has come into its place.
	again := func(name string) {
		t.Helper()
		if !inFrame[bool](s.tab, `(() => { const b = [...document.querySelectorAll("button")].find((b) => (b.getAttribute("aria-label") || b.textContent) === `+scripted(name)+
			`); if (b) b.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 2 })); return !!b; })()`) {
			t.Fatalf("there is no %q:\n%s", name, s.text())
		}
	}
	line := func(sku, title string, quantity int) args {
		return args{"sku": sku, "handle": sku, "title": title, "quantity": quantity, "price": usd("$4.99"), "subtotal": usd("$4.99")}
	}
	held := func(lines ...args) args {
		return args{"lines": lines, "pieces": len(lines), "total": usd("$4.99"), "version": 1}
	}
	s.cans("view_cart", held(line("A", "Mouse", 1), line("B", "Ball", 1)))
	s.shows("cart", "view_cart", nil, nil)
	settled()
	s.cans("remove_from_cart", held(line("B", "Ball", 1)), held(line("B", "Ball", 1)))
	s.press("Remove Mouse")
	s.says("Removed Mouse.")
	again("Remove Ball")
	if got := s.called(); got != "remove_from_cart" {
		t.Errorf("a double click on Remove calls %q", got)
	}

	order := maps.Clone(boughtAs)
	order["can_cancel"] = true
	s.cans("get_order", order)
	s.shows("orders", "get_order", args{"order_id": "CS-AAAAA-BBBBB"}, nil)
	settled()
	s.cans("cancel_order", order)
	s.press("Cancel this order")
	s.says("Yes, cancel it")
	again("Yes, cancel it")
	if got := s.called(); got != "" {
		t.Errorf("a double click on Cancel calls %q", got)
	}

	// Who clicks fast on the same button of a quantity means each click.
	s.cans("view_cart", held(line("A", "Mouse", 1)))
	s.shows("cart", "view_cart", nil, nil)
	settled()
	s.cans("update_cart_quantity", held(line("A", "Mouse", 2)), held(line("A", "Mouse", 3)))
	s.press("One Mouse more")
	s.says("Mouse: 2.")
	again("One Mouse more")
	s.says("Mouse: 3.")

	// Who clicks twice to add means one.
	s.shows("products", "search_products", args{"query": "catnip mouse"}, nil)
	settled()
	s.press("Add Catnip Mouse to the cart")
	s.says("The cart holds 1 piece")
	again("Add Catnip Mouse to the cart")
	time.Sleep(200 * time.Millisecond)
	if got := s.called(); got != "add_to_cart" {
		t.Errorf("a double click on Add calls %q", got)
	}
}
