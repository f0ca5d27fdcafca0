package tests

import (
	"strings"
	"testing"
	"time"
)

// cans makes the shop's next answers of a tool ones that it seldom gives. An error
// is its problem, with a code.
func (s *stage) cans(tool string, answers ...args) {
	s.t.Helper()
	results := []any{}
	for _, a := range answers {
		if a["lost"] != nil {
			results = append(results, a)
			continue
		}
		code, _ := a["code"].(string)
		results = append(results, args{"isError": code != "", "content": []args{{"type": "text", "text": "It was so.\n" + scripted(a)}}})
	}
	host[bool](s, "(canned["+scripted(tool)+"] = "+scripted(results)+", true)")
}

func usd(display string) args {
	return args{"amount": 499, "currency": "USD", "display": display}
}

// given are what a view gave a tool.
func (s *stage) given(tool, argument string) []string {
	s.t.Helper()
	return host[[]string](s, "calls.filter((c) => c.name === "+scripted(tool)+").map((c) => String(c.given."+argument+"))")
}

func quotedFor(expires time.Duration) args {
	return args{"ready": true, "quote_id": "q_1", "lines": []args{{"sku": "A", "handle": "catnip-mouse", "title": "Catnip Mouse", "quantity": 1, "price": usd("$4.99"), "subtotal": usd("$4.99")}},
		"total": usd("$4.99"), "problems": []args{}, "warnings": []args{}, "expires_at": time.Now().Add(expires).UTC().Format(time.RFC3339), "test_money": true, "as_of": 1}
}

var boughtAs = args{"order_id": "CS-AAAAA-BBBBB", "status": "placed", "placed_at": "2026-11-20T10:00:00Z", "total": usd("$4.99"), "replayed": false,
	"lines": []args{{"sku": "A", "handle": "catnip-mouse", "title": "Catnip Mouse", "quantity": 1, "price": usd("$4.99"), "subtotal": usd("$4.99")}}}

// All that a purchase may meet is shown, and nothing is bought twice on the way.
func TestAViewShowsHowAPurchaseGoes(t *testing.T) {
	s := newStage(t, look{width: 760})
	const pay = "Confirm and pay $4.99"
	reviewed := func(expires time.Duration) {
		t.Helper()
		s.cans("review_checkout", quotedFor(expires))
		s.shows("checkout", "review_checkout", nil, nil)
		s.says(pay)
	}
	refused := func(name string, problem args, says, then string) {
		t.Helper()
		reviewed(time.Hour)
		s.cans("confirm_checkout", problem, boughtAs)
		s.press(pay)
		s.says(says)
		s.checkView("checkout-" + name)
		if then != "" {
			s.press(then)
			s.says("Bought for $4.99.")
		}
	}

	refused("declined", args{"code": "payment_declined", "message": "m", "retryable": false, "decline_code": "insufficient_funds", "order_id": "CS-1"}, "The payment was declined (insufficient funds).", "")
	s.fill("Payment method", "pm_card_mastercard")
	s.press("Try this payment")
	s.says("Bought for $4.99.")
	if got := s.given("confirm_checkout", "payment_method"); strings.Join(got, " ") != "undefined pm_card_mastercard" {
		t.Errorf("it is paid with %q", got)
	}
	if keys := s.given("confirm_checkout", "idempotency_key"); len(keys) != 2 || keys[0] == keys[1] || len(keys[0]) < 32 {
		t.Errorf("another payment is under the keys %q", keys)
	}
	refused("approval", args{"code": "approval_required", "message": "m", "retryable": true, "quote_id": "q_1", "approve_url": "http://127.0.0.1:1/approve?x"}, "approve such a purchase yourself", "")
	s.press("Open the shop's page")
	s.hears(`heard.filter((m) => m.method === "ui/open-link").map((m) => m.params.url).join()`, "http://127.0.0.1:1/approve?x")
	s.press("I have approved it: buy")
	s.says("Bought for $4.99.")
	refused("pending", args{"code": "payment_pending", "message": "m", "retryable": true, "order_id": "CS-AAAAA-BBBBB"}, "is not known yet", "Look again")
	refused("expired", args{"code": "quote_expired", "message": "m"}, "The time for these prices is over.", "")
	refused("outdated", args{"code": "quote_outdated", "message": "m"}, "The cart or a price changed.", "")
	s.cans("review_checkout", quotedFor(time.Hour))
	s.press("Review again")
	s.says(pay)
	refused("limit", args{"code": "spending_limit_exceeded", "message": "Nothing was bought. More than $5.00 in 24 hours. Call review_checkout again."}, "More than $5.00 in 24 hours.", "")
	if strings.Contains(s.text(), "review_checkout") {
		t.Errorf("a person is told to call tools:\n%s", s.text())
	}

	// An answer that is lost is asked for again under the same key.
	refused("lost", args{"lost": true}, "Trying again never buys twice; if that does not help, ask for the purchase in the chat.", "Try again")
	if keys := s.given("confirm_checkout", "idempotency_key"); len(keys) != 2 || keys[0] != keys[1] {
		t.Errorf("the purchase is tried again under the keys %q", keys)
	}

	// A double click buys once, and presses nothing that comes under the mouse.
	reviewed(time.Hour)
	host[bool](s, "(slow = 150, true)")
	s.cans("confirm_checkout", boughtAs)
	run(s.tab, s.click("button", pay))
	if s.has("button", pay) {
		run(s.tab, s.click("button", pay))
	}
	s.says("Bought for $4.99.")
	host[bool](s, "(slow = 0, true)")
	if got := s.called(); got != "confirm_checkout" {
		t.Errorf("two clicks call %q", got)
	}
	reviewed(time.Hour)
	s.cans("confirm_checkout", boughtAs)
	run(s.tab, s.click("button", pay))
	s.says("Bought for $4.99.")
	inFrame[bool](s.tab, `(() => { for (const b of document.querySelectorAll("button")) b.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 2 })); return true; })()`)
	if got := s.called(); got != "confirm_checkout" {
		t.Errorf("the second half of a double click calls %q", got)
	}

	// The time runs out while the person looks.
	reviewed(3 * time.Second)
	s.says("The time for these prices is over.")
	if s.has("button", pay) {
		t.Error("what has run out can be confirmed")
	}

	blocked := quotedFor(time.Hour)
	blocked["ready"], blocked["quote_id"], blocked["expires_at"] = false, nil, nil
	blocked["problems"] = []args{{"code": "insufficient_stock", "sku": "A", "message": "Only 1 of Catnip Mouse are left."}}
	blocked["warnings"] = []args{{"code": "price_changed", "sku": "A", "message": "Catnip Mouse costs $4.99 now, it was $3.99."}, {"code": "approval_required", "sku": "", "message": "m"}}
	s.cans("review_checkout", blocked)
	s.shows("checkout", "review_checkout", nil, nil)
	s.says("Only 1 of Catnip Mouse are left.", "it was $3.99", "approve such a purchase yourself")
	if s.has("button", pay) {
		t.Error("what cannot be bought can be confirmed")
	}
	s.checkView("review-blocked")

	s.cans("checkout", args{"code": "approval_required", "message": "m", "quote_id": "q_1", "approve_url": "http://127.0.0.1:1/approve?x"})
	s.shows("checkout", "checkout", nil, nil)
	s.says("approve such a purchase yourself")
	s.press("Open the shop's page")
}

