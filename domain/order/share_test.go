package order_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/money"
	"till/domain/order"
)

// A line that goes back is worth what was paid for it: one that a code made cheaper less,
// one of another category its whole price; and all lines together what the order cost.
func TestAReturnOfADiscountedLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		discounted, sum := &order.Discount{Code: "TEN", Lines: []order.LineDiscount{}}, int64(0)
		buy := start
		buy.Lines = nil
		paid := map[string]int64{}
		for i := range rapid.IntRange(1, 5).Draw(t, "lines") {
			l := cart.Line{Item: cart.Item{SKU: fmt.Sprintf("SKU-%d", i), Title: "A thing", Price: money.Of(rapid.Int64Range(0, 9999).Draw(t, "price"), "USD")}, Quantity: rapid.IntRange(1, 9).Draw(t, "n")}
			off := rapid.SampledFrom([]int64{0, rapid.Int64Range(0, l.Subtotal().Minor).Draw(t, "off")}).Draw(t, "or none")
			if off > 0 {
				discounted.Lines = append(discounted.Lines, order.LineDiscount{SKU: l.SKU, Amount: money.Of(off, "USD")})
			}
			discounted.Amount = money.Of(discounted.Amount.Minor+off, "USD")
			buy.Lines, sum = append(buy.Lines, l), sum+l.Subtotal().Minor
			paid[l.SKU] = l.Subtotal().Minor - off
		}
		buy.Discount, buy.Total = discounted, money.Of(sum-discounted.Amount.Minor, "USD")
		s := order.Decider().Fold(decided(t, order.State{}, buy)...)
		for _, cmd := range []order.Command{order.RequestPayment{Attempt: 1}, order.Place{Attempt: 1, Payment: "test_1", At: at}, order.Dispatch{Carrier: "Post", Tracking: "1", At: at}, order.Deliver{At: at, ReturnsUntil: at.Add(24 * time.Hour)}} {
			for _, e := range decided(t, s, cmd) {
				s = order.Evolve(s, e)
			}
		}
		back := int64(0)
		for _, l := range buy.Lines {
			// One piece first, then the rest: in whatever parts, it is the line's share.
			line := int64(0)
			for n, pieces := range []int{1, l.Quantity - 1} {
				if pieces == 0 {
					continue
				}
				events := decided(t, s, order.RequestReturn{Return: fmt.Sprintf("%s-%d", l.SKU, n), Pieces: []order.Pieces{{SKU: l.SKU, Quantity: pieces}}, Reason: "r", At: at})
				for _, e := range events {
					s = order.Evolve(s, e)
				}
				line += s.Returns[len(s.Returns)-1].Lines[0].Amount.Minor
			}
			if line != paid[l.SKU] {
				t.Fatalf("%s goes back for %d, %d were paid", l.SKU, line, paid[l.SKU])
			}
			back += line
		}
		if back != s.Total.Minor {
			t.Fatalf("all goes back for %d, the order cost %d", back, s.Total.Minor)
		}
	})
}

func decided(t *rapid.T, s order.State, cmd order.Command) []order.Event {
	events, err := order.Decide(s, cmd)
	if err != nil || len(events) == 0 {
		t.Fatalf("%#v: %v, %v", cmd, events, err)
	}
	return events
}
