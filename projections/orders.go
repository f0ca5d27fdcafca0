package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
)

// orders is the view of purchases, and of each person's history of placed
// orders: numbered from 1 in the order in which they were placed, so that a
// page is one walk along a key and the count is the last number.
type orders struct {
	*aggregate[order.State, order.Event]
	placed []placing
	counts map[string]int64
	// newest are the newest orders of people who asked, for the first page.
	newest *cache
	// refunded are people who got money back since the last write.
	refunded []string
	// sold are pieces that went out since the last write, or came back.
	sold []sale
}

// sale is pieces of a product that an order took; fewer than none came back.
type sale struct {
	order, product string
	pieces         int
}

// first is how many of a person's newest orders are held in memory: the longest
// page.
const first = 50

// latest are a person's newest orders, the newest first, and how many there are
// in all and what they cost.
type latest struct {
	ids   []string
	total int
	sums  []OrderSum
}

// with is the same after one more order. A write that failed is done again, so
// an order that is counted already changes nothing.
func (l latest) with(p placing) latest {
	if p.nth <= int64(l.total) {
		return l
	}
	ids := append([]string{p.order}, l.ids...)
	return latest{ids[:min(first, len(ids))], int(p.nth), plus(l.sums, p.total)}
}

// plus is the sums with one more order.
func plus(sums []OrderSum, cost money.Amount) []OrderSum {
	sums = slices.Clone(sums)
	i, there := slices.BinarySearchFunc(sums, cost.Currency, func(s OrderSum, c string) int { return cmp.Compare(s.Total.Currency, c) })
	if !there {
		sums = slices.Insert(sums, i, OrderSum{Total: money.Of(0, cost.Currency), PaidBack: money.Of(0, cost.Currency)})
	}
	sums[i].Orders++
	sums[i].Total.Minor += cost.Minor
	return sums
}

type placing struct {
	user  string
	nth   int64
	order string
	// placed is when, in seconds as people are told it; bought is what it holds.
	placed int64
	bought string
	total  money.Amount
}

func newOrders() *orders {
	a := newAggregate("orders", order.Decider(), manyStates,
		column[order.State]{"open_since INTEGER", underWay}, column[order.State]{"refund_since INTEGER", unpaid},
		column[order.State]{"stage TEXT", stageOf}, column[order.State]{"placed INTEGER", placedAt}, column[order.State]{"paid_back INTEGER NOT NULL", paidBack})
	a.version = 6 // an order is found by every word of its titles
	a.indexes = []string{
		"CREATE INDEX orders_open ON orders (open_since, id) WHERE open_since IS NOT NULL",
		"CREATE INDEX orders_refund ON orders (refund_since, id) WHERE refund_since IS NOT NULL",
		"CREATE INDEX orders_stage ON orders (stage, placed, id) WHERE stage IS NOT NULL",
		// What a history asks of each of its orders, without reading the states: a walk
		// along 10,000 orders takes 8 ms instead of 19.
		"CREATE INDEX orders_stand ON orders (id, stage, paid_back) WHERE stage IS NOT NULL",
	}
	return &orders{aggregate: a, counts: map[string]int64{}, newest: newCache(fewStates)}
}

// stageOf and placedAt are those of a placed order, nothing of any other.
func stageOf(_ string, o order.State) any {
	if o.Status != order.Placed {
		return nil
	}
	return string(o.Stage())
}

func placedAt(_ string, o order.State) any {
	if o.Status != order.Placed {
		return nil
	}
	return o.PlacedAt.UnixMilli()
}

// paidBack is what the buyer has got back, in the order's currency.
func paidBack(_ string, o order.State) any { return o.PaidBack().Minor }

func (o *orders) about() about {
	return about{o.table, o.version, []string{o.table, "history", "sales"}}
}

func (o *orders) schema() []string {
	return append(o.aggregate.schema(),
		`CREATE TABLE history (user TEXT NOT NULL, nth INTEGER NOT NULL, "order" TEXT NOT NULL, placed INTEGER NOT NULL,
			bought TEXT NOT NULL, total INTEGER NOT NULL, currency TEXT NOT NULL, PRIMARY KEY (user, nth)) WITHOUT ROWID`,
		// How many pieces of each product all placed orders hold, and people kept.
		`CREATE TABLE sales (product TEXT PRIMARY KEY, pieces INTEGER NOT NULL) WITHOUT ROWID`)
}

