package projections

import (
	"context"
	"errors"
	"time"

	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/stock"
)

// underWay is when a purchase began that is not at its end, in milliseconds.
func underWay(_ string, o order.State) any {
	if !o.Open() {
		return nil
	}
	return o.StartedAt.UnixMilli()
}

// unpaid is when the first refund that is not at its end came to be due, in
// milliseconds.
func unpaid(_ string, o order.State) any {
	for _, r := range o.Refunds {
		if r.Status == order.Due {
			return r.Since.UnixMilli()
		}
	}
	return nil
}

// firstDue is when the first reservation of a SKU is to be looked after, in
// milliseconds.
func firstDue(_ string, s stock.State) any {
	var first any
	for _, r := range s.Reserved {
		if at := r.Until.UnixMilli(); first == nil || at < first.(int64) {
			first = at
		}
	}
	return first
}

// OpenOrders returns up to n purchases that began before the time and are not
// at their end, the oldest first.
func (v *Views) OpenOrders(ctx context.Context, before time.Time, n int) ([]string, error) {
	return v.ids(ctx, `SELECT id FROM orders WHERE open_since IS NOT NULL AND open_since < ? ORDER BY open_since, id LIMIT ?`, before.UnixMilli(), n)
}

// DueRefunds returns up to n orders with a refund that came to be due before the
// time and is not at its end, the oldest first.
func (v *Views) DueRefunds(ctx context.Context, before time.Time, n int) ([]string, error) {
	return v.ids(ctx, `SELECT id FROM orders WHERE refund_since IS NOT NULL AND refund_since < ? ORDER BY refund_since, id LIMIT ?`, before.UnixMilli(), n)
}

// Overdue is a reservation whose time is over.
type Overdue struct {
	SKU, Reservation string
	// Position is that of the last event of the SKU.
	Position eventlog.Position
}

// OverdueReservations returns the reservations of up to n SKUs that should have
// ended before the time.
func (v *Views) OverdueReservations(ctx context.Context, before time.Time, n int) ([]Overdue, error) {
	skus, err := v.ids(ctx, `SELECT id FROM stock WHERE due IS NOT NULL AND due < ? ORDER BY due, id LIMIT ?`, before.UnixMilli(), n)
	if err != nil {
		return nil, err
	}
	var all []Overdue
	for _, sku := range skus {
		state, version, err := v.State(ctx, eventlog.Stream{Category: stock.Category, ID: sku})
		if errors.Is(err, ErrQuarantined) {
			continue // the others are looked after all the same
		}
		if err != nil {
			return nil, err
		}
		s, _ := state.(stock.State)
		for id, r := range s.Reserved {
			if r.Until.Before(before) {
				all = append(all, Overdue{sku, id, version.Position})
			}
		}
	}
	return all, nil
}

// ids returns the ids that a query selects.
func (v *Views) ids(ctx context.Context, query string, args ...any) (ids []string, err error) {
	err = v.with(ctx, func(_ *store, c *conn) error {
		return c.rows(ctx, query, args, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	return ids, err
}
