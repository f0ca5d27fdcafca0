package mcp

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"till/domain/aftersale"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/spending"
)

// The shop's own side of an order.

func (s *shop) after(res aftersale.Result, err error) {
	s.t.Helper()
	if err == nil {
		err = s.views.Wait(s.t.Context(), res.At)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) dispatched(id string) {
	s.t.Helper()
	s.after(s.aftersale.Dispatch(s.t.Context(), id, order.Dispatch{Carrier: "Cat Express", Tracking: "CE-1", URL: "https://example.com/CE-1"}, eventlog.Meta{Time: s.clock()}))
}

func (s *shop) delivered(id string) {
	s.t.Helper()
	s.after(s.aftersale.Deliver(s.t.Context(), id, 0, eventlog.Meta{Time: s.clock()}))
}

func (s *shop) onHand(sku string) int {
	s.t.Helper()
	st, _, err := s.process.Stocks.State(s.t.Context(), sku)
	if err != nil {
		s.t.Fatal(err)
	}
	return st.OnHand
}

func TestCancelAnOrder(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		a := s.agent("alice", e)
		id := a.bought(2, "MOUSE-CATNIP")
		if got := a.ok("get_order_history", nil); got.at("orders.0.can_cancel") != true || got.at("orders.0.can_return") != false || got.text("orders.0.status") != "placed" {
			t.Errorf("before: %s", got.Text)
		}
		before := s.head()
		missing := a.refused("order_not_found", "cancel_order", args{"order_id": "CS-00000-00000"})
		stranger := s.agent("bob", e).refused("order_not_found", "cancel_order", args{"order_id": id})
		if strings.ReplaceAll(stranger.text("message"), id, "") != strings.ReplaceAll(missing.text("message"), "CS-00000-00000", "") || s.head() != before {
			t.Errorf("a stranger's order is told from a missing one: %s, %s", stranger.Text, missing.Text)
		}
		in := args{"order_id": strings.ToLower(id), "reason": "bought the wrong thing", "idempotency_key": "k"}
		got := a.ok("cancel_order", in)
		if got.text("status") != "cancelled" || got.text("refunds.0.status") != "refunded" || got.number("refunds.0.amount.amount") != 998 || got.at("replayed") != nil {
			t.Errorf("it says %s", got.Text)
		}
		if n := s.onHand("MOUSE-CATNIP"); n != 150 {
			t.Errorf("%d mice are there", n)
		}
		after := s.head()
		for _, again := range []args{in, {"order_id": id}, {"order_id": id, "idempotency_key": "other"}} {
			if got := a.ok("cancel_order", again); got.at("replayed") != true || got.text("refunds.0.status") != "refunded" {
				t.Errorf("%v again: %s", again, got.Text)
			}
		}
		a.refused("idempotency_key_reused", "cancel_order", args{"order_id": id, "reason": "another", "idempotency_key": "k"})
		if s.head() != after {
			t.Error("cancelling again wrote something")
		}
		got = a.ok("get_order", args{"order_id": id})
		if got.text("status") != "cancelled" || got.at("can_cancel") != false || len(got.at("timeline").([]any)) != 3 || !strings.Contains(got.Text, "bought the wrong thing") {
			t.Errorf("the order is %s", got.Text)
		}
		if then := a.ok("get_order", args{"order_id": id, "as_of": int(before)}); then.text("status") != "placed" || then.at("can_cancel") != true {
			t.Errorf("as of then: %s", then.Text)
		}
		told := a.ok("explain_order", args{"order_id": id})
		if told.text("status") != "cancelled" || !strings.Contains(told.Text, "paid back") {
			t.Errorf("explained: %s", told.Text)
		}
		page := a.ok("get_order_history", args{"status": "cancelled"})
		if ordersOf(page) != id || page.number("sums.0.refunded.amount") != 998 || page.number("sums.0.total.amount") != 998 || page.at("orders.0.can_cancel") != false {
			t.Errorf("the history is %s", page.Text)
		}
		if got := a.ok("reorder", args{"order_id": id}); got.number("pieces") != 2 {
			t.Errorf("ordered again: %s", got.Text)
		}
	})
}

func TestWhatCannotBeCancelled(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	id := a.bought(1, "MOUSE-CATNIP")
	s.dispatched(id)
	sent := a.refused("order_not_cancelable", "cancel_order", args{"order_id": id})
	if sent.text("state") != "dispatched" || sent.text("order_id") != id || sent.text("next_tools.0") != "request_return" {
		t.Errorf("sent: %s", sent.Text)
	}
	s.delivered(id)
	if got := a.refused("order_not_cancelable", "cancel_order", args{"order_id": id}); got.text("state") != "delivered" {
		t.Errorf("delivered: %s", got.Text)
	}
	a.ok("add_to_cart", args{"product": 1})
	quote := a.ok("review_checkout", nil).text("quote_id")
	pending := a.refused("payment_pending", "checkout", args{"quote_id": quote, "payment_method": "tok_timeout"}).text("order_id")
	if got := a.refused("order_not_cancelable", "cancel_order", args{"order_id": pending}); got.at("retryable") != true || got.text("state") != "payment_pending" {
		t.Errorf("under way: %s", got.Text)
	}
	s.pass(time.Minute)
	a.ok("checkout", args{"quote_id": quote, "payment_method": "tok_timeout"})
	a.ok("cancel_order", args{"order_id": pending})
	a.ok("add_to_cart", args{"product": 1})
	declined := a.refused("payment_declined", "checkout", args{"quote_id": a.ok("review_checkout", nil).text("quote_id"), "payment_method": "fail_token"}).text("order_id")
	if got := a.refused("order_not_cancelable", "cancel_order", args{"order_id": declined}); !strings.Contains(got.Text, "never placed") {
		t.Errorf("never placed: %s", got.Text)
	}
}

