package whatif_test

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/stock"
	"till/domain/whatif"
)

// deed is a command for one of two carts or one SKU.
type deed struct {
	user  string
	cart  cart.Command
	stock stock.Command
}

func (s *shop) attempt(d deed) (changed bool) {
	meta := eventlog.Meta{Time: noon}
	if d.cart != nil {
		out, err := s.Carts.Do(s.t.Context(), d.user, d.cart, meta)
		return err == nil && out.Changed
	}
	out, err := s.Stocks.Do(s.t.Context(), "MOUSE", d.stock, meta)
	return err == nil && out.Changed
}

// A history without an event is the one in which its command was never given, as
// far as the log can know it: what was refused then leaves no trace to be allowed.
func TestWithoutIsNeverDone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newShop(t)
		var done []deed // the n-th made the event at position n+1
		for range rapid.IntRange(1, 25).Draw(rt, "deeds") {
			sku := rapid.SampledFrom([]string{"MOUSE", "BED"}).Draw(rt, "sku")
			n := rapid.IntRange(1, 60).Draw(rt, "n")
			r := fmt.Sprintf("hold/%d", n%3)
			d := rapid.SampledFrom([]deed{
				{cart: cart.Add{Item: item(sku), Quantity: n}}, {cart: cart.SetQuantity{SKU: sku, Quantity: n}},
				{cart: cart.Remove{SKU: sku}}, {cart: cart.Clear{}},
				{stock: stock.Count{OnHand: n}}, {stock: stock.Reserve{Reservation: r, Quantity: n, Until: noon}},
				{stock: stock.Release{Reservation: r, Reason: "r"}}, {stock: stock.Commit{Reservation: r}},
			}).Draw(rt, "deed")
			d.user = rapid.SampledFrom([]string{"ann", "bob"}).Draw(rt, "user")
			if s.attempt(d) {
				done = append(done, d)
			}
		}
		if len(done) == 0 {
			return
		}
		gone := rapid.IntRange(0, len(done)-1).Draw(rt, "gone")
		never := newShop(t)
		for i, d := range done {
			if i != gone {
				never.attempt(d)
			}
		}
		other, _ := s.think(whatif.Change{Without: []eventlog.Position{eventlog.Position(gone + 1)}})
		end, _ := other.Head(t.Context())
		if head, _ := never.log.Head(t.Context()); head != end {
			rt.Fatalf("thought of %d events, had it never been there are %d", end, head)
		}
		for p := eventlog.Position(1); p <= end; p++ {
			got, err := other.Get(t.Context(), p)
			want, _ := never.log.Get(t.Context(), p)
			if err != nil || !reflect.DeepEqual(got, want) {
				rt.Fatalf("position %d is\n%+v (%v), want\n%+v", p, got, err, want)
			}
		}
	})
}

// A reservation that no checkout made is done again wherever there are pieces,
// although one of the same name was refused before.
func TestAReservationOfNoOrder(t *testing.T) {
	s := newShop(t)
	for _, c := range []stock.Command{
		stock.Count{OnHand: 1}, stock.Reserve{Reservation: "hold/1", Quantity: 1, Until: noon}, stock.Count{OnHand: 2},
		stock.Release{Reservation: "hold/1", Reason: "r"}, stock.Reserve{Reservation: "hold/1", Quantity: 1, Until: noon},
	} {
		if !s.attempt(deed{stock: c}) {
			t.Fatalf("%+v changes nothing", c)
		}
	}
	other, _ := s.think(whatif.Change{Without: []eventlog.Position{1}})
	if head, err := other.Head(t.Context()); head != 2 || err != nil { // the second count and the second reservation
		t.Errorf("%d events, %v", head, err)
	}
}
