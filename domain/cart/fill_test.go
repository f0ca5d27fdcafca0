package cart_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/decider/story"
)

func wanted(sku string, n, available int) cart.Wanted {
	return cart.Wanted{Item: item(sku, 499), Quantity: n, Available: available}
}

func filled(events ...cart.Event) cart.Filled {
	var f cart.Filled
	for _, e := range events {
		f.Items = append(f.Items, e.(cart.ItemAdded))
	}
	return f
}

func TestFill(t *testing.T) {
	t.Run("an empty cart, and again", func(t *testing.T) {
		all := cart.Fill{Items: []cart.Wanted{wanted("MOUSE", 2, 9), wanted("BED", 1, 1)}}
		story.Given(t, cart.Decider()).When(all).Then(filled(added("MOUSE", 2), added("BED", 1))).When(all).Then()
	})
	t.Run("adds only what is lacking", func(t *testing.T) {
		story.Given(t, cart.Decider(), added("MOUSE", 2), added("BED", 5)).
			When(cart.Fill{Items: []cart.Wanted{wanted("MOUSE", 3, 9), wanted("BED", 4, 9)}}).Then(added("MOUSE", 1))
	})
	t.Run("no more than there are", func(t *testing.T) {
		story.Given(t, cart.Decider(), added("MOUSE", 1)).
			When(cart.Fill{Items: []cart.Wanted{wanted("MOUSE", 5, 3), wanted("BED", 2, 0), wanted("WAND", 0, 9)}}).Then(added("MOUSE", 2))
	})
	t.Run("a line holds 99", func(t *testing.T) {
		story.Given(t, cart.Decider()).When(cart.Fill{Items: []cart.Wanted{wanted("MOUSE", 150, 200)}}).Then(added("MOUSE", 99))
	})
	t.Run("the same item twice is filled once", func(t *testing.T) {
		story.Given(t, cart.Decider()).
			When(cart.Fill{Items: []cart.Wanted{wanted("MOUSE", 2, 9), wanted("MOUSE", 2, 9)}}).Then(added("MOUSE", 2))
	})
	t.Run("another currency is passed over", func(t *testing.T) {
		euro := wanted("BED", 1, 1)
		euro.Item.Price.Currency = "EUR"
		story.Given(t, cart.Decider()).
			When(cart.Fill{Items: []cart.Wanted{wanted("MOUSE", 1, 1), euro, wanted("WAND", 1, 1)}}).Then(filled(added("MOUSE", 1), added("WAND", 1)))
	})
	t.Run("a full cart takes more of what it holds", func(t *testing.T) {
		var history []cart.Event
		for i := range cart.MaxLines - 1 {
			history = append(history, added(fmt.Sprint("SKU-", i), 1))
		}
		story.Given(t, cart.Decider(), history...).
			When(cart.Fill{Items: []cart.Wanted{wanted("LAST", 1, 1), wanted("ONE-MORE", 1, 1), wanted("SKU-7", 2, 9)}}).
			Then(filled(added("LAST", 1), added("SKU-7", 1)))
	})
}

// Whatever is there and whatever is wanted: filling keeps the bounds, takes
// nothing out, holds no more than there are, and is done after the first time.
// It is one event at most, which is redone on the same state.
func TestFillingTwiceIsFillingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := func(label string, most int) cart.Fill {
			var f cart.Fill
			for range rapid.IntRange(0, most).Draw(t, label) {
				w := wanted(fmt.Sprint("SKU-", rapid.IntRange(0, 60).Draw(t, "sku")), rapid.IntRange(-1, 120).Draw(t, "n"), rapid.IntRange(-1, 120).Draw(t, "available"))
				w.Item.Price.Currency = rapid.SampledFrom([]string{"USD", "USD", "USD", "EUR"}).Draw(t, "currency")
				f.Items = append(f.Items, w)
			}
			return f
		}
		decide := func(s cart.State, c cart.Command) (cart.State, int) {
			events, err := cart.Decide(s, c)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			story.Redone(t, cart.Decider(), cart.Redo, s, events...)
			for _, e := range events {
				s = cart.Evolve(s, e)
			}
			if len(events) > 1 {
				t.Fatalf("%d events need an atomic batch", len(events))
			}
			return s, len(events)
		}
		before, _ := decide(cart.State{}, some("before", 60))
		f := some("wanted", 60)
		after, _ := decide(before, f)
		if again, n := decide(after, f); n != 0 || again.Revision != after.Revision {
			t.Fatalf("filled again by %d events", n)
		}
		if len(after.Lines) > cart.MaxLines {
			t.Fatalf("%d lines", len(after.Lines))
		}
		for _, l := range before.Lines {
			if now, _ := after.Find(l.SKU); now.Quantity < l.Quantity {
				t.Fatalf("%d of %s are left of %d", now.Quantity, l.SKU, l.Quantity)
			}
		}
		for _, l := range after.Lines {
			if l.Quantity > cart.MaxQuantity || l.Price.Currency != after.Lines[0].Price.Currency {
				t.Fatalf("a line of %d in %s", l.Quantity, l.Price.Currency)
			}
		}
	})
}