// What an answer may hold one day is shown when it is there, and no button without it.
func TestAViewShowsWhatAnOrderAllows(t *testing.T) {
	s := newStage(t, look{width: 760})
	order := args{"discount": args{"code": "MEOW", "subtotal": usd("$5.99"), "amount": usd("$1.00")},
		"tracking": args{"carrier": "Snail", "number": "12345", "url": "http://127.0.0.1:1/parcel"},
		"timeline": []args{{"at": "2026-11-20T10:00:00Z", "what": "The order was placed."}},
		"returns":  []args{{"return_id": "R1", "status": "requested", "items": []string{"1 × Catnip Mouse"}, "refund": usd("$4.99")}},
		"refunds":  []args{{"for": "return", "status": "pending", "amount": usd("$4.99")}}, "can_cancel": true, "can_return": true, "can_reorder": false}
	for k, v := range boughtAs {
		order[k] = v
	}
	s.cans("get_order", order)
	s.shows("orders", "get_order", args{"order_id": "CS-AAAAA-BBBBB"}, nil)
	s.says("Discount MEOW", "−$1.00", "Subtotal", "Snail 12345", "1 × Catnip Mouse: requested, $4.99", "The order was placed.")
	s.press("Follow the parcel")
	s.hears(`heard.filter((m) => m.method === "ui/open-link").map((m) => m.params.url).join()`, "http://127.0.0.1:1/parcel")
	if s.has("button", "Order CS-AAAAA-BBBBB again") {
		t.Error("what cannot be ordered again has a button for it")
	}
	s.checkView("order-open")
	s.press("Cancel this order")
	s.press("Keep it")
	s.press("Cancel this order")
	cancelled := args{}
	for k, v := range order {
		cancelled[k] = v
	}
	cancelled["status"], cancelled["can_cancel"], cancelled["can_return"] = "cancelled", false, false
	s.cans("cancel_order", cancelled)
	s.cans("get_order", cancelled)
	s.press("Yes, cancel it")
	s.says("cancelled", "It was so.")
	for _, gone := range []string{"Cancel this order", "Return it"} {
		if s.has("button", gone) {
			t.Errorf("a cancelled order has the button %s", gone)
		}
	}
	if got := s.called(); got != "cancel_order get_order" {
		t.Errorf("the view calls %q", got)
	}

	s.shows("orders", "get_order_history", nil, nil)
	s.says("There are no orders here.")
	s.shows("cart", "view_cart", nil, nil)
	s.says("The cart is empty.")
	s.shows("products", "search_products", args{"query": "salmn"}, nil)
	s.shows("products", "search_products", args{"query": "qqqqqqq"}, nil)
	s.says("Nothing was found.")
	s.checkView("nothing")
}