// The gateway is silent, or says no: the order is cancelled all the same, and the
// person is told.
func TestARefundThatDoesNotComeAtOnce(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	for method, want := range map[string]string{"tok_refund_timeout": "due", "tok_refund_fail": "refused"} {
		a.ok("add_to_cart", args{"product": "MOUSE-CATNIP"})
		id := a.ok("checkout", args{"payment_method": method}).text("order_id")
		got := a.ok("cancel_order", args{"order_id": id})
		if got.text("status") != "cancelled" || got.text("refunds.0.status") != want {
			t.Errorf("%s: %s", method, got.Text)
		}
		s.pass(time.Minute)
		got = a.ok("cancel_order", args{"order_id": id}) // whoever asks again, the gateway is asked too
		if paid := got.text("refunds.0.status") == "refunded"; paid != (want == "due") {
			t.Errorf("%s later: %s", method, got.Text)
		}
	}
}

func TestACancelledOrderNoLongerCountsAgainstTheLimits(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	day := money.Of(1200, "USD")
	do(s, s.process.Spendings, spending.ID("usr_alice", "cli_1"), spending.Command(spending.SetRules{User: "usr_alice", Client: "cli_1", Rules: spending.Rules{PerDay: &day}, At: s.clock()}))
	id := a.bought(1, "WAND-WHISKER")
	a.ok("add_to_cart", args{"product": 1})
	a.refused("spending_limit_exceeded", "checkout", nil)
	a.ok("cancel_order", args{"order_id": id})
	a.ok("checkout", nil)
}

