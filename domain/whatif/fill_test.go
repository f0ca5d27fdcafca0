package whatif_test

import (
	"testing"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/whatif"
)

// What an order came back with is one decision for whoever asks what if: without what
// was there before it fills up to the same number, and without it all that it put in is
// missing.
func TestWithAndWithoutAFill(t *testing.T) {
	s := newShop(t)
	s.put("ann", cart.Add{Item: item("MOUSE"), Quantity: 1})
	s.put("ann", cart.Fill{Items: []cart.Wanted{{Item: item("MOUSE"), Quantity: 3, Available: 9}, {Item: item("BED"), Quantity: 1, Available: 9}}})
	for without, want := range map[eventlog.Position]map[string]int{1: {"MOUSE": 3, "BED": 1}, 2: {"MOUSE": 1}} {
		other, told := s.think(whatif.Change{Without: []eventlog.Position{without}})
		if differs := without == 1; len(told) != 0 != differs { // the fill puts in more
			t.Errorf("without %d: %+v", without, told)
		}
		var c cart.State
		for e, err := range other.Read(t.Context(), eventlog.Stream{Category: cart.Category, ID: "ann"}) {
			if err != nil {
				t.Fatal(err)
			}
			event, err := s.types.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			c = cart.Evolve(c, event.(cart.Event))
		}
		if len(c.Lines) != len(want) {
			t.Errorf("without %d the cart is %+v", without, c.Lines)
		}
		for sku, n := range want {
			if l, _ := c.Find(sku); l.Quantity != n {
				t.Errorf("without %d it holds %d of %s, not %d", without, l.Quantity, sku, n)
			}
		}
	}
}
