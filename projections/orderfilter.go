package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"till/domain/order"
)

// filtered is whether the query asks for some of the orders only.
func (q OrderQuery) filtered() bool {
	return !q.From.IsZero() || !q.To.IsZero() || q.Stage != "" || len(split(q.Product)) > 0
}

// bought is what an order is found by: for each line its words, each with a blank
// before it, as a list in JSON. Words of two lines must not find an order together.
func bought(o order.State) string {
	lines := make([]string, len(o.Lines))
	for i, l := range o.Lines {
		var words strings.Builder
		for _, text := range []string{l.Title, l.Variant, l.Handle, l.SKU, l.Product} {
			for _, w := range wordsOf(text) {
				words.WriteString(" " + w)
			}
		}
		lines[i] = words.String()
	}
	text, err := json.Marshal(lines)
	if err != nil {
		return "[]" // texts always have JSON
	}
	return string(text)
}

// some fills a page with those of the person's orders that the query asks for. It
// walks along the same key as all of them do, so that an order which comes
// meanwhile moves nothing; what it passes over costs about a microsecond each.
func (r *Reader) some(ctx context.Context, q OrderQuery) (page OrderPage, err error) {
	where, args := []string{"h.user = ?"}, []any{q.User}
	and := func(condition string, arg any) { where, args = append(where, condition), append(args, arg) }
	if !q.From.IsZero() {
		and("h.placed >= ?", q.From.Unix())
	}
	if !q.To.IsZero() {
		and("h.placed <= ?", q.To.Unix())
	}
	if q.Stage != "" {
		and("o.stage = ?", string(q.Stage))
	}
	words := split(q.Product)
	for _, w := range words {
		and("instr(bought, ?) > 0", " "+w)
	}
	if len(words) > 1 { // all in one line, which only few need to be looked at for
		in := make([]string, len(words))
		for i, w := range words {
			in[i], args = "instr(value, ?) > 0", append(args, " "+w)
		}
		where = append(where, "EXISTS (SELECT 1 FROM json_each(bought) WHERE "+strings.Join(in, " AND ")+")")
	}
	matching := joined + strings.Join(where, " AND ")
	if page.Sums, page.Total, err = r.sums(ctx, matching, args); err != nil {
		return page, r.store.look(err)
	}
	last := int64(1) << 62
	scope := fmt.Sprintf("%q %d %d %q %q", q.User, q.From.Unix(), q.To.Unix(), words, q.Stage)
	if q.Cursor != "" {
		if err := uncursor(q.Cursor, "orders", scope, &last); err != nil {
			return OrderPage{}, err
		}
	}
	var ids []string
	limit, more := bound(q.Limit), false
	err = r.rows(ctx, `SELECT h.nth, h."order"`+matching+" AND h.nth < ? ORDER BY h.nth DESC LIMIT ?", append(args, last, limit+1), func(scan func(...any) error) error {
		if more = len(ids) == limit; more {
			return nil
		}
		ids = append(ids, "")
		return scan(&last, &ids[len(ids)-1])
	})
	if err != nil {
		return OrderPage{}, r.store.look(err)
	}
	if more {
		page.Next = cursor("orders", scope, last)
	}
	return page, r.fill(&page, ids)
}

// sums adds up what the orders cost that the end of a query selects, by currency,
// and counts them.
func (r *Reader) sums(ctx context.Context, matching string, args []any) (sums []OrderSum, total int, err error) {
	err = r.rows(ctx, "SELECT h.currency, count(*), sum(h.total), sum(o.paid_back)"+matching+" GROUP BY h.currency ORDER BY h.currency", args, func(scan func(...any) error) error {
		var s OrderSum
		if err := scan(&s.Total.Currency, &s.Orders, &s.Total.Minor, &s.PaidBack.Minor); err != nil {
			return err
		}
		s.PaidBack.Currency = s.Total.Currency
		sums, total = append(sums, s), total+s.Orders
		return nil
	})
	return sums, total, err
}

// fill reads the orders of a page.
func (r *Reader) fill(page *OrderPage, ids []string) error {
	for _, id := range ids {
		o, _, err := get(r, r.store.orders.aggregate, id)
		if err != nil {
			return err
		}
		page.Orders = append(page.Orders, o)
	}
	return nil
}
