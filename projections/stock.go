package projections

import (
	"errors"

	"till/domain/eventlog"
	"till/domain/stock"
)

// stocks is the view of what is left of each SKU. Each row also holds how
// many pieces are free, for the lists that ask only for what can be bought, and
// when its first reservation is due.
//
// Lists also want to know which SKUs have come into or gone out of stock, which is
// far rarer than that their number changes.
type stocks struct {
	*aggregate[stock.State, stock.Event]
	crossed []string
	journal journal
}

func newStocks() *stocks {
	a := newAggregate("stock", stock.Decider(), manyStates,
		column[stock.State]{"available INTEGER NOT NULL", func(_ string, s stock.State) any { return s.Available() }},
		column[stock.State]{"due INTEGER", firstDue})
	a.indexes = []string{"CREATE INDEX stock_due ON stock (due, id) WHERE due IS NOT NULL"}
	s := &stocks{aggregate: a}
	a.noticed = func(id string, before, after stock.State, _ eventlog.Position) {
		if (before.Available() > 0) != (after.Available() > 0) {
			s.crossed = append(s.crossed, id)
		}
	}
	return s
}

func (s *stocks) write(c *conn, at eventlog.Position, live bool) error {
	s.journal.add(at, s.crossed...)
	return s.aggregate.write(c, at, live)
}

func (s *stocks) settle() {
	s.aggregate.settle()
	s.crossed = s.crossed[:0]
}

// available is how many pieces of the SKU can be bought.
func (r *Reader) available(sku string) (int, error) {
	s, _, err := get(r, r.store.stock.aggregate, sku)
	if errors.Is(err, ErrQuarantined) {
		return 0, nil // what cannot be counted is not sold; the rest of the shelf is
	}
	return max(0, s.Available()), err
}
