package mcp

import (
	"strings"
	"testing"
	"time"

	"till/domain/money"
	"till/domain/promotion"
)

// code makes a discount code.
func (s *shop) code(name string, terms promotion.Terms) {
	s.t.Helper()
	do(s, s.process.Promotions, name, promotion.Command(promotion.Create{Code: name, Terms: terms, At: s.clock()}))
}

func cents(n int64) *money.Amount {
	a := money.Of(n, "USD")
	return &a
}

// The cart, the quote and the order show the same discount, in both eras; one code
// takes the place of another, and an empty one takes it off.
func TestADiscount(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		s.code("TEN", promotion.Terms{Percent: 1000, Limit: 9})
		s.code("FIVE-OFF", promotion.Terms{Off: cents(500), Limit: 9})
		a := s.agent("alice", e)
		if got := a.ok("apply_discount_code", args{"code": "ten"}); !strings.Contains(got.Text, "counts for what is put in") || got.text("discount.code") != "TEN" || got.number("total.amount") != 0 {
			t.Errorf("on an empty cart: %s", got.Text)
		}
		if got := a.ok("add_to_cart", args{"product": 2, "quantity": 3}); got.number("discount.subtotal.amount") != 1497 || got.number("discount.amount.amount") != 150 || got.number("total.amount") != 1347 ||
			!strings.Contains(got.Text, "Subtotal $14.97, $1.50 less with the code TEN.\nTotal $13.47.") {
			t.Errorf("with three mice: %s", got.Text)
		}
		if got := a.ok("apply_discount_code", args{"code": "five-off"}); !strings.Contains(got.Text, "in place of TEN") || got.number("total.amount") != 997 {
			t.Errorf("replaced: %s", got.Text)
		}
		if got := a.ok("apply_discount_code", args{"code": ""}); got.at("discount") != nil || got.number("total.amount") != 1497 {
			t.Errorf("removed: %s", got.Text)
		}
		a.ok("apply_discount_code", args{"code": "TEN"})
		quote := a.ok("review_checkout", nil)
		if quote.number("total.amount") != 1347 || quote.number("discount.amount.amount") != 150 || quote.number("discount.subtotal.amount") != 1497 {
			t.Errorf("reviewed: %s", quote.Text)
		}
		order := a.ok("checkout", args{"quote_id": quote.text("quote_id")})
		got := a.ok("get_order", args{"order_id": order.text("order_id")})
		if got.number("total.amount") != 1347 || got.text("discount.code") != "TEN" || got.number("discount.subtotal.amount") != 1497 {
			t.Errorf("ordered: %s", got.Text)
		}
		if got := a.ok("explain_order", args{"order_id": order.text("order_id")}); !strings.Contains(got.Text, "for $13.47, $1.50 less with the code TEN began") {
			t.Errorf("explained: %s", got.Text)
		}
	})
}

// Each reason has its code, says what to do, and changes nothing.
func TestACodeThatCannotBeUsed(t *testing.T) {
	s := newShop(t)
	now := s.clock()
	euro := money.Of(100, "EUR")
	for name, terms := range map[string]promotion.Terms{
		"OVER":    {Percent: 1000, Limit: 9, Ends: now},
		"NOT-YET": {Percent: 1000, Limit: 9, Starts: now.Add(time.Hour)},
		"BIG":     {Percent: 1000, Limit: 9, Minimum: cents(2000)},
		"BEDS":    {Percent: 1000, Limit: 9, Category: "beds"},
		"EURO":    {Off: &euro, Limit: 9},
		"ONCE":    {Percent: 1000, Limit: 1},
		"MINE":    {Percent: 1000, Limit: 9, PerPerson: 1},
		"ENDED":   {Percent: 1000, Limit: 9},
	} {
		s.code(name, terms)
	}
	do(s, s.process.Promotions, "ENDED", promotion.Command(promotion.End{At: now}))
	do(s, s.process.Promotions, "ONCE", promotion.Command(promotion.Redeem{Reservation: "CS-1/1", User: "usr_bob", At: now}))
	do(s, s.process.Promotions, "MINE", promotion.Command(promotion.Redeem{Reservation: "CS-2/1", User: "usr_alice", At: now}))
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2, "quantity": 3})
	head := s.head()
	unknown := a.refused("discount_code_invalid", "apply_discount_code", args{"code": "NO-SUCH"}).Text
	if got := a.refused("discount_code_invalid", "apply_discount_code", args{"code": "NOT-YET"}).Text; got != strings.ReplaceAll(unknown, "NO-SUCH", "NOT-YET") {
		t.Errorf("a code that is not valid yet answers otherwise than an unknown one:\n%s\n%s", got, unknown)
	}
	for code, want := range map[string][]string{
		"OVER":  {"discount_code_expired", "no longer valid"},
		"ENDED": {"discount_code_expired"},
		"BIG":   {"discount_code_minimum", "$20.00 or more; $5.03 are missing", "add it and apply the code again"},
		"BEDS":  {"discount_code_not_applicable", "category beds"},
		"EURO":  {"discount_code_not_applicable", "EUR"},
		"ONCE":  {"discount_code_used_up"},
		"MINE":  {"discount_code_user_ineligible"},
		"a b":   {"discount_code_invalid"},
	} {
		got := a.refused(want[0], "apply_discount_code", args{"code": code})
		for _, w := range append(want, "Nothing was changed.") {
			if !strings.Contains(got.Text, w) {
				t.Errorf("%s does not say %q: %s", code, w, got.Text)
			}
		}
		s.pass(time.Minute) // who tries so many is slowed down
	}
	if s.head() != head {
		t.Error("a refused code left something on the log")
	}
	a.refused("invalid_argument", "apply_discount_code", args{"code": strings.Repeat("X", 65)})
	a.refused("invalid_argument", "apply_discount_code", nil)
}