// What stands in a catalogue is text, whatever it looks like.
func TestAViewTakesTextForText(t *testing.T) {
	s := newStage(t, look{width: 480})
	var products, lines, orders []args
	for i, title := range []string{hostile, `"><svg onload=alert(1)>`, strings.Repeat("Wide", 30), "\u202eesuoM\u202c متجر 🛒👩‍👩‍👧", "${alert(1)}{{7*7}}", ""} {
		n := string(rune('a' + i))
		products = append(products, args{"id": n, "handle": hostile + n, "title": title + " " + n, "category": hostile, "price": usd(hostile), "price_to": usd("$9.99"), "in_stock": i%2 == 0, "variants": 1 + i%3})
		lines = append(lines, args{"sku": hostile + n, "handle": title, "title": title + " " + n, "variant": title, "quantity": 9999, "price": usd("$99,999.99"), "subtotal": usd("$999,999,999.99"),
			"warnings": []args{{"code": "low_stock", "message": title}}})
		orders = append(orders, args{"order_id": "CS-" + n, "placed_at": title, "status": "placed", "total": usd("$1.00"), "items": []string{title}, "can_reorder": true})
	}
	noMarkup := func(name string) {
		t.Helper()
		if n := script[int](s.tab, `document.querySelectorAll("main img, main script, main iframe, main [onerror], main [onload], main a, body > :not(header,p,main,script,svg)").length`); n != 0 {
			t.Errorf("%s: %d pieces of markup came out of texts", name, n)
		}
	}
	check := func(name string) {
		t.Helper()
		noMarkup(name)
		s.checkView(name)
	}
	s.cans("search_products", args{"products": products, "total": 6, "searched_for": hostile})
	s.shows("products", "search_products", args{"query": hostile}, nil)
	s.says(hostile, "${alert(1)}{{7*7}}")
	check("hostile-products")
	s.cans("view_cart", args{"lines": lines, "pieces": 6, "total": usd("$4.99"), "version": 1, "lines_omitted": 2})
	s.shows("cart", "view_cart", nil, nil)
	s.says(hostile, "and 2 more lines")
	check("hostile-cart")
	s.cans("get_order_history", args{"orders": orders, "total": 6})
	s.shows("orders", "get_order_history", nil, nil)
	s.says(hostile)
	check("hostile-orders")
	s.cans("view_cart", args{"code": "internal_error", "message": hostile})
	s.shows("cart", "view_cart", nil, nil)
	s.says(hostile)
	noMarkup("hostile-refusal")
}

// The host's colours, its changes of mind and its end.
func TestAViewFollowsItsHost(t *testing.T) {
	s := newStage(t, look{width: 480})
	scheme := func() string {
		return script[string](s.tab, `getComputedStyle(document.body).backgroundColor`)
	}
	s.shows("cart", "view_cart", nil, args{"theme": "dark"})
	s.says("The cart is empty.")
	if got := scheme(); got != "rgb(29, 27, 25)" {
		t.Errorf("in a dark host it is %s", got)
	}
	host[bool](s, `(post({ method: "ui/notifications/host-context-changed", params: { theme: "light" } }), true)`)
	for end := time.Now().Add(patience); scheme() != "rgb(255, 253, 249)"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after the host became light it is %s", scheme())
		}
	}
	s.shows("cart", "view_cart", nil, args{"styles": args{"variables": args{"--color-background-primary": "rgb(1, 2, 3)", "--color-text-primary": "rgb(250, 250, 250)"}}})
	if got := scheme(); got != "rgb(1, 2, 3)" {
		t.Errorf("in a host with colours it is %s", got)
	}
	s.shows("cart", "view_cart", nil, args{"styles": args{"variables": args{"--color-background-primary": "rgb(1, 2, 3)"}}})
	if got := scheme(); got != "rgb(255, 253, 249)" {
		t.Errorf("in a host with half a pair of colours it is %s", got)
	}
	host[bool](s, `(post({ id: 7, method: "ui/resource-teardown", params: {} }), post({ id: 8, method: "tools/list", params: {} }), post({ id: 9, method: "ping" }), true)`)
	s.hears(`heard.filter((m) => m.id >= 7 && !m.method).map((m) => m.id + " " + !m.error).join(" ")`, "7 true 8 false 9 true")
	if got := host[string](s, `JSON.stringify(heard.find((m) => m.method === "ui/initialize").params)`); !strings.Contains(got, `"protocolVersion":"2026-01-26"`) || !strings.Contains(got, `"appCapabilities":{"availableDisplayModes":["inline","fullscreen"]}`) {
		t.Errorf("it begins with %s", got)
	}
	// What does not come from the host is not heard.
	inFrame[bool](s.tab, `(window.postMessage({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: { content: [{ type: "text", text: "Not from here\n{\"code\":\"x\"}" }], isError: true } }, "*"), true)`)
	time.Sleep(50 * time.Millisecond)
	if strings.Contains(s.text(), "Not from here") {
		t.Error("it takes a stranger's answer")
	}
	host[bool](s, `(post({ method: "ui/notifications/tool-cancelled", params: {} }), true)`)
	s.says("The shop was not asked.")
}
