// Package cart is what a person means to buy: lines of variants with the price
// each was last put in at. It reserves nothing and charges nothing.
package cart

import (
	"errors"
	"fmt"
	"slices"

	"till/domain/money"
)

// Bounds of a cart.
const (
	MaxQuantity = 99
	MaxLines    = 50
)

// Item is a variant as it is put into the cart: names and price are copied, so
// that the cart stays readable whatever becomes of the catalogue.
type Item struct {
	SKU     string       `json:"sku"`
	Product string       `json:"product"`
	Handle  string       `json:"handle"`
	Title   string       `json:"title"`
	Variant string       `json:"variant,omitempty"`
	Price   money.Amount `json:"price"`
}

// Line is an item and how many of it.
type Line struct {
	Item
	Quantity int `json:"quantity"`
}

// Subtotal is the line's price times its quantity.
func (l Line) Subtotal() money.Amount { return l.Price.Times(l.Quantity) }

// State is one person's cart.
type State struct {
	Lines []Line `json:"lines,omitempty"`
	// LastOrder is the order that last took lines out, kept until the cart
	// changes again: an agent that asks to check out an emptied cart is told.
	LastOrder string `json:"last_order,omitempty"`
	// Revision counts the changes of the lines and of the code. A quote is for one
	// revision.
	Revision uint64 `json:"revision,omitempty"`
	// Code is the discount code that the person means to use, if any. Whether it
	// holds shows when the cart is priced.
	Code string `json:"code,omitempty"`
	// Claim is the order that is buying the cart now, if any: while it stands no
	// other may, so that two quotes of one cart never become two orders.
	Claim string `json:"claim,omitempty"`
}

// Find returns the line with the SKU.
func (s State) Find(sku string) (Line, bool) {
	if i := s.index(sku); i >= 0 {
		return s.Lines[i], true
	}
	return Line{}, false
}

func (s State) index(sku string) int {
	return slices.IndexFunc(s.Lines, func(l Line) bool { return l.SKU == sku })
}

// Total is the sum of the lines; the zero Amount for an empty cart.
func (s State) Total() money.Amount {
	var total money.Amount
	for _, l := range s.Lines {
		total.Minor += l.Subtotal().Minor
		total.Currency = l.Price.Currency
	}
	return total
}

// Pieces is how many pieces the cart holds.
func (s State) Pieces() int {
	n := 0
	for _, l := range s.Lines {
		n += l.Quantity
	}
	return n
}

var (
	// ErrEmpty: there is nothing to check out.
	ErrEmpty = errors.New("cart: the cart is empty")
	// ErrNotInCart: the product is known, but no line holds it.
	ErrNotInCart = errors.New("cart: not in the cart")
	// ErrTooManyLines: MaxLines are reached.
	ErrTooManyLines = fmt.Errorf("cart: at most %d different items", MaxLines)
	// ErrCurrency: the cart already holds items in another currency.
	ErrCurrency = errors.New("cart: items of two currencies in one cart")
)

// ErrChanged: the lines are no longer those of the revision.
var ErrChanged = errors.New("cart: the cart has changed")

// Claimed is the refusal to let a second order buy the cart.
type Claimed struct{ Order string }

func (e *Claimed) Error() string { return "cart: order " + e.Order + " is buying the cart" }

// Quantity is the refusal of a quantity outside 1 to MaxQuantity.
type Quantity struct {
	// Asked is the quantity of the command, Has what the line held before.
	Asked, Has int
}

func (e *Quantity) Error() string {
	if e.Has > 0 {
		return fmt.Sprintf("cart: %d more than the %d in the cart; a line holds 1 to %d", e.Asked, e.Has, MaxQuantity)
	}
	return fmt.Sprintf("cart: the quantity %d is not between 1 and %d", e.Asked, MaxQuantity)
}
