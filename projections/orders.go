package projections

import (
	"context"
	"fmt"

	"till/domain/eventlog"
	"till/domain/order"
)

// orders is the view of purchases, and of each person's history of placed
// orders: numbered from 1 in the order in which they were placed, so that a
// page is one walk along a key and the count is the last number.
type orders struct {
	*aggregate[order.State, order.Event]
	placed []placing
	counts map[string]int64
}

type placing struct {
	user  string
	nth   int64
	order string
}

func newOrders() *orders {
	a := newAggregate("orders", order.Decider(), manyStates, column[order.State]{"open_since INTEGER", underWay})
	a.indexes = []string{"CREATE INDEX orders_open ON orders (open_since, id) WHERE open_since IS NOT NULL"}
	return &orders{aggregate: a, counts: map[string]int64{}}
}

func (o *orders) schema() []string {
	return append(o.aggregate.schema(),
		`CREATE TABLE history (user TEXT NOT NULL, nth INTEGER NOT NULL, "order" TEXT NOT NULL, PRIMARY KEY (user, nth)) WITHOUT ROWID`)
}

func (o *orders) take(c *conn, f fact) error {
	r, err := o.fold(c, f)
	if err != nil {
		return err
	}
	if _, ok := f.value.(order.OrderPlaced); !ok {
		return nil
	}
	n, known := o.counts[r.state.User]
	if !known {
		if _, err := c.row("SELECT nth FROM history WHERE user = ? ORDER BY nth DESC LIMIT 1", []any{r.state.User}, &n); err != nil {
			return err
		}
	}
	n++
	o.counts[r.state.User] = n
	o.placed = append(o.placed, placing{r.state.User, n, r.id})
	return nil
}

func (o *orders) write(c *conn, at eventlog.Position, live bool) error {
	if err := o.aggregate.write(c, at, live); err != nil {
		return err
	}
	for _, p := range o.placed {
		if err := c.exec("INSERT INTO history VALUES (?, ?, ?)", p.user, p.nth, p.order); err != nil {
			return fmt.Errorf("projections: write history: %w", err)
		}
	}
	return nil
}

func (o *orders) settle() {
	o.aggregate.settle()
	o.placed = o.placed[:0]
	if len(o.counts) > working {
		clear(o.counts)
	}
}

// Order returns an order of the person in any status; ok is false for another
// person's.
func (r *Reader) Order(_ context.Context, user, id string) (o order.State, ok bool, err error) {
	o, v, err := get(r, r.store.orders.aggregate, id)
	if err != nil || v.Number == 0 || o.User != user {
		return order.State{}, false, err
	}
	return o, true, nil
}

// Orders returns the person's placed orders, newest first.
func (r *Reader) Orders(ctx context.Context, q OrderQuery) (OrderPage, error) {
	before := int64(1) << 62
	if q.Cursor != "" {
		if err := uncursor(q.Cursor, "orders", q.User, &before); err != nil {
			return OrderPage{}, err
		}
	}
	limit := bound(q.Limit)
	var page OrderPage
	var ids []string
	var last int64
	err := r.conn.rows(ctx, `SELECT nth, "order" FROM history WHERE user = ? AND nth < ? ORDER BY nth DESC LIMIT ?`,
		[]any{q.User, before, limit}, func(scan func(...any) error) error {
			var id string
			if err := scan(&last, &id); err != nil {
				return err
			}
			if len(ids) == 0 && q.Cursor == "" {
				page.Total = int(last) // the newest one's number is the count
			}
			ids = append(ids, id)
			return nil
		})
	if err != nil {
		return OrderPage{}, r.store.look(err)
	}
	if q.Cursor != "" {
		if _, err := r.conn.row("SELECT nth FROM history WHERE user = ? ORDER BY nth DESC LIMIT 1", []any{q.User}, &page.Total); err != nil {
			return OrderPage{}, r.store.look(err)
		}
	}
	for _, id := range ids {
		o, _, err := get(r, r.store.orders.aggregate, id)
		if err != nil {
			return OrderPage{}, err
		}
		page.Orders = append(page.Orders, o)
	}
	if last > 1 {
		page.Next = cursor("orders", q.User, last)
	}
	return page, nil
}

// bound is the length of a page for the limit that was asked for.
func bound(limit int) int {
	switch {
	case limit <= 0:
		return 10
	case limit > 50:
		return 50
	}
	return limit
}
