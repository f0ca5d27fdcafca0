package mcp

import (
	"context"
	"fmt"
	"strings"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/projections"
)

// basket is the whole cart, which every cart tool answers with.
type basket struct {
	Lines     []cartLine `json:"lines"`
	Omitted   int        `json:"lines_omitted,omitempty"`
	Pieces    int        `json:"pieces"`
	Discount  *taken     `json:"discount,omitempty"`
	Total     price      `json:"total"`
	Version   uint64     `json:"version"`
	LastOrder string     `json:"last_order,omitempty"`
	NextSteps []string   `json:"next_steps"`
	Replayed  bool       `json:"replayed,omitempty"`
	included
}

// cartLine is a line of a cart, a quote or an order.
type cartLine struct {
	SKU       string    `json:"sku"`
	ProductID string    `json:"product_id"`
	Handle    string    `json:"handle"`
	Title     string    `json:"title"`
	Variant   string    `json:"variant,omitempty"`
	Quantity  int       `json:"quantity"`
	Price     price     `json:"price"`
	Subtotal  price     `json:"subtotal"`
	Warnings  []warning `json:"warnings,omitempty"`
}

// warning is something to know about a line.
type warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func lineOf(l cart.Line) cartLine {
	return cartLine{
		SKU: l.SKU, ProductID: l.Product, Handle: l.Handle, Title: clip(l.Title, 100), Variant: clip(l.Variant, 60),
		Quantity: l.Quantity, Price: priced(l.Price), Subtotal: priced(l.Subtotal()),
	}
}

func viewCart(ctx context.Context, c *call) (answer, error) {
	return c.cart(ctx, 0, false, func(b *basket) string {
		if len(b.Lines) == 0 {
			return "The cart is empty."
		}
		return fmt.Sprintf("The cart holds %s.", counted(b.Pieces, "piece"))
	})
}

// cart answers with the whole cart as the views show it at the position or
// later. say begins the text.
func (c *call) cart(ctx context.Context, at eventlog.Position, replayed bool, say func(*basket) string) (answer, error) {
	b := &basket{Replayed: replayed}
	err := c.readFrom(ctx, at, func(r *projections.Reader) error { return b.read(ctx, c, r) })
	if err != nil {
		if at > 0 {
			return answer{}, late(ctx, err, "view_cart")
		}
		return answer{}, err
	}
	b.NextSteps = b.steps()
	b.Lines, b.Omitted = fit(b.Lines)
	return answer{say(b) + b.text(), b}, nil
}

// read fills the basket anew: a reading of the views may be begun twice.
func (b *basket) read(ctx context.Context, c *call, r *projections.Reader) error {
	*b = basket{Lines: []cartLine{}, Replayed: b.Replayed}
	s, version, err := r.Cart(ctx, c.caller.User)
	if err != nil {
		return err
	}
	b.Pieces, b.Total, b.Version = s.Pieces(), c.total(s.Total()), version.Number
	if len(s.Lines) == 0 {
		b.LastOrder = s.LastOrder
	}
	categories := make([]string, len(s.Lines))
	for i, l := range s.Lines {
		seen, err := checkout.Inspect(ctx, r, l)
		if err != nil {
			return err
		}
		categories[i] = seen.Category
		line := lineOf(l)
		for _, f := range append(seen.Problems, seen.Warnings...) {
			line.Warnings = append(line.Warnings, warning{f.Code, f.Message})
		}
		b.Lines = append(b.Lines, line)
	}
	return b.takeOff(ctx, c, r, s, categories)
}

// late is the error of a change that was stored but cannot be shown.
func late(ctx context.Context, err error, look string) error {
	if ctx.Err() == context.Canceled {
		return err
	}
	return &problem{Code: "shop_unavailable", NextTools: []string{look},
		Message: "The change was made and stored, but the shop cannot show it yet. Do not make it again; call " + look + " in a moment."}
}

func (b *basket) steps() []string {
	if len(b.Lines) == 0 {
		return []string{"search_products or list_products to find something"}
	}
	for _, l := range b.Lines {
		for _, w := range l.Warnings {
			if w.Code == "unavailable" || w.Code == "insufficient_stock" {
				return []string{"tell the person about the warnings", "update_cart_quantity or remove_from_cart for what cannot be bought", "review_checkout"}
			}
		}
	}
	return []string{"review_checkout for the final total and a quote_id", "search_products to add more"}
}

// text is the cart in short lines.
func (b *basket) text() string {
	if len(b.Lines) == 0 {
		if b.LastOrder != "" {
			return " It was bought as order " + b.LastOrder + "."
		}
		return ""
	}
	var t strings.Builder
	writeLines(&t, b.Lines)
	fmt.Fprintf(&t, "%s\nTotal %s.", b.Discount.told(), b.Total.Display)
	return t.String()
}

// linesTold is how many lines are also written out for people.
const linesTold = 12

func writeLines(t *strings.Builder, lines []cartLine) {
	for i, l := range lines {
		if i == linesTold {
			t.WriteString("\n… and more lines")
			return
		}
		fmt.Fprintf(t, "\n%d × %s", l.Quantity, l.Title)
		if l.Variant != "" {
			fmt.Fprintf(t, " (%s)", l.Variant)
		}
		fmt.Fprintf(t, ", %s", l.Subtotal.Display)
		for _, w := range l.Warnings {
			t.WriteString(" – " + w.Message)
		}
	}
}

// counted is "1 piece" or "3 pieces".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
