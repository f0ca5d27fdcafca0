package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/order"
	"till/projections"
)

// reordered is the cart after an order was put into it again, and what became of
// the order's lines.
type reordered struct {
	basket
	OrderID  string      `json:"order_id"`
	Added    []addedLine `json:"added"`
	Changed  []repriced  `json:"changed_price"`
	NotAdded []leftOut   `json:"not_added"`
	// MoreOmitted is how many of the last two there was no room for.
	MoreOmitted int `json:"more_omitted,omitempty"`
}

// addedLine is how many pieces this call put in; the cart's lines say the rest.
type addedLine struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// repriced is a line that costs something else than in the order.
type repriced struct {
	SKU   string `json:"sku"`
	Title string `json:"title"`
	Was   price  `json:"was"`
	Now   price  `json:"now"`
}

// leftOut is a line, or so many pieces of one, that this call did not put in.
type leftOut struct {
	SKU         string       `json:"sku"`
	Title       string       `json:"title"`
	Quantity    int          `json:"quantity"`
	Reason      string       `json:"reason"`
	Message     string       `json:"message"`
	Substitutes []suggestion `json:"substitutes"`
}

func reorderTool() tool {
	return tool{
		name: "reorder", title: "Order again",
		about: "Use this when the person wants again what an earlier order held. Example: {\"order_id\": \"CS-7K3M9-Q2X4T\"}. Fills the cart up to the order's quantities at present prices; buys nothing. Returns the whole cart, changed prices, and what was not added with substitutes.",
		args: []argument{
			orderArgument,
			{name: "items", kind: text, most: 1000, about: "Only these SKUs of it, with commas between.", example: "MOUSE-CATNIP, BED-S-GREY", also: []string{"skus"}},
			keyOfWrite,
		},
		// Filling up twice is filling up once, with or without a key.
		output: reordered{}, repeats: true, time: writeTime, run: reorder,
	}
}

func reorder(ctx context.Context, c *call) (answer, error) {
	meta := c.meta()
	var o order.State
	var fill cart.Fill
	err := c.read(ctx, func(r *projections.Reader) (err error) {
		o, err = c.again(ctx, r)
		if err == nil {
			fill, err = wantedOf(ctx, r, o.Lines)
		}
		return err
	})
	if err != nil {
		return answer{}, err
	}
	out, err := c.Carts.Do(ctx, c.caller.User, fill, meta)
	if err != nil {
		return answer{}, err
	}
	a := &reordered{basket: basket{Replayed: out.Replayed}, OrderID: o.ID}
	put, err := c.putIn(ctx, meta, out)
	if err == nil {
		err = c.readFrom(ctx, out.Position, func(r *projections.Reader) error { return a.read(ctx, c, r, o.Lines, put) })
	}
	if err != nil && out.Changed {
		err = late(ctx, err, "view_cart")
	}
	if err != nil {
		return answer{}, err
	}
	a.NextSteps = a.steps()
	a.bound()
	return answer{a.text(), a}, nil
}

// again is the order that is meant, with those of its lines that are meant.
func (c *call) again(ctx context.Context, r *projections.Reader) (order.State, error) {
	o, err := c.order(ctx, r, c.text("order_id"))
	if err != nil {
		return o, err
	}
	if o.Status != order.Placed {
		return o, &problem{Code: "order_not_placed", Field: "order_id", OrderID: o.ID, NextTools: []string{"view_cart", "get_order", "get_order_history"},
			Message: fmt.Sprintf("Order %s is %s, not placed, so its items never left the cart; nothing was changed. view_cart shows them.", o.ID, worded(string(o.Status)))}
	}
	refs := strings.FieldsFunc(c.text("items"), func(r rune) bool { return strings.ContainsRune(",; ", r) })
	if len(refs) == 0 {
		return o, nothingNamed(o, c.text("items"))
	}
	var lines []cart.Line
	taken := map[string]bool{}
	for _, ref := range refs {
		known := false
		for _, l := range o.Lines {
			if !strings.EqualFold(l.SKU, ref) && !strings.EqualFold(l.Handle, ref) && !strings.EqualFold(l.Product, ref) {
				continue
			}
			known = true
			if !taken[l.SKU] {
				taken[l.SKU], lines = true, append(lines, l)
			}
		}
		if known {
			continue
		}
		return o, notInOrder(o, ref, "or use add_to_cart for something else", "get_order", "add_to_cart")
	}
	o.Lines = lines
	return o, nil
}

// wantedOf is what is on offer of the lines now.
func wantedOf(ctx context.Context, r *projections.Reader, lines []cart.Line) (cart.Fill, error) {
	var f cart.Fill
	for _, l := range lines {
		offer, ok, err := offerOf(ctx, r, l.SKU)
		if err != nil {
			return f, err
		}
		if ok && !offer.Withdrawn {
			f.Items = append(f.Items, cart.Wanted{Item: offer.Item, Quantity: l.Quantity, Available: offer.Available})
		}
	}
	return f, nil
}

// offerOf is the offer of a SKU. One that is set aside counts as withdrawn here and
// has no item: the other lines can be bought all the same.
func offerOf(ctx context.Context, r *projections.Reader, sku string) (checkout.Offer, bool, error) {
	offer, ok, err := r.Offer(ctx, sku)
	if errors.Is(err, projections.ErrQuarantined) {
		return checkout.Offer{Withdrawn: true}, true, nil
	}
	return offer, ok, err
}
