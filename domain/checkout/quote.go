// Package checkout joins cart, stock, payment and order into a purchase. It
// keeps no state of its own: whatever it has reached stands in the streams of
// the order and of the SKUs, so that anybody can finish or undo it.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"till/domain/cart"
	"till/domain/money"
	"till/domain/order"
)

// QuoteLife is how long a quote may be bought.
const QuoteLife = 15 * time.Minute

// Quote is what a cart costs now. Making one changes nothing.
type Quote struct {
	// ID is bound by a MAC to person, cart version, lines, total and expiry;
	// empty while Problems stand in the way.
	ID          string
	User        string
	CartVersion uint64 // the cart's revision
	// Lines are the cart's, at the catalogue's present prices.
	Lines []cart.Line
	// Discount is what the cart's code takes off, nil for none or for one that does
	// not hold now, which is a warning. Total is what is left to pay.
	Discount *order.Discount
	Total    money.Amount
	Expires  time.Time
	Problems []Finding
	Warnings []Finding

	claim      string   // the order that is buying the cart now
	categories []string // of the lines
}

// Finding is something to know about a line of the cart.
type Finding struct {
	// Code is unavailable, insufficient_stock or checkout_in_progress for a
	// problem, price_changed, low_stock or one of discount_code_… for a warning.
	Code    string
	SKU     string
	Message string
}

// Offer is what the shop has of a SKU at present.
type Offer struct {
	Item      cart.Item
	Available int
	// Category is the product's.
	Category string
	// Withdrawn: the product is no longer on offer.
	Withdrawn bool
}

// Shelf tells what is on offer; the views implement it.
type Shelf interface {
	// Offer returns the SKU's offer, false when there never was one.
	Offer(ctx context.Context, sku string) (Offer, bool, error)
}

// lowStock is where a buyer is told that few pieces are left.
const lowStock = 3

// price puts present prices on the cart's lines and says what is amiss.
func price(ctx context.Context, shelf Shelf, user string, s cart.State) (Quote, error) {
	q := Quote{User: user, CartVersion: s.Revision}
	for _, line := range s.Lines {
		seen, err := Inspect(ctx, shelf, line)
		if err != nil {
			return Quote{}, err
		}
		q.Problems = append(q.Problems, seen.Problems...)
		q.Warnings = append(q.Warnings, seen.Warnings...)
		q.Lines = append(q.Lines, seen.Line)
		q.categories = append(q.categories, seen.Category)
		q.Total = money.Of(q.Total.Minor+seen.Line.Subtotal().Minor, seen.Line.Price.Currency)
	}
	return q, nil
}

// Inspected is a line of a cart beside what is on the shelf.
type Inspected struct {
	// Line is the line at the present price, Category that of its product.
	Line     cart.Line
	Category string
	// Problems keep it from being bought; Warnings the buyer should know.
	Problems, Warnings []Finding
}

// Inspect compares a line of a cart with the shelf.
func Inspect(ctx context.Context, shelf Shelf, line cart.Line) (Inspected, error) {
	offer, ok, err := shelf.Offer(ctx, line.SKU)
	if err != nil {
		return Inspected{}, err
	}
	seen := Inspected{Line: line, Category: offer.Category}
	name := line.Title
	if line.Variant != "" {
		name += " (" + line.Variant + ")"
	}
	switch {
	case ok && offer.Item.Price.Currency != line.Price.Currency:
		// One quote has one currency: that of the cart.
		seen.Problems = append(seen.Problems, Finding{"unavailable", line.SKU, name + " is now sold in " + offer.Item.Price.Currency + "; remove it from the cart."})
		return seen, nil
	case !ok || offer.Withdrawn:
		seen.Problems = append(seen.Problems, Finding{"unavailable", line.SKU, name + " is no longer sold; remove it from the cart."})
		return seen, nil
	case offer.Available < 1:
		seen.Problems = append(seen.Problems, Finding{"insufficient_stock", line.SKU, name + " is out of stock; remove it from the cart."})
	case offer.Available < line.Quantity:
		seen.Problems = append(seen.Problems, Finding{"insufficient_stock", line.SKU,
			fmt.Sprintf("Only %d of %s are left; set the quantity to %d or less.", offer.Available, name, offer.Available)})
	case offer.Available-line.Quantity < lowStock:
		seen.Warnings = append(seen.Warnings, Finding{"low_stock", line.SKU, fmt.Sprintf("Only %d of %s are left.", offer.Available, name)})
	}
	if offer.Item.Price != line.Price {
		seen.Warnings = append(seen.Warnings, Finding{"price_changed", line.SKU,
			fmt.Sprintf("%s now costs %s, it was %s when it was put into the cart.", name, offer.Item.Price, line.Price)})
	}
	seen.Line = cart.Line{Item: offer.Item, Quantity: line.Quantity}
	return seen, nil
}

var (
	// ErrQuote: no quote of this shop for this person.
	ErrQuote = errors.New("checkout: not a valid quote")
	// ErrQuoteExpired: the quote's time is over.
	ErrQuoteExpired = errors.New("checkout: the quote has expired")
	// ErrQuoteOutdated: the cart or a price changed since the quote.
	ErrQuoteOutdated = errors.New("checkout: the cart or a price changed since the quote")
	// ErrReviewFirst: where real money moves, a checkout needs a quote.
	ErrReviewFirst = errors.New("checkout: review the checkout first")
	// ErrMethod: the checkout names no payment method and there is no default.
	ErrMethod = errors.New("checkout: a payment method is needed")
)

// Busy is the refusal to buy a cart that another order is buying, or has bought
// and is about to take out.
type Busy struct{ Order string }

func (e *Busy) Error() string { return "checkout: order " + e.Order + " is buying the cart" }

// Blocked is the refusal to sell a cart with problems.
type Blocked struct{ Problems []Finding }

func (e *Blocked) Error() string {
	return fmt.Sprintf("checkout: %d items of the cart cannot be bought", len(e.Problems))
}
