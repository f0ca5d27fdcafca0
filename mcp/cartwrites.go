package mcp

import (
	"context"
	"fmt"
	"strings"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/projections"
)

var (
	variantArgument = argument{name: "variant", kind: text, most: 120, about: "Which variant, when there are several: its SKU or values.", example: "small / grey"}
	// keyOfWrite makes a write happen once for good. Only a write that changed
	// something is remembered, by its event: one that found all as it shall be
	// is answered anew when it is repeated.
	keyOfWrite = argument{name: keyArgument, kind: text, most: 200, about: "Send the same again when you retry this call, never a new one."}
)

func (s *Server) cartTools() []tool {
	quantity := argument{name: "quantity", kind: integer, least: 1, most: cart.MaxQuantity, fallback: 1, about: "How many pieces.", example: 2}
	upTo := quantity
	upTo.least, upTo.fallback, upTo.required, upTo.about = 0, nil, true, "How many there shall be; 0 removes the item."
	return []tool{
		{
			name: "view_cart", title: "View the cart",
			about:  "Use this when you need to know what is in the person's cart. Example: {}. Returns all lines with prices, warnings (price changed, low stock, unavailable) and the total.",
			output: basket{}, reads: true, past: true, time: readTime, run: viewCart,
		},
		{
			name: "add_to_cart", title: "Add to the cart",
			about: "Use this when the person wants an item. Example: {\"product\": \"catnip-mouse\", \"quantity\": 2}. Adds to what is there. With several variants and none named nothing is added and they are listed. Returns the whole cart.",
			args:  []argument{productArgument, variantArgument, quantity, keyOfWrite}, output: basket{}, time: writeTime, run: addToCart,
		},
		{
			name: "update_cart_quantity", title: "Change a quantity",
			about: "Use this when the person wants another number of an item that is in the cart. Example: {\"product\": \"catnip-mouse\", \"quantity\": 3}. Sets the number, it does not add. Returns the whole cart.",
			args:  []argument{productArgument, variantArgument, upTo, keyOfWrite}, output: basket{}, destroys: true, repeats: true, time: writeTime, run: updateCart,
		},
		{
			name: "remove_from_cart", title: "Remove from the cart",
			about: "Use this when the person no longer wants an item. Example: {\"product\": \"catnip-mouse\"}. Takes all its pieces out. Returns the whole cart.",
			args:  []argument{productArgument, variantArgument, keyOfWrite}, output: basket{}, destroys: true, repeats: true, time: writeTime, run: removeFromCart,
		},
		{
			name: "clear_cart", title: "Empty the cart",
			about: "Use this when the person wants to start over. Example: {}. Takes everything out. Returns the empty cart.",
			args:  []argument{keyOfWrite}, output: basket{}, destroys: true, repeats: true, time: writeTime, run: clearCart,
		},
	}
}

