package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"till/domain/cart"
	"till/domain/checkout"
	"till/projections"
)

// substituted is for how many lines substitutes are looked for: each costs some
// searches. linesReordered is how many lines of a kind are written out for people.
const (
	substituted    = 10
	linesReordered = 6
	titleTold      = 60
)

// anyCase is a SKU for comparing: capital and small letters are the same.
func anyCase(sku string) string { return strings.ToLower(sku) }

// read fills the answer anew: a reading of the views may be begun twice. put is
// what was put in of the lines.
func (a *reordered) read(ctx context.Context, c *call, r *projections.Reader, lines []cart.Line, put map[string]cart.ItemAdded) error {
	a.Added, a.Changed, a.NotAdded = []addedLine{}, []repriced{}, []leftOut{}
	if err := a.basket.read(ctx, c, r); err != nil {
		return err
	}
	s, _, err := r.Cart(ctx, c.caller.User)
	if err != nil {
		return err
	}
	for _, l := range lines {
		now, was := put[anyCase(l.SKU)], l
		if now.Quantity > 0 {
			a.Added = append(a.Added, addedLine{now.SKU, now.Quantity})
			if now.Price != was.Price {
				a.Changed = append(a.Changed, repriced{now.SKU, clip(nameOf(now.Item), titleTold), priced(was.Price), priced(now.Price)})
			}
		}
		if now.Quantity >= l.Quantity {
			continue
		}
		offer, ok, err := offerOf(ctx, r, l.SKU)
		if err != nil {
			return err
		}
		left := leftOut{SKU: l.SKU, Title: clip(nameOf(l.Item), titleTold), Quantity: l.Quantity - now.Quantity, Substitutes: []suggestion{}}
		left.Reason, left.Message = whyNot(l, offer, ok, s)
		gone := left.Reason == "unknown_product" || left.Reason == "item_unavailable" || left.Reason == "out_of_stock"
		if gone && len(a.NotAdded) < substituted {
			left.Substitutes, err = substitutes(ctx, r, l, append(slices.Clone(lines), s.Lines...), c.currencyOf(s))
			if err != nil {
				return err
			}
		}
		a.NotAdded = append(a.NotAdded, left)
	}
	return nil
}

// currencyOf is the currency of what the cart can take.
func (c *call) currencyOf(s cart.State) string {
	if len(s.Lines) > 0 {
		return s.Lines[0].Price.Currency
	}
	return c.Currency
}

// whyNot is why not all pieces of the line were put in, as things stand now in
// the cart s.
func whyNot(l cart.Line, offer checkout.Offer, ok bool, s cart.State) (reason, message string) {
	line, held := s.Find(offer.Item.SKU)
	switch {
	case !ok:
		return "unknown_product", "not in the catalogue any more"
	case offer.Withdrawn && offer.Item.SKU == "":
		return "item_unavailable", "the shop cannot sell it at the moment"
	case offer.Withdrawn:
		return "item_unavailable", "no longer sold"
	case line.Quantity >= l.Quantity:
		return "already_in_cart", fmt.Sprintf("the cart holds %d already", line.Quantity)
	case offer.Available < 1:
		return "out_of_stock", "out of stock"
	case len(s.Lines) > 0 && s.Lines[0].Price.Currency != offer.Item.Price.Currency:
		return "currency_mismatch", fmt.Sprintf("sold in %s, the cart is in %s", offer.Item.Price.Currency, s.Lines[0].Price.Currency)
	case !held && len(s.Lines) >= cart.MaxLines:
		return "cart_full", fmt.Sprintf("the cart holds %d different items, which is the most", cart.MaxLines)
	case offer.Available < l.Quantity:
		return "insufficient_stock", fmt.Sprintf("only %d are left, the order had %d", offer.Available, l.Quantity)
	}
	// The shelf or the cart changed since: while this call ran, or after the call
	// of the same key.
	return "changed_meanwhile", "it can be bought now, with add_to_cart"
}

// roomForOrder is how many bytes may tell what became of the order's lines, and
// roomForCart how many the cart's own lines have at least; what is also written
// out for people comes on top.
const (
	roomForOrder room = 12 << 10
	roomForCart  room = 2 << 10
)

// bound keeps the answer below 20 KB: what was not added comes before what costs
// something else, which the cart shows too.
func (a *reordered) bound() {
	left := roomForOrder
	for _, l := range a.Added {
		left -= room(30 + len(l.SKU))
	}
	for i, l := range a.NotAdded {
		n := 110 + len(l.SKU) + len(l.Title) + len(l.Message)
		for _, s := range l.Substitutes {
			n += 30 + len(s.Use) + len(s.About)
		}
		if !left.takes(n) {
			a.MoreOmitted += len(a.NotAdded) - i
			a.NotAdded = a.NotAdded[:i]
			break
		}
	}
	for i, p := range a.Changed {
		if !left.takes(190 + len(p.SKU) + len(p.Title)) {
			a.MoreOmitted += len(a.Changed) - i
			a.Changed = a.Changed[:i]
			break
		}
	}
	a.Lines, a.Omitted = (max(left, 0) + roomForCart).fit(a.Lines)
}

func (a *reordered) steps() []string {
	var steps []string
	if slices.ContainsFunc(a.NotAdded, func(l leftOut) bool { return l.Reason != "already_in_cart" }) {
		steps = append(steps, "tell the person what was not added and why")
	}
	if slices.ContainsFunc(a.NotAdded, func(l leftOut) bool { return len(l.Substitutes) > 0 }) {
		steps = append(steps, "add_to_cart with the substitute that the person chooses")
	}
	if len(a.Changed) > 0 {
		steps = append(steps, "tell the person the changed prices")
	}
	return append(steps, a.basket.steps()...)
}

// text says the same in sentences and short lines.
func (a *reordered) text() string {
	var t strings.Builder
	switch {
	case a.Replayed:
		fmt.Fprintf(&t, "This was done before, by a call with the same key; nothing was changed now. It put %s of order %s into the cart.", counted(len(a.Added), "item"), a.OrderID)
	case len(a.Added) == 0:
		fmt.Fprintf(&t, "Nothing of order %s was put into the cart.", a.OrderID)
	case len(a.NotAdded) == 0:
		fmt.Fprintf(&t, "Everything of order %s is in the cart again.", a.OrderID)
	default:
		fmt.Fprintf(&t, "%s of order %s put into the cart, as far as possible.", counted(len(a.Added), "item"), a.OrderID)
	}
	for i, p := range a.Changed {
		if i == linesReordered {
			t.WriteString("\n… and more changed prices below")
			break
		}
		fmt.Fprintf(&t, "\n%s costs %s now; it was %s.", p.Title, p.Now.Display, p.Was.Display)
	}
	for i, l := range a.NotAdded {
		if i == linesReordered {
			t.WriteString("\n… and more that was not added below")
			break
		}
		fmt.Fprintf(&t, "\nNot added, %d × %s: %s.", l.Quantity, l.Title, l.Message)
		for j, s := range l.Substitutes {
			t.WriteString([]string{" Instead: ", "; ", "; "}[min(j, 2)] + s.Use + " (" + s.About + ")")
		}
	}
	if len(a.Lines) > 0 {
		t.WriteString("\nThe cart:")
	}
	return t.String() + a.basket.text()
}
