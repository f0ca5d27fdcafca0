// Package projections folds the log into views that answer questions: carts,
// orders, the catalogue with its search, stock, grants, commands. It decides
// nothing and writes nothing to the log.
package projections

import (
	"context"
	"errors"

	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
)

// Views are all views of one shop, standing at one position.
type Views struct{}

// ErrCursor: the cursor is not one that a page of this query gave out.
var ErrCursor = errors.New("projections: not a cursor of this list")

// Read waits until the views include the position and calls fn with a reader
// that stays at one moment until fn returns.
func (v *Views) Read(ctx context.Context, at eventlog.Position, fn func(*Reader) error) error {
	panic("unimplemented")
}

// Offer implements checkout.Shelf at the newest position.
func (v *Views) Offer(ctx context.Context, sku string) (checkout.Offer, bool, error) {
	panic("unimplemented")
}

// State implements decider.Source.
func (v *Views) State(ctx context.Context, s eventlog.Stream) (any, decider.Version, error) {
	panic("unimplemented")
}

// Command implements decider.Source.
func (v *Views) Command(ctx context.Context, id string) (decider.Receipt, bool, error) {
	panic("unimplemented")
}

// Wait implements decider.Source.
func (v *Views) Wait(ctx context.Context, at eventlog.Position) error { panic("unimplemented") }

// Check implements decider.Source.
func (v *Views) Check() error { panic("unimplemented") }