// TestCancelAgainstDispatch: whoever is first, one of them is refused.
func TestCancelAgainstDispatch(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	for range 10 {
		id := a.bought(1, "MOUSE-CATNIP")
		var wg sync.WaitGroup
		var sent error
		var got said
		wg.Go(func() {
			_, sent = s.aftersale.Dispatch(t.Context(), id, order.Dispatch{Carrier: "Cat Express", Tracking: "1"}, eventlog.Meta{})
		})
		wg.Go(func() { got = a.call("cancel_order", args{"order_id": id}) })
		wg.Wait()
		o, _, err := s.process.Orders.State(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if (sent == nil) == !got.IsError || (o.Cancellation == nil) != got.IsError || (o.Shipment == nil) == (sent == nil) {
			t.Errorf("dispatched (%v) and cancelled (%s): %+v", sent, got.Text, o)
		}
	}
}

func TestSendItemsBack(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		a := s.agent("alice", e)
		id := a.bought(2, "MOUSE-CATNIP", "BED-L-BLUE")
		early := a.refused("order_not_returnable", "request_return", args{"order_id": id})
		if early.text("next_tools.0") != "cancel_order" || early.text("state") != "placed" {
			t.Errorf("too early: %s", early.Text)
		}
		s.dispatched(id)
		got := a.ok("get_order", args{"order_id": id})
		if got.text("status") != "dispatched" || got.text("tracking.number") != "CE-1" || got.text("tracking.url") != "https://example.com/CE-1" || got.at("can_return") != true {
			t.Errorf("on its way: %s", got.Text)
		}
		s.delivered(id)
		got = a.ok("get_order", args{"order_id": id})
		if got.text("status") != "delivered" || got.text("returns_until") != stamp(s.clock().AddDate(0, 0, 30)) {
			t.Errorf("delivered: %s", got.Text)
		}
		s.agent("bob", e).refused("order_not_found", "request_return", args{"order_id": id})
		before := s.head()
		if got := a.refused("not_in_order", "request_return", args{"order_id": id, "items": "WAND-WHISKER×1"}); got.text("suggestions.0.use") != "MOUSE-CATNIP" {
			t.Errorf("not in it: %s", got.Text)
		}
		if got := a.refused("return_quantity_exceeded", "request_return", args{"order_id": id, "items": "MOUSE-CATNIP×3"}); got.number("available") != 2 {
			t.Errorf("too many: %s", got.Text)
		}
		a.refused("invalid_argument", "request_return", args{"order_id": id, "items": "MOUSE-CATNIP×0"})
		if s.head() != before {
			t.Error("a refused return wrote something")
		}
		first := a.ok("request_return", args{"order_id": id, "items": "mouse-catnip ×1", "reason": "too small", "idempotency_key": "r"})
		if first.number("returns.0.refund.amount") != 499 || first.text("returns.0.status") != "requested" || first.text("returns.0.items.0") != "1 × Catnip Mouse" || first.at("replayed") != nil || first.text("status") != "return_requested" {
			t.Errorf("asked for: %s", first.Text)
		}
		if told := a.ok("get_order", args{"order_id": id}); !strings.HasPrefix(told.Text, "Order "+id+" is being returned, ") {
			t.Errorf("told: %s", told.Text)
		}
		again := a.ok("request_return", args{"order_id": id, "items": "mouse-catnip ×1", "reason": "too small", "idempotency_key": "r"})
		if again.text("return_id") != first.text("return_id") || again.at("replayed") != true {
			t.Errorf("again: %s", again.Text)
		}
		rest := a.ok("request_return", args{"order_id": id})
		if rest.number("returns.1.refund.amount") != 499+2*3999 || rest.text("return_id") == first.text("return_id") {
			t.Errorf("the rest: %s", rest.Text)
		}
		if got := a.ok("request_return", args{"order_id": id}); got.text("return_id") != rest.text("return_id") || got.at("replayed") != true {
			t.Errorf("the rest again: %s", got.Text)
		}
		ctx := t.Context()
		s.after(s.aftersale.Approve(ctx, id, first.text("return_id"), eventlog.Meta{Time: s.clock()}))
		s.after(s.aftersale.Reject(ctx, id, rest.text("return_id"), "it was worn", eventlog.Meta{Time: s.clock()}))
		s.after(s.aftersale.Receive(ctx, id, first.text("return_id"), true, eventlog.Meta{Time: s.clock()}))
		got = a.ok("get_order", args{"order_id": id})
		if got.text("returns.0.status") != "received" || got.text("returns.1.status") != "rejected" || got.text("returns.1.refusal") != "it was worn" ||
			got.text("refunds.0.status") != "refunded" || got.text("refunds.0.for") != first.text("return_id") || got.text("status") != "delivered" {
			t.Errorf("after both: %s", got.Text)
		}
		if n := s.onHand("MOUSE-CATNIP"); n != 149 {
			t.Errorf("%d mice are there", n)
		}
		s.pass(31 * 24 * time.Hour)
		late := a.refused("return_window_closed", "request_return", args{"order_id": id, "items": "BED-L-BLUE"})
		if late.text("order_id") != id {
			t.Errorf("too late: %s", late.Text)
		}
		if got := a.ok("get_order_history", nil); got.at("orders.0.can_return") != false {
			t.Errorf("too late and yet: %s", got.Text)
		}
	})
}

// TestPiecesAreReadAsPeopleWriteThem, and a SKU that looks like a number of pieces
// is a SKU.
func TestPiecesAreReadAsPeopleWriteThem(t *testing.T) {
	s := newShop(t)
	s.sell("20", "bed-x2", "Bed X", "beds", 9, variants("BED-X2", "", 100))
	a := s.agent("alice", modernEra)
	id := a.bought(3, "MOUSE-CATNIP", "BED-X2")
	o, _, err := s.process.Orders.State(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"": "[]", " All ": "[]", "MOUSE-CATNIP": "[{MOUSE-CATNIP 3}]", "mouse-catnip×2": "[{MOUSE-CATNIP 2}]", "MOUSE-CATNIP x 2, BED-X2": "[{MOUSE-CATNIP 2} {BED-X2 3}]",
		"2 × catnip-mouse; BED-X2x1": "[{MOUSE-CATNIP 2} {BED-X2 1}]", "Catnip Mouse*1": "[{MOUSE-CATNIP 1}]", "BED-X2:2": "[{BED-X2 2}]", "2x2": "[{MOUSE-CATNIP 2}]", "BED×1": "refused",
	} {
		got := "refused"
		if pieces, err := piecesOf(o, in); err == nil {
			got = fmt.Sprint(pieces)
		}
		if got != want {
			t.Errorf("%q is read as %s, not %s", in, got, want)
		}
	}
}

// TestItemsThatNameNothingAreNotAll: only who leaves items out means all of the order.
// What names none is a slip, of which half an order must not come back.
func TestItemsThatNameNothingAreNotAll(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	id := a.bought(2, "MOUSE-CATNIP")
	s.dispatched(id)
	s.delivered(id)
	before := s.head()
	for _, items := range []string{",", " ; ,"} {
		for _, tool := range []string{"request_return", "reorder"} {
			if got := a.refused("invalid_argument", tool, args{"order_id": id, "items": items}); got.text("field") != "items" || s.head() != before {
				t.Errorf("%s of %q: %s", tool, items, got.Text)
			}
		}
	}
	for _, all := range []args{{"order_id": id}, {"order_id": id, "items": ""}, {"order_id": id, "items": " "}} {
		a.ok("reorder", all)
		a.ok("request_return", all)
	}
}