// A code on the cart that does not hold any more is warned of and takes nothing off; the
// cart can be bought without it.
func TestACodeThatDoesNotHoldAnyMore(t *testing.T) {
	s := newShop(t)
	s.code("BIG", promotion.Terms{Percent: 1000, Limit: 9, Minimum: cents(1000)})
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2, "quantity": 3})
	a.ok("apply_discount_code", args{"code": "BIG"})
	quote := a.ok("review_checkout", nil)
	got := a.ok("update_cart_quantity", args{"product": 2, "quantity": 1})
	if got.text("discount.warning.code") != "discount_code_minimum" || got.number("total.amount") != 499 || !strings.Contains(got.Text, "$5.01 are missing") {
		t.Errorf("below the minimum: %s", got.Text)
	}
	a.refused("quote_outdated", "checkout", args{"quote_id": quote.text("quote_id")})
	a.ok("update_cart_quantity", args{"product": 2, "quantity": 3})
	if got := a.ok("view_cart", nil); got.number("total.amount") != 1347 {
		t.Errorf("above it again: %s", got.Text)
	}
	quote = a.ok("review_checkout", nil)
	past := s.head()
	do(s, s.process.Promotions, "BIG", promotion.Command(promotion.End{At: s.clock()}))
	a.refused("quote_outdated", "checkout", args{"quote_id": quote.text("quote_id")})
	quote = a.ok("review_checkout", nil)
	if quote.at("ready") != true || quote.at("discount") != nil || quote.number("total.amount") != 1497 || quote.text("warnings.0.code") != "discount_code_expired" || !strings.Contains(quote.Text, "The total is without it.") {
		t.Errorf("reviewed: %s", quote.Text)
	}
	if got := a.ok("view_cart", args{"as_of": int(past)}); got.number("total.amount") != 1347 {
		t.Errorf("as it was: %s", got.Text)
	}
	if got := a.ok("checkout", args{"quote_id": quote.text("quote_id")}); got.number("total.amount") != 1497 || got.at("discount") != nil {
		t.Errorf("bought: %s", got.Text)
	}
	if got := a.ok("view_cart", nil); got.at("discount") != nil {
		t.Errorf("the bought cart: %s", got.Text)
	}
}

// What a past cart was worth depends on when that was, not on now.
func TestACodeInThePast(t *testing.T) {
	s := newShop(t)
	s.code("TODAY", promotion.Terms{Percent: 1000, Limit: 9, Ends: s.clock().Add(time.Hour)})
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2})
	a.ok("apply_discount_code", args{"code": "TODAY"})
	at := s.head()
	s.pass(2 * time.Hour)
	if got := a.ok("view_cart", nil); got.text("discount.warning.code") != "discount_code_expired" {
		t.Errorf("now: %s", got.Text)
	}
	if got := a.ok("view_cart", args{"as_of": int(at)}); got.number("total.amount") != 449 {
		t.Errorf("then: %s", got.Text)
	}
}

// Who guesses is slowed down, by person; what is on the cart already may be said again.
func TestGuessingCodes(t *testing.T) {
	s := newShop(t)
	s.code("TEN", promotion.Terms{Percent: 1000, Limit: 9})
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2})
	for range codesAtOnce {
		a.refused("discount_code_invalid", "apply_discount_code", args{"code": "GUESS"})
	}
	got := a.refused("rate_limited", "apply_discount_code", args{"code": "TEN"})
	if got.at("retryable") != true || !strings.Contains(got.Text, "in 20 seconds") {
		t.Errorf("told %s", got.Text)
	}
	a.ok("apply_discount_code", args{"code": ""})
	s.agent("bob", modernEra).ok("apply_discount_code", args{"code": "TEN"})
	s.pass(20 * time.Second)
	a.ok("apply_discount_code", args{"code": "TEN"})
	a.ok("apply_discount_code", args{"code": "TEN"})
	a.refused("rate_limited", "apply_discount_code", args{"code": "OTHER"})
}

// The same key is the same intent, whatever became of the code since.
func TestACodeByKey(t *testing.T) {
	s := newShop(t)
	s.code("TEN", promotion.Terms{Percent: 1000, Limit: 9})
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2})
	in := args{"code": "TEN", "idempotency_key": "k1"}
	a.ok("apply_discount_code", in)
	do(s, s.process.Promotions, "TEN", promotion.Command(promotion.End{At: s.clock()}))
	if got := a.ok("apply_discount_code", in); got.at("replayed") != true {
		t.Errorf("again: %s", got.Text)
	}
	a.refused("idempotency_key_reused", "apply_discount_code", args{"code": "OTHER", "idempotency_key": "k1"})
}
