package projections

import (
	"context"

	"till/domain/promotion"
)

// Code returns a discount code by its name as it is kept; the zero State when there
// is none.
func (r *Reader) Code(_ context.Context, name string) (promotion.State, error) {
	s, _, err := get(r, r.store.codes, name)
	return s, err
}

// Codes returns the names of all discount codes, ended ones too, in order.
func (v *Views) Codes(ctx context.Context) ([]string, error) {
	return v.ids(ctx, "SELECT id FROM codes ORDER BY id")
}