func (o *orders) take(c *conn, f fact) error {
	r, err := o.fold(c, f)
	if err != nil {
		return err
	}
	switch e := f.value.(type) {
	case order.OrderPlaced:
		o.sells(r.id, r.state.Lines, 1)
	case order.OrderCancelled:
		o.sells(r.id, r.state.Lines, -1)
		return nil
	case order.ReturnReceived:
		o.sells(r.id, returned(r.state, e.Return), -1)
		return nil
	case order.OrderRefunded:
		o.refunded = append(o.refunded, r.state.User)
		return nil
	default:
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
	o.placed = append(o.placed, placing{r.state.User, n, r.id, r.state.PlacedAt.Unix(), bought(r.state), r.state.Total})
	return nil
}

func (o *orders) write(c *conn, at eventlog.Position, live bool) error {
	if err := o.aggregate.write(c, at, live); err != nil {
		return err
	}
	o.newest.update(at, func(change func(string, func(held) held)) {
		for _, p := range o.placed {
			change(p.user, func(h held) held {
				return held{h.state.(latest).with(p), decider.Version{Position: at}}
			})
		}
	})
	if len(o.refunded) > 0 {
		o.newest.lose(at, o.refunded) // what they cost is read again
	}
	for _, p := range o.placed {
		if err := c.exec("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)", p.user, p.nth, p.order, p.placed, p.bought, p.total.Minor, p.total.Currency); err != nil {
			return fmt.Errorf("projections: write history: %w", err)
		}
	}
	return o.count(c)
}

// sells notes that the order's lines went out, or came back.
func (o *orders) sells(id string, lines []cart.Line, sign int) {
	for _, l := range lines {
		o.sold = append(o.sold, sale{id, l.Product, sign * l.Quantity})
	}
}

// returned are the lines of an order that came back with a return.
func returned(s order.State, id string) (lines []cart.Line) {
	ret, _ := s.FindReturn(id)
	for _, back := range ret.Lines {
		for _, l := range s.Lines {
			if l.SKU == back.SKU {
				lines = append(lines, cart.Line{Item: l.Item, Quantity: back.Quantity})
			}
		}
	}
	return lines
}

// count adds what was sold to the sales, each product once.
func (o *orders) count(c *conn) error {
	pieces := map[string]int{}
	for _, s := range o.sold {
		pieces[s.product] += s.pieces
	}
	for _, product := range slices.Sorted(maps.Keys(pieces)) {
		if err := c.exec("INSERT INTO sales VALUES (?, ?) ON CONFLICT (product) DO UPDATE SET pieces = pieces + excluded.pieces", product, pieces[product]); err != nil {
			return fmt.Errorf("projections: write sales: %w", err)
		}
	}
	return nil
}

// drop implements view. The person's later orders of this write move up.
func (o *orders) drop(id string, at eventlog.Position) {
	o.aggregate.drop(id, at)
	o.newest.forget(at)
	o.sold = slices.DeleteFunc(o.sold, func(s sale) bool { return s.order == id })
	i := slices.IndexFunc(o.placed, func(p placing) bool { return p.order == id })
	if i < 0 {
		return
	}
	gone := o.placed[i]
	o.placed = slices.Delete(o.placed, i, i+1)
	for j := range o.placed {
		if o.placed[j].user == gone.user && o.placed[j].nth > gone.nth {
			o.placed[j].nth--
		}
	}
	o.counts[gone.user]--
}

// owner is whose order it is, "" if the projector does not have it at hand.
func (o *orders) owner(id string) string {
	if r := o.rows[id]; r != nil {
		return r.state.User
	}
	return ""
}

func (o *orders) settle() {
	o.aggregate.settle()
	o.placed, o.refunded, o.sold = o.placed[:0], o.refunded[:0], o.sold[:0]
	if len(o.counts) > working {
		clear(o.counts)
	}
}

// Order returns an order of the person in any status; ok is false for another
// person's.
func (r *Reader) Order(_ context.Context, user, id string) (o order.State, ok bool, err error) {
	o, v, err := get(r, r.store.orders.aggregate, id)
	var aside *Quarantined
	if errors.As(err, &aside) && aside.User != user {
		return order.State{}, false, nil // as of any other that is not theirs
	}
	if err != nil || v.Number == 0 || o.User != user {
		return order.State{}, false, err
	}
	return o, true, nil
}

// Orders returns the person's placed orders, newest first. A cursor that is not one
// of this query is ErrCursor.
func (r *Reader) Orders(ctx context.Context, q OrderQuery) (OrderPage, error) {
	newest, err := r.latest(ctx, q.User)
	if barred := r.store.barredOf(q.User); barred != nil {
		err = barred
	}
	if err != nil {
		return OrderPage{}, err
	}
	if q.filtered() {
		return r.some(ctx, q)
	}
	page, last, limit := OrderPage{Total: newest.total, Sums: newest.sums}, int64(newest.total)+1, bound(q.Limit)
	ids := newest.ids[:min(limit, len(newest.ids))]
	if q.Cursor != "" {
		if err := uncursor(q.Cursor, "orders", q.User, &last); err != nil {
			return OrderPage{}, err
		}
		if ids, err = r.placed(ctx, q.User, last, limit); err != nil {
			return OrderPage{}, err
		}
	}
	if err := r.fill(&page, ids); err != nil {
		return OrderPage{}, err
	}
	// They are numbered without a gap, so the last one's number is known.
	if last = min(last, int64(newest.total)+1) - int64(len(ids)); last > 1 {
		page.Next = cursor("orders", q.User, last)
	}
	return page, nil
}

// PlacedOrders returns up to n placed orders of all people, the newest first; of one
// stage, or of any for "". An order that is set aside is left out.
func (v *Views) PlacedOrders(ctx context.Context, stage order.Stage, n int) (found []order.State, err error) {
	stages := order.Stages()
	if stage != "" {
		stages = []order.Stage{stage}
	}
	err = v.Read(ctx, 0, func(r *Reader) error {
		found = nil
		for _, s := range stages { // each is one walk along a key
			var ids []string
			err := r.rows(ctx, "SELECT id FROM orders WHERE stage = ? ORDER BY placed DESC, id LIMIT ?", []any{string(s), n}, func(scan func(...any) error) error {
				ids = append(ids, "")
				return scan(&ids[len(ids)-1])
			})
			if err != nil {
				return r.store.look(err)
			}
			for _, id := range ids {
				o, _, err := get(r, r.store.orders.aggregate, id)
				if errors.Is(err, ErrQuarantined) {
					continue
				}
				if err != nil {
					return err
				}
				found = append(found, o)
			}
		}
		return nil
	})
	slices.SortStableFunc(found, func(a, b order.State) int { return cmp.Or(b.PlacedAt.Compare(a.PlacedAt), cmp.Compare(a.ID, b.ID)) })
	return found[:min(n, len(found))], err
}

// joined are a person's orders and how they stand.
const joined = ` FROM history h CROSS JOIN orders o INDEXED BY orders_stand ON o.id = h."order" AND o.stage IS NOT NULL WHERE `

// latest returns the person's newest orders.
func (r *Reader) latest(ctx context.Context, user string) (latest, error) {
	known := r.store.orders.newest
	if h, ok := r.recall(known, user); ok {
		return h.state.(latest), nil
	}
	var l latest
	var err error
	if l.sums, l.total, err = r.sums(ctx, joined+"h.user = ?", []any{user}); err != nil {
		return l, r.store.look(err)
	}
	l.ids, err = r.placed(ctx, user, int64(l.total)+1, first)
	if err == nil {
		// The person's last order may be older than this moment, but not newer.
		known.learn(user, held{l, decider.Version{Position: r.at}}, r.at)
	}
	return l, err
}

// placed returns the person's orders before the one with that number, the
// newest first.
func (r *Reader) placed(ctx context.Context, user string, before int64, most int) (ids []string, err error) {
	// A walk along a key of at most a page is not worth a goroutine that could
	// break it off, which is what the driver pays for a context that can end.
	err = r.rows(context.WithoutCancel(ctx), `SELECT "order" FROM history WHERE user = ? AND nth < ? ORDER BY nth DESC LIMIT ?`,
		[]any{user, before, most}, func(scan func(...any) error) error {
			ids = append(ids, "")
			return scan(&ids[len(ids)-1])
		})
	return ids, r.store.look(err)
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
