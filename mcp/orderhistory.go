package mcp

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"till/domain/order"
	"till/projections"
)

// linesShort is how many lines of an order the history tells; ordersTold is how
// many orders are also written out for people.
const (
	linesShort = 3
	ordersTold = 5
)

// orderPage is a page of the person's history.
type orderPage struct {
	Orders []orderShort `json:"orders"`
	Total  int          `json:"total"`
	// Sums are what all that match cost, not only this page's.
	Sums       []orderSum `json:"sums"`
	NextCursor string     `json:"next_cursor,omitempty"`
	NextSteps  []string   `json:"next_steps"`
	included
}

// orderSum is what orders of one currency cost, and what was paid back of that.
type orderSum struct {
	Orders   int   `json:"orders"`
	Total    price `json:"total"`
	Refunded price `json:"refunded"`
}

// orderShort is an order in the history.
type orderShort struct {
	OrderID  string   `json:"order_id"`
	Status   string   `json:"status"`
	PlacedAt string   `json:"placed_at"`
	Total    price    `json:"total"`
	Pieces   int      `json:"pieces"`
	Items    []string `json:"items"`
	More     int      `json:"more_items,omitempty"`
	// CanReorder is whether at least one line can be bought now.
	CanReorder bool `json:"can_reorder"`
	CanCancel  bool `json:"can_cancel"`
	CanReturn  bool `json:"can_return"`
}

func historyTool() tool {
	return tool{
		name: "get_order_history", title: "Order history",
		about: "Use this when the person asks what they bought before, or for the order_id of a purchase. Example: {\"product\": \"catnip mouse\", \"from\": \"2026-11-01\"}. Returns their placed orders, newest first, with a cursor for more.",
		args: []argument{
			{name: "limit", kind: integer, least: 1, most: pageMax, fallback: pageOf, about: "Orders per page.", also: []string{"number_of_orders"}},
			{name: "cursor", kind: text, most: 1000, about: "next_cursor of the page before."},
			{name: "from", kind: text, most: 40, about: "Placed on or after this date or time.", example: "2026-11-01", also: []string{"since", "from_date"}},
			{name: "to", kind: text, most: 40, about: "Placed on or before it.", example: "2026-11-30", also: []string{"until", "to_date"}},
			{name: "status", kind: text, oneOf: stages(), about: "Only orders that stand there.", example: "delivered"},
			{name: "product", kind: text, most: 100, about: "Only orders with it: words of its title, handle or SKU.", example: "catnip mouse", also: []string{"query"}},
		},
		output: orderPage{}, reads: true, past: true, time: readTime, run: orderHistory,
	}
}

