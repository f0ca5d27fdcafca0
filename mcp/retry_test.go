package mcp

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/stock"
)

func TestAKeyIsDoneOnce(t *testing.T) {
	s := newShop(t)
	a, b := s.agent("alice", modernEra), s.agent("bob", modernEra)
	add := args{"product": 2, "quantity": 2, "idempotency_key": "one"}
	first := a.ok("add_to_cart", add)
	after := s.head()
	for _, again := range []args{add, {"product": "2", "quantity": "2", "idempotency_key": "one"}, {"product_id": 2, "quantity": 2.0, "idempotency_key": " one "}} {
		got := a.ok("add_to_cart", again)
		if got.at("replayed") != true || got.number("pieces") != 2 || got.number("version") != first.number("version") {
			t.Errorf("again: %s", got.Text)
		}
	}
	a.refused("idempotency_key_reused", "add_to_cart", args{"product": 2, "quantity": 3, "idempotency_key": "one"})
	a.refused("idempotency_key_reused", "remove_from_cart", args{"product": 2, "idempotency_key": "one"})
	a.refused("idempotency_key_reused", "clear_cart", args{"idempotency_key": "one"})
	a.refused("idempotency_key_reused", "checkout", args{"idempotency_key": "one"})
	if s.head() != after {
		t.Errorf("%d events were written", s.head()-after)
	}
	if got := b.ok("add_to_cart", add); got.at("replayed") != nil || got.number("pieces") != 2 {
		t.Errorf("bob's key is his own: %s", got.Text)
	}
	// What was done stays done, whatever the catalogue says later.
	remove := args{"product": 2, "idempotency_key": "two"}
	a.ok("remove_from_cart", remove)
	if got := a.ok("remove_from_cart", remove); got.at("replayed") != true {
		t.Errorf("removed again: %s", got.Text)
	}
	a.refused("not_in_cart", "remove_from_cart", args{"product": 2})
	do(s, s.products, "2", catalog.Command(catalog.Withdraw{}))
	if got := a.ok("add_to_cart", add); got.at("replayed") != true || got.number("pieces") != 0 {
		t.Errorf("added again: %s", got.Text)
	}
	a.refused("item_unavailable", "add_to_cart", args{"product": 2})
}

// TestRacingCallsWithOneKey: a client that lost its patience.
func TestRacingCallsWithOneKey(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { a.ok("add_to_cart", args{"product": 1, "quantity": 2, "idempotency_key": "k"}) })
	}
	wg.Wait()
	if got := a.ok("view_cart", nil); got.number("pieces") != 2 || got.number("version") != 1 {
		t.Errorf("the cart is %s", got.Text)
	}
}

// TestRacingCheckouts: 32 calls with one quote are one order.
func TestRacingCheckouts(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 1, "quantity": 2})
	quote := a.ok("review_checkout", nil).text("quote_id")
	ids := make([]string, 32)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = a.ok("checkout", args{"quote_id": quote}).text("order_id") })
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("the orders are %q", ids)
		}
	}
	if got := a.ok("get_order_history", nil); got.number("total") != 1 {
		t.Errorf("the history is %s", got.Text)
	}
}

func TestPaymentsThatDoNotGoThrough(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 1})
	quote := a.ok("review_checkout", nil).text("quote_id")
	for method, code := range map[string]string{
		"pm_card_visa_chargeDeclined": "card_declined", "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_card_authenticationRequired": "authentication_required", "4242 4242": "unknown_payment_method",
	} {
		got := a.refused("payment_declined", "checkout", args{"quote_id": quote, "payment_method": method})
		if got.text("decline_code") != code || !strings.Contains(got.Text, "Nothing was charged") || got.text("quote_id") != quote {
			t.Errorf("%s is declined as %s", method, got.Text)
		}
		if got := a.ok("get_order", args{"order_id": got.text("order_id")}); got.text("status") != "payment_declined" || got.text("reason") == "" {
			t.Errorf("the order is %s", got.Text)
		}
	}
	if got := a.ok("view_cart", nil); got.number("pieces") != 1 {
		t.Errorf("the cart is %s", got.Text)
	}
	pending := a.refused("payment_pending", "checkout", args{"quote_id": quote, "payment_method": "tok_timeout", "idempotency_key": "p"})
	if pending.at("retryable") != true || !strings.Contains(pending.Text, "Do not pay again") {
		t.Errorf("pending is told as %s", pending.Text)
	}
	if got := a.ok("get_order", args{"order_id": pending.text("order_id")}); got.text("status") != "payment_pending" {
		t.Errorf("the order is %s", got.Text)
	}
	s.pass(time.Minute)
	got := a.ok("checkout", args{"quote_id": quote, "payment_method": "tok_timeout", "idempotency_key": "p"})
	if got.text("order_id") != pending.text("order_id") || got.text("status") != "placed" {
		t.Errorf("after the payment service answered: %s", got.Text)
	}
	spelt := strings.ToLower(strings.NewReplacer("0", "O", "1", "l").Replace(strings.TrimPrefix(got.text("order_id"), "CS-")))
	if again := a.ok("get_order", args{"order_id": spelt}); again.text("order_id") != got.text("order_id") {
		t.Errorf("%q finds %s", spelt, again.Text)
	}
}

