package checkout_test

import (
	"context"
	"fmt"
	"testing"

	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/eventlog/logtest"
	"till/domain/eventlog/memlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/promotion"
)

// The process is killed at every one of its appends in turn, before and after
// the event is stored. Whoever comes next, the shop alone or the buyer with the
// same quote: the purchase ends whole or undone, and charged once at most.
func TestKilledAtEveryStep(t *testing.T) {
	for _, method := range []string{"pm_card_visa", "fail_token", "tok_timeout", "free"} {
		for _, stored := range []bool{false, true} {
			for _, retried := range []bool{false, true} {
				for step := 1; ; step++ {
					name := fmt.Sprintf("%s step %d stored %v retried %v", method, step, stored, retried)
					if !killedAt(t, name, method, step, stored, retried) {
						if step < 5 {
							t.Fatalf("%s: a purchase has more steps than that", name)
						}
						break
					}
				}
			}
		}
	}
}

// killedAt reports whether the purchase had a step to be killed at.
func killedAt(t *testing.T, name, method string, step int, stored, retried bool) (killed bool) {
	ctx := context.Background()
	log, charges := memlog.New("e"), new(memlog.Bucket)
	s := start(t, log, charges)
	s.count("MOUSE", 10)
	s.count("BED", 10)
	s.add("alice", "MOUSE", 2)
	s.add("alice", "BED", 1)
	s.allow("alice", "cli_1", -1, 5000, -1)
	terms := promotion.Terms{Percent: 1000, Limit: 1, PerPerson: 1}
	if method == "free" { // nothing is left to pay
		terms.Percent = promotion.Whole
	}
	s.promise("TEN", terms, "alice")
	quote := s.review("alice").ID
	id := checkout.OrderID(quote)
	request := checkout.Request{User: "alice", Client: "cli_1", Quote: quote, Method: method}

	doomed := start(t, &logtest.Dying{Log: log, Left: step, Stores: stored}, charges)
	_, err := doomed.buy(request)
	if err == nil {
		return false
	}

	next := start(t, log, charges)
	if retried {
		if _, err := next.buy(request); err != nil {
			t.Fatalf("%s: the retry: %v", name, err)
		}
	}
	for tries, done := 0, false; !done; tries++ {
		next.now = next.now.Add(checkout.Grace)
		var err error
		if done, err = next.Resume(ctx, id, eventlog.Meta{}); err != nil || tries > 2 {
			t.Fatalf("%s: resumed %d times: %v, %v", name, tries, done, err)
		}
	}

	o, _, err := next.Orders.State(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	pieces, onHand, uses, code := 3, 10, 0, "TEN"
	if o.Status == order.Placed {
		pieces, onHand, uses, code = 0, 8, 1, ""
	}
	if used := next.code("TEN", nil).Uses; len(used) != uses || uses == 1 && (used[0].Order != id || used[0].Attempt != o.Attempt) {
		t.Fatalf("%s: order %s, attempt %d, and the code was used by %+v", name, o.Status, o.Attempt, used)
	}
	if on := next.cart("alice").Code; on != code {
		t.Fatalf("%s: order %s, and %q is on the cart", name, o.Status, on)
	}
	if claim := next.cart("alice").Claim; claim != "" {
		t.Fatalf("%s: the cart is still claimed by %s", name, claim)
	}
	if o.Open() || next.cart("alice").Pieces() != pieces || next.stock("MOUSE").OnHand != onHand {
		t.Fatalf("%s: order %s, cart %+v, stock %+v", name, o.Status, next.cart("alice"), next.stock("MOUSE"))
	}
	if retried && method != "fail_token" && o.Status != order.Placed {
		t.Fatalf("%s: the buyer came again and the order is %s (%s)", name, o.Status, o.Code)
	}
	for _, sku := range []string{"MOUSE", "BED"} {
		if st := next.stock(sku); len(st.Reserved) != 0 {
			t.Fatalf("%s: %s leaks %+v", name, sku, st.Reserved)
		}
	}
	counted := money.Of(0, "USD")
	if o.Status == order.Placed {
		counted = o.Total
	}
	if sum, _ := next.spending("alice", "cli_1", nil).Within(next.now, "USD", ""); sum != counted {
		t.Fatalf("%s: order %s, and %s count as spent", name, o.Status, sum)
	}
	keys, _ := charges.Keys(ctx)
	if o.Status == order.Placed && method == "pm_card_visa" && len(keys) != 1 {
		t.Fatalf("%s: charged under %v", name, keys)
	}
	if o.Status != order.Placed && len(keys) > 0 && method == "pm_card_visa" {
		t.Fatalf("%s: charged under %v without an order", name, keys)
	}
	return true
}

func TestAnOrphanReservationIsGivenBack(t *testing.T) {
	ctx := context.Background()
	s := newShop(t)
	s.count("MOUSE", 10)
	s.add("alice", "MOUSE", 2)
	got, err := s.buy(checkout.Request{User: "alice", Method: "tok_timeout"})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := s.Expire(ctx, "MOUSE", got.Order.Reservation(), eventlog.Meta{}); err != nil || done || s.stock("MOUSE").Available() != 8 {
		t.Errorf("under way: %v, %v, %+v", done, err, s.stock("MOUSE"))
	}
	late := reserve("CS-UNKNOWN/1", 3)
	if _, err := s.Stocks.Do(ctx, "MOUSE", late, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Expire(ctx, "MOUSE", "CS-UNKNOWN/1", eventlog.Meta{}); err != nil || !done || s.stock("MOUSE").Available() != 8 {
		t.Errorf("an orphan: %v, %v, %+v", done, err, s.stock("MOUSE"))
	}
}
