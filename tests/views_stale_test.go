package tests

import (
	"maps"
	"testing"
	"time"
)

// A host tells of many changes, of the view's own size most of all. None of them takes
// away what a person is typing.
func TestAViewKeepsWhatIsTyped(t *testing.T) {
	s := newStage(t, look{width: 480})
	s.agent.call("add_to_cart", args{"product": "catnip-mouse"})
	s.shows("cart", "view_cart", nil, args{"locale": "en-US"})
	run(s.tab, s.click("DisclosureTriangle", "Discount code"))
	s.fill("Your code", "WELC")
	host[bool](s, `(post({ method: "ui/notifications/host-context-changed", params: { locale: "en-US", theme: "light", containerDimensions: { maxHeight: 900, width: 480 } } }), true)`)
	s.find("textbox", "Your code")
	time.Sleep(100 * time.Millisecond)
	s.keys("OME10")
	s.press("Use it")
	s.says("Discount WELCOME10")
	host[bool](s, `(post({ method: "ui/notifications/host-context-changed", params: { locale: "de-DE" } }), true)`)
	s.says("Discount WELCOME10")
}

// The list of orders that a person comes back to says what has become of one since.
func TestAViewsListOfOrdersFollowsAnOrder(t *testing.T) {
	s := newStage(t, look{width: 480})
	s.cans("get_order_history", args{"total": 1, "orders": []args{{"order_id": "CS-AAAAA-BBBBB", "placed_at": "2026-11-20T10:00:00Z", "status": "placed", "total": usd("$4.99"), "items": []string{"1 × Catnip Mouse"}}}})
	s.shows("orders", "get_order_history", nil, nil)
	s.says("placed")
	open, gone := maps.Clone(boughtAs), maps.Clone(boughtAs)
	open["can_cancel"], gone["status"] = true, "cancelled"
	s.cans("get_order", open, gone)
	s.cans("cancel_order", gone)
	s.press("Open order CS-AAAAA-BBBBB")
	s.press("Cancel this order")
	s.press("Yes, cancel it")
	s.says("cancelled")
	s.press("Back")
	s.says("1 × Catnip Mouse", "cancelled")
}

// Where the clock of the person's machine is ahead, a review that was just asked for
// holds all the same. The shop has the last word.
func TestAViewBuysByAFastClock(t *testing.T) {
	s := newStage(t, look{width: 480})
	s.cans("review_checkout", quotedFor(-time.Hour), quotedFor(-time.Hour))
	s.shows("checkout", "review_checkout", nil, nil)
	s.says("The time for these prices is over.")
	s.press("Review again")
	s.press("Confirm and pay $4.99")
}