func TestQuotesThatCannotBeBought(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.refused("cart_empty", "review_checkout", nil)
	a.refused("cart_empty", "checkout", nil)
	a.ok("add_to_cart", args{"product": "rare-thing", "quantity": 3})
	quote := a.ok("review_checkout", nil).text("quote_id")
	a.ok("add_to_cart", args{"product": 1})
	a.refused("quote_outdated", "checkout", args{"quote_id": quote})
	quote = a.ok("review_checkout", nil).text("quote_id")
	s.pass(checkout.QuoteLife + time.Second)
	a.refused("quote_expired", "checkout", args{"quote_id": quote})

	do(s, s.process.Stocks, "RARE", stock.Command(stock.Count{OnHand: 1}))
	do(s, s.products, "1", catalog.Command(catalog.Withdraw{}))
	if got := a.ok("view_cart", nil); got.text("lines.0.warnings.0.code") != "insufficient_stock" || got.text("lines.1.warnings.0.code") != "unavailable" {
		t.Errorf("the cart warns %s", got.Text)
	}
	review := a.ok("review_checkout", nil)
	if review.at("ready") != false || review.at("quote_id") != nil || review.text("problems.1.sku") != "WAND-WHISKER" {
		t.Errorf("the review is %s", review.Text)
	}
	a.refused("cart_not_buyable", "checkout", nil)
	a.ok("remove_from_cart", args{"product": "whisker-wand"}) // withdrawn, but in the cart
	a.refused("insufficient_stock", "checkout", nil)
	a.ok("update_cart_quantity", args{"product": 9, "quantity": 1})

	s.gateway.real = true
	if got := a.refused("review_first", "checkout", nil); !strings.Contains(fmt.Sprint(got.at("next_tools")), "review_checkout") {
		t.Errorf("it says %s", got.Text)
	}
	s.gateway.real = false
	id := a.ok("checkout", nil).text("order_id")
	if got := a.refused("cart_empty", "checkout", nil); got.text("order_id") != id {
		t.Errorf("after buying everything: %s", got.Text)
	}
}

// TestTheLargestAnswersStayBounded: 20 KB, whatever the catalogue holds.
func TestTheLargestAnswersStayBounded(t *testing.T) {
	s := newShop(t)
	wide := strings.Repeat("W", 55)
	var vs []any
	for i := range catalog.MaxVariants {
		vs = append(vs, fmt.Sprintf("%s-%03d", wide, i), fmt.Sprintf("%s%03d", wide, i), 1000)
	}
	s.sell("big", strings.Repeat("h", 100), strings.Repeat("T", catalog.MaxTitle), "toys", 99, variants(vs...))
	a := s.agent("alice", modernEra)
	for i := range cart.MaxLines {
		a.ok("add_to_cart", args{"product": vs[3*i]})
	}
	a.refused("cart_full", "add_to_cart", args{"product": vs[3*cart.MaxLines]})
	for tool, in := range map[string]args{"view_cart": nil, "get_product": {"product": "big"}, "review_checkout": nil, "list_products": {"limit": pageMax}, "add_to_cart": {"product": "big"}} {
		if got := a.call(tool, in); len(got.Text) > 20_000 {
			t.Errorf("%s answers with %d bytes", tool, len(got.Text))
		}
	}
	view := a.ok("view_cart", nil)
	if told, left := len(view.at("lines").([]any)), view.number("lines_omitted"); told+left != cart.MaxLines || view.number("pieces") != cart.MaxLines {
		t.Errorf("%d lines are told and %d left out", told, left)
	}
	id := a.ok("checkout", nil).text("order_id")
	for tool, in := range map[string]args{"get_order": {"order_id": id}, "get_order_history": {"limit": pageMax}} {
		if got := a.ok(tool, in); len(got.Text) > 20_000 {
			t.Errorf("%s answers with %d bytes", tool, len(got.Text))
		}
	}
}

func TestHistoryPagesWithoutGapsAndDoubles(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	var placed []string
	for range 12 {
		a.ok("add_to_cart", args{"product": 2})
		placed = append(placed, a.ok("checkout", nil).text("order_id"))
		s.pass(time.Second)
	}
	var read []string
	for cursor := ""; ; {
		page := a.ok("get_order_history", args{"limit": 5, "cursor": cursor})
		if page.number("total") != 12 && page.number("total") != 13 {
			t.Errorf("the total is %d", page.number("total"))
		}
		for i := range page.at("orders").([]any) {
			read = append(read, page.text(fmt.Sprintf("orders.%d.order_id", i)))
		}
		if cursor == "" { // a new order while somebody pages
			a.ok("add_to_cart", args{"product": 2})
			a.ok("checkout", nil)
		}
		if cursor = page.text("next_cursor"); cursor == "" {
			break
		}
	}
	for i := range placed {
		if len(read) != 12 || read[11-i] != placed[i] {
			t.Fatalf("placed %q, read %q", placed, read)
		}
	}
}

// TestASecondPurchaseOfOneCart waits for the first.
func TestASecondPurchaseOfOneCart(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2})
	first := a.ok("review_checkout", nil).text("quote_id")
	s.pass(time.Second)
	second := a.ok("review_checkout", nil).text("quote_id")
	id := a.refused("payment_pending", "checkout", args{"quote_id": first, "payment_method": "tok_timeout"}).text("order_id")
	for _, in := range []args{{"quote_id": second}, nil} {
		got := a.refused("checkout_in_progress", "checkout", in)
		if got.text("order_id") != id || got.at("retryable") != true || !strings.Contains(got.Text, "order "+id+", is not finished yet") {
			t.Errorf("%v is told %s", in, got.Text)
		}
	}
	review := a.ok("review_checkout", nil)
	if review.at("ready") != false || review.text("problems.0.code") != "checkout_in_progress" || !strings.Contains(review.text("next_steps.1"), "get_order") {
		t.Errorf("the review is %s", review.Text)
	}
	s.pass(time.Minute)
	if got := a.ok("checkout", args{"quote_id": first, "payment_method": "tok_timeout"}); got.text("order_id") != id {
		t.Errorf("the first is finished as %s", got.Text)
	}
	if got := a.ok("get_order_history", nil); got.number("total") != 1 {
		t.Errorf("the history is %s", got.Text)
	}
}
