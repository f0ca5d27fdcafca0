package projections

import (
	"context"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
)

// Reader reads all views as they stand at one position.
type Reader struct{}

// At is the position that everything this reader says includes.
func (r *Reader) At() eventlog.Position { panic("unimplemented") }

// Cart returns a person's cart; the zero State and Version before its first event.
func (r *Reader) Cart(ctx context.Context, user string) (cart.State, decider.Version, error) {
	panic("unimplemented")
}

// Product finds a product by id, handle or SKU, in any case of letters; for a
// SKU, sku is the variant's as it is spelt, otherwise "". ok is false when
// there is none.
func (r *Reader) Product(ctx context.Context, ref string) (l Listing, sku string, ok bool, err error) {
	panic("unimplemented")
}

// Nearest returns the up to n products on offer whose names are most like the
// text.
func (r *Reader) Nearest(ctx context.Context, text string, n int) ([]Listing, error) {
	panic("unimplemented")
}

// Products lists or searches products. A cursor that is not one is ErrCursor.
func (r *Reader) Products(ctx context.Context, q ProductQuery) (ProductPage, error) {
	panic("unimplemented")
}

// Categories returns the categories on offer by name.
func (r *Reader) Categories(ctx context.Context) ([]CategoryCount, error) { panic("unimplemented") }

// Order returns an order of the person in any status; ok is false for another
// person's.
func (r *Reader) Order(ctx context.Context, user, id string) (o order.State, ok bool, err error) {
	panic("unimplemented")
}

// Orders returns the person's placed orders, newest first.
func (r *Reader) Orders(ctx context.Context, q OrderQuery) (OrderPage, error) { panic("unimplemented") }

// Offer implements checkout.Shelf.
func (r *Reader) Offer(ctx context.Context, sku string) (checkout.Offer, bool, error) {
	panic("unimplemented")
}
