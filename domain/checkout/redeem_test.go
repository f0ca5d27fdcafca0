package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/promotion"
)

var once = promotion.Terms{Percent: 1000, Limit: 100, PerPerson: 1}

func TestADiscountIsPaidLess(t *testing.T) {
	s := agents(t) // a mouse for $4.99 and a bed for $29.99
	s.promise("TEN", once, "alice")
	q := s.review("alice")
	if q.Total != money.Of(3148, "USD") || q.Discount == nil || q.Discount.Amount != money.Of(350, "USD") || q.Discount.Code != "TEN" || len(q.Warnings) != 0 {
		t.Fatalf("the quote is %+v", q)
	}
	got, err := s.buyAs("cli_1", q.ID)
	if err != nil || got.Order.Status != order.Placed || got.Order.Total != q.Total || got.Order.Subtotal() != money.Of(3498, "USD") {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	parts := int64(0)
	for _, l := range got.Order.Discount.Lines {
		parts += l.Amount.Minor
	}
	if parts != 350 {
		t.Errorf("the parts are %+v", got.Order.Discount.Lines)
	}
	charges, _ := s.gateway.Lookup(t.Context(), got.Order.PaymentKey())
	if charges.Reference != got.Order.Payment {
		t.Errorf("charged %+v", charges)
	}
	if used := s.code("TEN", nil).Uses; len(used) != 1 || used[0].User != "alice" || used[0].Order != got.Order.ID {
		t.Errorf("used by %+v", used)
	}
}

// A quote without a code makes no event more than before.
func TestNoCodeCostsNothing(t *testing.T) {
	s := agents(t)
	if got, err := s.buyAs("cli_1", s.review("alice").ID); err != nil || got.Order.Status != order.Placed || got.Order.Discount != nil {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	for typ := range s.types() {
		if strings.HasPrefix(typ, "promotion.") {
			t.Errorf("there is a %s", typ)
		}
	}
}

func TestNothingToPayIsNotAskedFor(t *testing.T) {
	s := agents(t)
	off := money.Of(9999, "USD")
	s.promise("GIFT", promotion.Terms{Off: &off, Limit: 1}, "alice")
	got, err := s.buyAs("cli_1", s.review("alice").ID)
	if err != nil || got.Order.Status != order.Placed || got.Order.Total != money.Of(0, "USD") || got.Order.Payment != "" {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if len(s.gateway.keys) != 0 {
		t.Errorf("the gateway was asked for %v", s.gateway.keys)
	}
}

// A code that does not hold is warned of, and the cart is quoted without it.
func TestACodeThatDoesNotHold(t *testing.T) {
	minimum := money.Of(4000, "USD")
	for name, c := range map[string]struct {
		terms promotion.Terms
		spoil func(*shop)
		want  string
	}{
		"ended":         {once, func(s *shop) { s.code("TEN", promotion.End{At: s.now}) }, "discount_code_expired"},
		"its time over": {promotion.Terms{Percent: 1000, Limit: 1, Ends: time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)}, func(s *shop) { s.now = s.now.Add(time.Hour) }, "discount_code_expired"},
		"used up": {promotion.Terms{Percent: 1000, Limit: 1}, func(s *shop) {
			s.code("TEN", promotion.Redeem{Reservation: "CS-1/1", User: "bob", At: s.now})
		}, "discount_code_used_up"},
		"used by them": {once, func(s *shop) {
			s.code("TEN", promotion.Redeem{Reservation: "CS-1/1", User: "alice", At: s.now})
		}, "discount_code_user_ineligible"},
		"below the minimum":    {promotion.Terms{Percent: 1000, Limit: 1, Minimum: &minimum}, func(*shop) {}, "discount_code_minimum"},
		"for another category": {promotion.Terms{Percent: 1000, Limit: 1, Category: "fish"}, func(*shop) {}, "discount_code_not_applicable"},
		"not yet":              {promotion.Terms{Percent: 1000, Limit: 1, Starts: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}, func(*shop) {}, "discount_code_invalid"},
		"no code that ever was ": {promotion.Terms{Percent: 1000, Limit: 1}, func(s *shop) {
			_, _ = s.Carts.Do(context.Background(), "alice", cart.ApplyCode{Code: "NONE"}, eventlog.Meta{})
		}, "discount_code_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			s := agents(t)
			s.promise("TEN", c.terms, "alice")
			before := s.review("alice")
			c.spoil(s)
			q := s.review("alice")
			if q.ID == "" || q.Discount != nil || q.Total != money.Of(3498, "USD") || len(q.Warnings) != 1 || q.Warnings[0].Code != c.want {
				t.Fatalf("the quote is %+v", q)
			}
			if before.Discount != nil {
				if _, err := s.buyAs("cli_1", before.ID); !errors.Is(err, checkout.ErrQuoteOutdated) && !errors.Is(err, checkout.ErrQuoteExpired) {
					t.Errorf("the quote with the discount is still bought: %v", err)
				}
			}
			if got, err := s.buyAs("cli_1", q.ID); err != nil || got.Order.Status != order.Placed || got.Order.Total != q.Total {
				t.Errorf("%+v, %v", got.Order, err)
			}
		})
	}
}

func TestACategorysDiscount(t *testing.T) {
	s := agents(t)
	s.categories = map[string]string{"MOUSE": "toys", "BED": "beds"}
	s.promise("TOYS", promotion.Terms{Percent: 5000, Limit: 1, Category: "toys"}, "alice")
	if q := s.review("alice"); q.Discount == nil || q.Discount.Amount != money.Of(250, "USD") || len(q.Discount.Lines) != 1 || q.Discount.Lines[0].SKU != "MOUSE" {
		t.Errorf("the quote is %+v", q.Discount)
	}
}

// Another code after the review is another purchase, as is none.
func TestAQuoteIsForItsCode(t *testing.T) {
	s := agents(t)
	s.promise("TEN", once)
	s.promise("ALSO-TEN", once)
	bare := s.review("alice").ID
	s.code("TEN", nil)
	if _, err := s.Carts.Do(t.Context(), "alice", cart.ApplyCode{Code: "TEN"}, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	ten := s.review("alice").ID
	if _, err := s.buyAs("cli_1", bare); !errors.Is(err, checkout.ErrQuoteOutdated) {
		t.Errorf("bought without: %v", err)
	}
	if _, err := s.Carts.Do(t.Context(), "alice", cart.ApplyCode{Code: "ALSO-TEN"}, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.buyAs("cli_1", ten); !errors.Is(err, checkout.ErrQuoteOutdated) {
		t.Errorf("bought with another: %v", err)
	}
}

// Others use the code up between the look and the purchase: the order that was begun
// fails with the reason, nothing is charged or kept, and the next quote warns.
func TestUsedUpInBetween(t *testing.T) {
	s := agents(t)
	s.promise("TEN", promotion.Terms{Percent: 1000, Limit: 1}, "alice")
	q := s.reviewAs("cli_1")
	id := checkout.OrderID(q.ID)
	start := order.Start{ID: id, User: "alice", Client: "cli_1", Quote: q.ID, CartVersion: q.CartVersion, Lines: q.Lines, Total: q.Total, Discount: q.Discount, Method: "pm_card_visa", At: s.now}
	if _, err := s.Orders.Do(t.Context(), id, start, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	s.code("TEN", promotion.Redeem{Reservation: "CS-1/1", User: "bob", At: s.now})
	got, err := s.buyAs("cli_1", q.ID)
	if err != nil || got.Order.Status != order.Failed || got.Order.Code != "discount_code_used_up" {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if s.cart("alice").Claim != "" || s.cart("alice").Pieces() != 2 || s.stock("MOUSE").Available() != 100 || len(s.gateway.keys) != 0 || len(s.code("TEN", nil).Uses) != 1 {
		t.Errorf("cart %+v, stock %+v, charged %v", s.cart("alice"), s.stock("MOUSE"), s.gateway.keys)
	}
	if q := s.review("alice"); q.Warnings[0].Code != "discount_code_used_up" || q.Total != money.Of(3498, "USD") {
		t.Errorf("then quoted %+v", q)
	}
}

// A decline gives the use back, and the next attempt uses the code again, also under
// the same quote and when the code is for once.
func TestADeclineDoesNotUseTheCode(t *testing.T) {
	s := agents(t)
	s.promise("TEN", promotion.Terms{Percent: 1000, Limit: 1, PerPerson: 1}, "alice")
	quote := s.review("alice").ID
	for range 3 {
		got, err := s.buy(checkout.Request{User: "alice", Client: "cli_1", Quote: quote, Method: "pm_card_visa_chargeDeclined"})
		if err != nil || got.Order.Status != order.Declined {
			t.Fatalf("%+v, %v", got.Order, err)
		}
		if used := s.code("TEN", nil).Uses; len(used) != 0 {
			t.Fatalf("used by %+v", used)
		}
		if s.cart("alice").Code != "TEN" {
			t.Fatal("the code is off the cart")
		}
	}
	got, err := s.buy(checkout.Request{User: "alice", Client: "cli_1", Quote: quote, Method: "pm_card_visa"})
	if err != nil || got.Order.Status != order.Placed || got.Order.Attempt != 4 {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if used := s.code("TEN", nil).Uses; len(used) != 1 || used[0].Attempt != got.Order.Attempt {
		t.Errorf("used by %+v", used)
	}
}

// What is under way counts: nobody else gets the last use while a payment is open.
func TestAnOpenPaymentHoldsTheCode(t *testing.T) {
	s := agents(t)
	s.add("bob", "MOUSE", 1)
	s.promise("TEN", promotion.Terms{Percent: 1000, Limit: 1}, "alice", "bob")
	got, err := s.buy(checkout.Request{User: "alice", Method: "tok_timeout"})
	if err != nil || got.Order.Status != order.Pending {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if q := s.review("bob"); len(q.Warnings) != 1 || q.Warnings[0].Code != "discount_code_used_up" {
		t.Errorf("bob is quoted %+v", q)
	}
}

// The limits of an agent count what is paid.
func TestLimitsCountTheDiscountedTotal(t *testing.T) {
	s := agents(t)
	s.allow("alice", "cli_1", 3200, -1, -1)
	if q := s.reviewAs("cli_1"); q.ID != "" || q.Problems[0].Code != "spending_limit_exceeded" {
		t.Fatalf("without the code: %+v", q)
	}
	s.promise("TEN", once, "alice")
	got, err := s.buyAs("cli_1", s.reviewAs("cli_1").ID)
	if err != nil || got.Order.Status != order.Placed {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if sum, _ := s.spending("alice", "cli_1", nil).Within(s.now, "USD", ""); sum != money.Of(3148, "USD") {
		t.Errorf("%s count as spent", sum)
	}
}

// An order that was cancelled gives the use back, once however often that is said;
// the person may use the code for another order, which a late repetition leaves alone.
func TestACancelledOrderGivesItsUseBack(t *testing.T) {
	s := agents(t)
	s.promise("TEN", promotion.Terms{Percent: 1000, Limit: 1, PerPerson: 1}, "alice")
	first, err := s.buyAs("cli_1", s.review("alice").ID)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		at, err := s.ReverseRedemption(t.Context(), first.Order, "cancelled", eventlog.Meta{Command: "cancel", Time: s.now})
		if err != nil || at == 0 || len(s.code("TEN", nil).Uses) != 0 {
			t.Fatalf("at %d: %v, used by %+v", at, err, s.code("TEN", nil).Uses)
		}
	}
	s.add("alice", "MOUSE", 1)
	if _, err := s.Carts.Do(t.Context(), "alice", cart.ApplyCode{Code: "TEN"}, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	second, err := s.buyAs("cli_1", s.review("alice").ID)
	if err != nil || second.Order.Discount == nil {
		t.Fatalf("%+v, %v", second.Order, err)
	}
	s.now = s.now.Add(48 * time.Hour)
	if _, err := s.ReverseRedemption(t.Context(), first.Order, "cancelled", eventlog.Meta{Command: "cancel again", Time: s.now}); err != nil {
		t.Fatal(err)
	}
	if used := s.code("TEN", nil).Uses; len(used) != 1 || used[0].Order != second.Order.ID {
		t.Errorf("used by %+v", used)
	}
	if n := s.types()["promotion.redemption_reversed"]; n != 1 {
		t.Errorf("%d uses were given back", n)
	}
	bare := order.State{ID: "CS-1", Attempt: 1}
	if at, err := s.ReverseRedemption(t.Context(), bare, "cancelled", eventlog.Meta{}); err != nil || at != 0 {
		t.Errorf("an order without a code: at %d, %v", at, err)
	}
}

// Many people with one code on their carts buy at once, in two processes: exactly as
// many orders are discounted as the code can be used, the others come to nothing and
// charge nothing, and who then reviews is quoted without it.
func TestACodeUnderRaces(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit, buyers := rapid.IntRange(1, 4).Draw(r, "limit"), rapid.IntRange(1, 8).Draw(r, "buyers")
		method := rapid.SampledFrom([]string{"pm_card_visa", "pm_card_visa", "fail_token"})
		log, charges := memlog.New("e"), new(memlog.Bucket)
		shops := []*shop{start(t, log, charges), start(t, log, charges)}
		here := shops[0]
		here.count("MOUSE", 100)
		here.promise("TEN", promotion.Terms{Percent: 1000, Limit: limit})
		quotes, methods := make([]string, buyers), make([]string, buyers)
		for i := range buyers {
			user := fmt.Sprintf("usr_%d", i)
			here.add(user, "MOUSE", 1)
			if _, err := here.Carts.Do(context.Background(), user, cart.ApplyCode{Code: "TEN"}, eventlog.Meta{}); err != nil {
				r.Fatal(err)
			}
			quotes[i], methods[i] = here.review(user).ID, method.Draw(r, "method")
		}
		var placed, declined, usedUp atomic.Int64
		var all sync.WaitGroup
		for i := range buyers {
			all.Go(func() {
				got, err := shops[i%2].CheckOut(context.Background(), checkout.Request{User: fmt.Sprintf("usr_%d", i), Quote: quotes[i], Method: methods[i]}, eventlog.Meta{Command: fmt.Sprint("c", i)})
				switch {
				case errors.Is(err, checkout.ErrQuoteOutdated): // it was used up before the order began
					usedUp.Add(1)
				case err != nil:
					t.Errorf("buyer %d: %v", i, err)
				case got.Order.Status == order.Placed && got.Order.Total == money.Of(449, "USD"):
					placed.Add(1)
				case got.Order.Status == order.Declined:
					declined.Add(1)
				case got.Order.Status == order.Failed && got.Order.Code == "discount_code_used_up":
					usedUp.Add(1)
				default:
					t.Errorf("buyer %d: %+v", i, got.Order)
				}
			})
		}
		all.Wait()
		good := 0
		for _, m := range methods {
			if m == "pm_card_visa" {
				good++
			}
		}
		used := here.code("TEN", nil).Uses
		if int64(len(used)) != placed.Load() || len(used) > limit {
			r.Fatalf("%d orders, and used %d of %d times", placed.Load(), len(used), limit)
		}
		// A card that is declined may have held a use while another asked for it.
		if declined.Load() == 0 && good == buyers && len(used) != min(limit, buyers) {
			r.Fatalf("%d of %d buyers could use it %d times, and %d did", good, buyers, limit, len(used))
		}
		if here.stock("MOUSE").OnHand != 100-len(used) || len(here.stock("MOUSE").Reserved) != 0 {
			r.Fatalf("the stock is %+v", here.stock("MOUSE"))
		}
	})
}

// A code that takes nothing off is not used up by it: what is free costs no less.
func TestACodeThatTakesNothingOffIsNotUsed(t *testing.T) {
	s := newShop(t)
	s.prices["MOUSE"] = 0
	s.count("MOUSE", 10)
	s.add("alice", "MOUSE", 1)
	s.promise("ONCE", promotion.Terms{Percent: 1000, Limit: 1, PerPerson: 1}, "alice")
	got, err := s.buy(checkout.Request{User: "alice", Quote: s.review("alice").ID})
	if err != nil || got.Order.Status != order.Placed || got.Order.Discount != nil {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if code := s.code("ONCE", nil); code.Left() != 1 {
		t.Errorf("%d uses are left", code.Left())
	}
}