func orderHistory(ctx context.Context, c *call) (answer, error) {
	page := &orderPage{Orders: []orderShort{}}
	q, err := c.orderQuery()
	if err != nil {
		return answer{}, err
	}
	now, err := c.moment(ctx)
	if err != nil {
		return answer{}, err
	}
	err = c.read(ctx, func(r *projections.Reader) error {
		found, err := r.Orders(ctx, q)
		if err != nil {
			return err
		}
		page.Total, page.NextCursor = found.Total, c.goesOn(found.Next)
		page.Orders, page.Sums = make([]orderShort, 0, len(found.Orders)), []orderSum{}
		for _, s := range found.Sums {
			page.Sums = append(page.Sums, orderSum{s.Orders, priced(s.Total), priced(s.PaidBack)})
		}
		shelf := buyable{}
		for _, o := range found.Orders {
			short := shortOf(o, now)
			if short.CanReorder, err = shelf.any(ctx, r, o); err != nil {
				return err
			}
			page.Orders = append(page.Orders, short)
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	which := c.ordersAsked()
	page.NextSteps = []string{"get_order with an order_id for all its lines", "reorder with an order_id to buy it again"}
	if page.NextCursor != "" {
		older := "call again with next_cursor for older ones"
		if which != "" {
			older = "call again with next_cursor and the same other arguments for older ones"
		}
		page.NextSteps = append(page.NextSteps, older)
	}
	if page.Total == 0 && which != "" {
		page.NextSteps = []string{"get_order_history without from, to, status or product, or with other ones"}
		return answer{"There are no orders" + which + ".", page}, nil
	}
	if page.Total == 0 {
		page.NextSteps = []string{"search_products to find something to buy"}
		return answer{"There are no orders yet.", page}, nil
	}
	var t strings.Builder
	fmt.Fprintf(&t, "%d of %s%s, newest first.", len(page.Orders), counted(page.Total, "order"), which)
	for _, s := range page.Sums {
		fmt.Fprintf(&t, " In all %s", s.Total.Display)
		if s.Refunded.Amount > 0 {
			fmt.Fprintf(&t, ", of which %s were paid back", s.Refunded.Display)
		}
		t.WriteString(".")
	}
	for _, o := range page.Orders[:min(ordersTold, len(page.Orders))] {
		t.WriteString("\n" + o.OrderID + ", " + o.PlacedAt + ", " + worded(o.Status) + ", " + o.Total.Display + ": " + strings.Join(o.Items, ", "))
		if o.More > 0 {
			t.WriteString(" and more")
		}
	}
	return answer{t.String(), page}, nil
}

// stages are where placed orders stand, as words of the filter.
func stages() (words []string) {
	for _, s := range order.Stages() {
		words = append(words, string(s))
	}
	return words
}

func shortOf(o order.State, now time.Time) orderShort {
	s := orderShort{OrderID: o.ID, Status: string(o.Stage()), PlacedAt: stamp(o.PlacedAt), Total: priced(o.Total), Items: make([]string, 0, linesShort),
		CanCancel: o.CanCancel(), CanReturn: o.CanReturn(now)}
	for i, l := range o.Lines {
		s.Pieces += l.Quantity
		if i < linesShort {
			s.Items = append(s.Items, strconv.Itoa(l.Quantity)+" × "+clip(nameOf(l.Item), 60))
		}
	}
	s.More = max(0, len(o.Lines)-linesShort)
	return s
}

// orderQuery is what the arguments ask for.
func (c *call) orderQuery() (q projections.OrderQuery, err error) {
	q = projections.OrderQuery{User: c.caller.User, Limit: c.number("limit"), Cursor: c.text("cursor"), Product: c.text("product"), Stage: order.Stage(c.text("status"))}
	if q.From, err = c.time("from", 0); err != nil {
		return q, err
	}
	if q.To, err = c.time("to", 24*time.Hour-time.Second); err != nil {
		return q, err
	}
	if c.given("from") && c.given("to") && q.From.After(q.To) {
		return q, invalid("from", "from must not be after to: from is %s and to is %s.", stamp(q.From), stamp(q.To))
	}
	if c.given("product") && !hasWords(q.Product) {
		// Not all orders: whoever asked would take them for matches.
		return q, invalid("product", "product must hold words of a product, such as \"catnip mouse\"; leave it out for all orders.")
	}
	return q, nil
}

// time reads a time, or a day, of which so much counts. Without a zone it is UTC,
// as the answers are.
func (c *call) time(name string, ofDay time.Duration) (time.Time, error) {
	word := c.text(name)
	if word == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, word); err == nil {
		return day.Add(ofDay), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, word); err == nil {
			return t.UTC(), nil
		}
	}
	p := invalid(name, "%s must be a date (2026-11-20) or a time (2026-11-20T10:00:00Z); it was %s.", name, quote(word))
	p.Allowed, p.Example = "a date or a time of RFC 3339", "2026-11-20"
	return time.Time{}, p
}

// ordersAsked says which orders were asked for, "" for all.
func (c *call) ordersAsked() string {
	var t strings.Builder
	if status := c.text("status"); status != "" {
		t.WriteString(" with status " + worded(status))
	}
	if product := c.text("product"); product != "" {
		t.WriteString(" with " + quote(product))
	}
	if from := c.text("from"); from != "" {
		t.WriteString(" from " + clip(from, 40))
	}
	if to := c.text("to"); to != "" {
		t.WriteString(" to " + clip(to, 40))
	}
	return t.String()
}

// buyable is which SKUs can be bought now, as far as they were asked for: people
// buy the same things again, so a page asks for few.
type buyable map[string]bool

// any is whether at least one line of the order can be bought.
func (b buyable) any(ctx context.Context, r *projections.Reader, o order.State) (bool, error) {
	for _, l := range o.Lines {
		can, known := b[l.SKU]
		if !known {
			offer, ok, err := offerOf(ctx, r, l.SKU)
			if err != nil {
				return false, err
			}
			can = ok && !offer.Withdrawn && offer.Available > 0
			b[l.SKU] = can
		}
		if can {
			return true, nil
		}
	}
	return false, nil
}
