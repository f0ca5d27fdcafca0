package mcp

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"till/domain/cart"
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
	Orders     []orderShort `json:"orders"`
	Total      int          `json:"total"`
	NextCursor string       `json:"next_cursor,omitempty"`
	NextSteps  []string     `json:"next_steps"`
	included
}

// orderShort is an order in the history.
type orderShort struct {
	OrderID  string   `json:"order_id"`
	PlacedAt string   `json:"placed_at"`
	Total    price    `json:"total"`
	Pieces   int      `json:"pieces"`
	Items    []string `json:"items"`
	More     int      `json:"more_items,omitempty"`
}

// orderDetail is one purchase in full.
type orderDetail struct {
	OrderID   string     `json:"order_id"`
	Status    string     `json:"status" one:"started|paying|payment_pending|payment_declined|failed|placed"`
	PlacedAt  string     `json:"placed_at,omitempty"`
	StartedAt string     `json:"started_at"`
	Lines     []cartLine `json:"lines"`
	Omitted   int        `json:"lines_omitted,omitempty"`
	Pieces    int        `json:"pieces"`
	Total     price      `json:"total"`
	Payment   string     `json:"payment,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// orderAnswer is what get_order answers.
type orderAnswer struct {
	orderDetail
	NextSteps []string `json:"next_steps"`
	included
}

var orderArgument = argument{
	name: "order_id", kind: text, most: 60, required: true, example: "CS-7K3M9-Q2X4T",
	about: "As checkout or get_order_history gave it.", also: []string{"order", "id", "number"},
}

func (s *Server) orderTools() []tool {
	return []tool{
		{
			name: "get_order_history", title: "Order history",
			about: "Use this when the person asks what they bought before, or for the order_id of a purchase. Example: {\"limit\": 5}. Returns their placed orders, newest first, with a cursor for more.",
			args: []argument{
				{name: "limit", kind: integer, least: 1, most: pageMax, fallback: pageOf, about: "Orders per page.", also: []string{"number_of_orders"}},
				{name: "cursor", kind: text, most: 1000, about: "next_cursor of the page before."},
			},
			output: orderPage{}, reads: true, past: true, time: readTime, run: orderHistory,
		},
		{
			name: "get_order", title: "Look at an order",
			about:  "Use this when the person asks about one order, or to see how a pending payment went. Example: {\"order_id\": \"CS-7K3M9-Q2X4T\"}. Returns its status, lines, total and payment.",
			args:   []argument{orderArgument},
			output: orderAnswer{}, reads: true, past: true, time: readTime, run: getOrder,
		},
		explainOrderTool(),
	}
}

func orderHistory(ctx context.Context, c *call) (answer, error) {
	page := &orderPage{Orders: []orderShort{}}
	err := c.read(ctx, func(r *projections.Reader) error {
		found, err := r.Orders(ctx, projections.OrderQuery{User: c.caller.User, Limit: c.number("limit"), Cursor: c.text("cursor")})
		if err != nil {
			return err
		}
		page.Total, page.NextCursor = found.Total, c.goesOn(found.Next)
		page.Orders = make([]orderShort, 0, len(found.Orders))
		for _, o := range found.Orders {
			page.Orders = append(page.Orders, shortOf(o))
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	page.NextSteps = []string{"get_order with an order_id for all its lines"}
	if page.NextCursor != "" {
		page.NextSteps = append(page.NextSteps, "call again with next_cursor for older ones")
	}
	if page.Total == 0 {
		page.NextSteps = []string{"search_products to find something to buy"}
		return answer{"There are no orders yet.", page}, nil
	}
	var t strings.Builder
	fmt.Fprintf(&t, "%d of %s, newest first.", len(page.Orders), counted(page.Total, "order"))
	for _, o := range page.Orders[:min(ordersTold, len(page.Orders))] {
		t.WriteString("\n" + o.OrderID + ", " + o.PlacedAt + ", " + o.Total.Display + ": " + strings.Join(o.Items, ", "))
		if o.More > 0 {
			t.WriteString(" and more")
		}
	}
	return answer{t.String(), page}, nil
}

func shortOf(o order.State) orderShort {
	s := orderShort{OrderID: o.ID, PlacedAt: stamp(o.PlacedAt), Total: priced(o.Total), Items: make([]string, 0, linesShort)}
	for i, l := range o.Lines {
		s.Pieces += l.Quantity
		if i < linesShort {
			s.Items = append(s.Items, strconv.Itoa(l.Quantity)+" × "+clip(nameOf(l.Item), 60))
		}
	}
	s.More = max(0, len(o.Lines)-linesShort)
	return s
}

func getOrder(ctx context.Context, c *call) (answer, error) {
	var a *orderAnswer
	err := c.read(ctx, func(r *projections.Reader) error {
		o, err := c.order(ctx, r, c.text("order_id"))
		if err == nil {
			a = &orderAnswer{orderDetail: detailOf(o), NextSteps: afterOrder(o)}
		}
		return err
	})
	if err != nil {
		return answer{}, err
	}
	var t strings.Builder
	fmt.Fprintf(&t, "Order %s is %s, %s.", a.OrderID, worded(a.Status), a.Total.Display)
	if a.Reason != "" {
		t.WriteString(" " + a.Reason)
	}
	writeLines(&t, a.Lines)
	return answer{t.String(), a}, nil
}

// order finds an order of the caller; a miss names the latest ones.
func (c *call) order(ctx context.Context, r *projections.Reader, id string) (order.State, error) {
	for _, spelt := range []string{id, order.Spelling(id)} {
		if o, ok, err := r.Order(ctx, c.caller.User, spelt); err != nil || ok {
			return o, err
		}
	}
	latest, err := r.Orders(ctx, projections.OrderQuery{User: c.caller.User, Limit: 3})
	if err != nil {
		return order.State{}, err
	}
	p, _ := explain(order.ErrUnknown, c.request)
	p.Message = fmt.Sprintf("This person has no order %s. get_order_history lists their orders.", quote(id))
	for _, o := range latest.Orders {
		p.Suggestions = append(p.Suggestions, suggestion{o.ID, stamp(o.PlacedAt) + ", " + o.Total.String()})
	}
	return order.State{}, p
}

func detailOf(o order.State) orderDetail {
	d := orderDetail{
		OrderID: o.ID, Status: string(o.Status), PlacedAt: stamp(o.PlacedAt), StartedAt: stamp(o.StartedAt),
		Total: priced(o.Total), Payment: o.Payment, Reason: clip(o.Reason, 300),
	}
	d.Lines, d.Omitted = fit(linesOf(o.Lines))
	for _, l := range o.Lines {
		d.Pieces += l.Quantity
	}
	return d
}

func linesOf(lines []cart.Line) []cartLine {
	out := make([]cartLine, len(lines))
	for i, l := range lines {
		out[i] = lineOf(l)
	}
	return out
}

// afterOrder is what can be done about an order in its status.
func afterOrder(o order.State) []string {
	switch o.Status {
	case order.Placed:
		return []string{"nothing is left to do"}
	case order.Declined:
		return []string{"checkout with quote_id " + o.Quote + " and another payment_method"}
	case order.Failed:
		return []string{"review_checkout for a new quote"}
	}
	return []string{"do not pay again", "get_order again in some seconds"}
}
