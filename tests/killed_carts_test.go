package tests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"
)

// hand is an agent at a cart, which knows at every moment what the cart must
// hold: each of its changes done once, acknowledged or found afterwards.
type hand struct {
	*stream
	*person
	random *rand.Rand
	// alone is whether nobody else changes this cart; otherwise the products of
	// this hand are.
	alone    bool
	products []string
	lines    map[string]int
	version  int
	keys     int
	// open was sent and not answered, done is the last one with a key that was.
	open, done *change
}

// change is a call that changes the cart.
type change struct {
	tool, event string
	in          args
	keyed       bool
	after       map[string]int
}

func (h *hand) act() error {
	switch {
	case h.open != nil:
		return h.find()
	case h.done != nil && h.random.IntN(8) == 0:
		return h.repeat()
	}
	c := h.change()
	out, err := h.tool(h.token, c.tool, c.in)
	if err != nil {
		h.open = c
		return err
	}
	if out.code() != "" {
		h.wrong("%s %v is refused: %d %s", c.tool, c.in, out.status, out.Text)
		return nil
	}
	h.changed(c, out)
	return nil
}

// change is the next one: it always changes something, so that the cart's
// version rises by one.
func (h *hand) change() *change {
	c := &change{after: maps.Clone(h.lines), in: args{}}
	sku := h.products[h.random.IntN(len(h.products))]
	had := h.lines[sku]
	c.in["product"] = sku
	switch n := h.random.IntN(10); {
	case had > 80 || had > 0 && n < 2:
		c.tool, c.event = "remove_from_cart", "cart.item_removed"
		delete(c.after, sku)
	case had > 0 && n < 5:
		c.tool, c.event = "update_cart_quantity", "cart.quantity_changed"
		c.after[sku] = had%9 + 1
		if c.after[sku] == had {
			c.after[sku]++
		}
		c.in["quantity"] = c.after[sku]
	case had > 0 && n == 5 && h.alone:
		c.tool, c.event = "clear_cart", "cart.cleared"
		clear(c.after)
		delete(c.in, "product")
	default:
		c.tool, c.event = "add_to_cart", "cart.item_added"
		quantity := 1 + h.random.IntN(3)
		c.after[sku] = had + quantity
		c.in["quantity"] = quantity
	}
	if c.keyed = h.random.IntN(3) > 0; c.keyed {
		h.keys++
		c.in["idempotency_key"] = fmt.Sprintf("%s-%v-%d", h.name, h.products, h.keys)
	}
	return c
}

// changed takes in the answer to a change of this hand.
func (h *hand) changed(c *change, out said) {
	h.lines = c.after
	h.version++
	if c.keyed {
		h.done = c
	}
	h.same(out, c.tool)
	if replayed, _ := out.at("replayed").(bool); !replayed {
		version := out.number("version")
		h.acknowledge("cart writes", func(l *record) string {
			cart := l.streams["cart/"+h.id]
			if len(cart) < version || h.alone && cart[version-1].Type != c.event {
				return fmt.Sprintf("%s as version %d of the cart of %s", c.event, version, h.name)
			}
			return ""
		})
	}
}

// find is what a client does that never heard the answer: with a key it sends
// the very same call, without one it looks.
func (h *hand) find() error {
	c := h.open
	if c.keyed {
		out, err := h.tool(h.token, c.tool, c.in)
		if err != nil {
			return err
		}
		h.open = nil
		if out.code() != "" {
			h.wrong("%s %v is refused when it is sent again: %d %s", c.tool, c.in, out.status, out.Text)
			return nil
		}
		h.changed(c, out)
		return nil
	}
	out, err := h.tool(h.token, "view_cart", nil)
	if err != nil {
		return err
	}
	h.open = nil
	if now := h.held(out); maps.Equal(now, c.after) {
		h.lines = c.after
		h.version++
	}
	h.same(out, "after a kill in "+c.tool)
	return nil
}

// repeat sends a change with a key once more that was acknowledged before.
func (h *hand) repeat() error {
	out, err := h.tool(h.token, h.done.tool, h.done.in)
	if err != nil {
		return err
	}
	if replayed, _ := out.at("replayed").(bool); out.code() != "" || !replayed {
		h.wrong("%s %v, acknowledged before, is not known again: %d %s", h.done.tool, h.done.in, out.status, out.Text)
	}
	h.same(out, "a repeated "+h.done.tool)
	h.done = nil
	return nil
}

// held is what the answer says that the cart holds of this hand's products.
func (h *hand) held(out said) map[string]int {
	lines := map[string]int{}
	all, _ := out.at("lines").([]any)
	for _, l := range all {
		l := said{answer: answer{Data: l.(map[string]any)}}
		for _, sku := range h.products {
			if l.text("sku") == sku {
				lines[sku] = l.number("quantity")
			}
		}
	}
	return lines
}

// same checks the answer against what the cart must hold.
func (h *hand) same(out said, after string) {
	now, version := h.held(out), out.number("version")
	if !maps.Equal(now, h.lines) || h.alone && version != h.version {
		h.wrong("%s: the cart of %s holds %v at version %d, it must hold %v at %d: %d %s", after, h.name, now, version, h.lines, h.version, out.status, out.Text)
		h.lines, h.version = now, version // one fault is told once
	}
}

// keeper brings the catalogue again and again, each time with new titles, other
// prices and a new count of what the buyers buy.
type keeper struct {
	*stream
	dir string
	n   int
}

func (k *keeper) act() error {
	k.n++
	if err := bringOver(k.dir, buyable(k.n)); err != nil {
		return err
	}
	n := k.n
	k.acknowledge("imports", func(l *record) string {
		for id, edition := range l.editions {
			if !edition[n] {
				return fmt.Sprintf("edition %d of product %s", n, id)
			}
		}
		return ""
	})
	time.Sleep(20 * time.Millisecond)
	return nil
}

// scarce are the SKUs that buyers fight for.
var scarce = []string{"SCARCE-1", "SCARCE-2", "SCARCE-3"}

// buyable is the catalogue's n-th edition.
func buyable(n int) (lines string) {
	for i, sku := range scarce {
		lines += fmt.Sprintf(`{"handle":"scarce-%d","title":"Thing no. %d","category":"toys","variants":[{"sku":%q,"price":"%d.00","stock":%d}]}`+"\n",
			i+1, n, sku, 1+(n/40+i)%3, 60+20*i)
	}
	return lines
}

// plenty is a catalogue of what never runs out.
func plenty(skus ...string) (lines string) {
	for _, sku := range skus {
		lines += fmt.Sprintf(`{"handle":"plenty-%s","title":"Plenty of %s","category":"toys","variants":[{"sku":%q,"price":"2.50","stock":1000000}]}`+"\n",
			strings.ToLower(sku), sku, sku)
	}
	return lines
}
