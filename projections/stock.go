package projections

import (
	"errors"

	"till/domain/stock"
)

// newStocks is the view of what is left of each SKU. Each row also holds how
// many pieces are free, for the lists that ask only for what can be bought, and
// when its first reservation is due.
func newStocks() *stocks {
	a := newAggregate("stock", stock.Decider(), manyStates,
		column[stock.State]{"available INTEGER NOT NULL", func(_ string, s stock.State) any { return s.Available() }},
		column[stock.State]{"due INTEGER", firstDue})
	a.indexes = []string{"CREATE INDEX stock_due ON stock (due, id) WHERE due IS NOT NULL"}
	return a
}

// available is how many pieces of the SKU can be bought.
func (r *Reader) available(sku string) (int, error) {
	s, _, err := get(r, r.store.stock, sku)
	if errors.Is(err, ErrQuarantined) {
		return 0, nil // what cannot be counted is not sold; the rest of the shelf is
	}
	return max(0, s.Available()), err
}