func addToCart(ctx context.Context, c *call) (answer, error) {
	meta := c.meta()
	add := cart.Add{Quantity: c.number("quantity")}
	err := c.unlessDone(ctx, meta, func(r *projections.Reader) (err error) {
		add.Item, err = c.offered(ctx, r, add.Quantity)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	return c.change(ctx, add, meta, func(*basket) string {
		return fmt.Sprintf("Added %d × %s to the cart.", add.Quantity, nameOf(add.Item))
	})
}

// offered is the item that is meant, if so many more of it can be bought. The
// stock may change until the checkout; refusing here saves the model a detour.
func (c *call) offered(ctx context.Context, r *projections.Reader, more int) (cart.Item, error) {
	l, sku, err := find(ctx, r, c.text("product"))
	if err != nil {
		return cart.Item{}, err
	}
	if l.Withdrawn {
		return cart.Item{}, &problem{Code: "item_unavailable", Field: "product", NextTools: []string{"search_products"},
			Message: l.Title + " is no longer sold. Look for something else with search_products."}
	}
	i, err := choose(l, sku, c.text("variant"))
	if err != nil {
		return cart.Item{}, err
	}
	offer, ok, err := r.Offer(ctx, l.Variants[i].SKU)
	if err != nil {
		return cart.Item{}, err
	}
	s, _, err := r.Cart(ctx, c.caller.User)
	if err != nil {
		return cart.Item{}, err
	}
	line, _ := s.Find(l.Variants[i].SKU)
	// Beyond what a line takes the cart itself refuses, with its own reason.
	if want := line.Quantity + more; !ok || offer.Available < want && want <= cart.MaxQuantity {
		return cart.Item{}, scarce(l, i, offer.Available, line.Quantity)
	}
	return offer.Item, nil
}

// scarce is an item of which there are too few.
func scarce(l projections.Listing, i, available, inCart int) *problem {
	name := l.Title
	if t := l.Variants[i].Title(); t != "" {
		name += " (" + t + ")"
	}
	p := &problem{Code: "insufficient_stock", Field: "quantity", Available: &available, NextTools: []string{"get_product", "search_products"}}
	switch {
	case available < 1:
		p.Code, p.Field = "out_of_stock", "product"
		p.Message = name + " is out of stock; nothing was added."
		for j := range l.Variants {
			if v := variantOf(l, j); v.Availability != "out" && len(p.Suggestions) < 5 {
				p.Suggestions = append(p.Suggestions, suggestion{v.SKU, strings.Trim(v.Title+", "+v.Price.Display, ", ")})
			}
		}
	case inCart > 0:
		p.Message = fmt.Sprintf("Only %d of %s are left and %d are in the cart already; nothing was added. At most %d more can be added.", available, name, inCart, max(0, available-inCart))
	default:
		p.Message = fmt.Sprintf("Only %d of %s are left; nothing was added. Add %d or fewer.", available, name, available)
	}
	return p
}

func updateCart(ctx context.Context, c *call) (answer, error) {
	n := c.number("quantity")
	return c.changeLine(ctx, n, func(l cart.Line) (cart.Command, string) {
		if n == 0 {
			return cart.SetQuantity{SKU: l.SKU}, "Removed " + nameOf(l.Item) + " from the cart."
		}
		return cart.SetQuantity{SKU: l.SKU, Quantity: n}, fmt.Sprintf("The cart now holds %d × %s.", n, nameOf(l.Item))
	})
}

func removeFromCart(ctx context.Context, c *call) (answer, error) {
	return c.changeLine(ctx, 0, func(l cart.Line) (cart.Command, string) {
		return cart.Remove{SKU: l.SKU}, "Removed " + nameOf(l.Item) + " from the cart."
	})
}

func clearCart(ctx context.Context, c *call) (answer, error) {
	return c.change(ctx, cart.Clear{}, c.meta(), func(*basket) string { return "The cart is empty now." })
}

// changeLine runs a command on the line that is meant, after which it shall
// hold n pieces.
func (c *call) changeLine(ctx context.Context, n int, command func(cart.Line) (cart.Command, string)) (answer, error) {
	meta := c.meta()
	var line cart.Line
	err := c.unlessDone(ctx, meta, func(r *projections.Reader) (err error) {
		if line, err = c.line(ctx, r); err != nil || n <= line.Quantity {
			return err
		}
		offer, _, err := r.Offer(ctx, line.SKU)
		if err == nil && offer.Available < n {
			err = &problem{Code: "insufficient_stock", Field: "quantity", Available: &offer.Available, NextTools: []string{"update_cart_quantity"},
				Message: fmt.Sprintf("Only %d of %s are left; nothing was changed. Set %d or fewer.", offer.Available, nameOf(line.Item), offer.Available)}
		}
		return err
	})
	if err != nil {
		return answer{}, err
	}
	cmd, say := command(line)
	return c.change(ctx, cmd, meta, func(*basket) string { return say })
}

// line finds the line of the cart that is meant. It looks at the cart first: a
// line stays reachable whatever became of its product.
func (c *call) line(ctx context.Context, r *projections.Reader) (cart.Line, error) {
	s, _, err := r.Cart(ctx, c.caller.User)
	if err != nil {
		return cart.Line{}, err
	}
	ref, words := c.text("product"), c.text("variant")
	var fit []cart.Line
	for _, l := range s.Lines {
		if (strings.EqualFold(l.SKU, ref) || strings.EqualFold(l.Product, ref) || strings.EqualFold(l.Handle, ref)) && fitsText(l.SKU, l.Variant, words) {
			fit = append(fit, l)
		}
	}
	if len(fit) == 1 {
		return fit[0], nil
	}
	p := &problem{Code: "variant_required", Field: "variant", NextTools: []string{"view_cart"},
		Message: fmt.Sprintf("The cart holds several variants of %s; nothing was changed. Send the SKU of one as product.", quote(ref))}
	if len(fit) == 0 {
		l, _, err := find(ctx, r, ref)
		if err != nil {
			return cart.Line{}, err // unknown is another error than not in the cart
		}
		p.Code, p.Field = "not_in_cart", "product"
		p.Message = l.Title + " is not in the cart; nothing was changed."
		fit = s.Lines
	}
	for _, l := range fit[:min(len(fit), 10)] {
		p.Suggestions = append(p.Suggestions, suggestion{l.SKU, fmt.Sprintf("%d × %s", l.Quantity, nameOf(l.Item))})
	}
	return cart.Line{}, p
}

// unlessDone looks up what the command needs, with look, unless the command of
// the key was done before.
func (c *call) unlessDone(ctx context.Context, meta eventlog.Meta, look func(*projections.Reader) error) error {
	if done, err := c.done(ctx, meta); done || err != nil {
		return err
	}
	refusal := c.read(ctx, look)
	if refusal == nil {
		return nil
	}
	// Another call with the same key may have landed in between: then what it
	// did is the reason of the refusal.
	if done, err := c.done(ctx, meta); done {
		return err
	}
	return refusal
}

// done is whether the command of the key was done before, so that nothing need
// be looked up that may have changed since.
func (c *call) done(ctx context.Context, meta eventlog.Meta) (bool, error) {
	if meta.Fingerprint == "" {
		return false, nil
	}
	receipt, done, err := c.Views.Command(ctx, meta.Command)
	if err == nil && done && receipt.Fingerprint != meta.Fingerprint {
		err = decider.ErrReused
	}
	return done, err
}

// change runs a command on the caller's cart and answers with the whole cart.
func (c *call) change(ctx context.Context, cmd cart.Command, meta eventlog.Meta, say func(*basket) string) (answer, error) {
	out, err := c.Carts.Do(ctx, c.caller.User, cmd, meta)
	if err != nil {
		return answer{}, err
	}
	if out.Replayed {
		say = func(*basket) string {
			return "This was done before, by a call with the same key; nothing was changed now."
		}
	}
	return c.cart(ctx, out.Position, out.Replayed, say)
}

func nameOf(i cart.Item) string {
	if i.Variant != "" {
		return i.Title + " (" + i.Variant + ")"
	}
	return i.Title
}
