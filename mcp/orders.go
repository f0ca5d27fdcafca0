package mcp

import (
	"context"
	"fmt"
	"strings"
	"time"

	"till/domain/cart"
	"till/domain/order"
	"till/projections"
)

// orderDetail is one purchase in full.
type orderDetail struct {
	OrderID   string     `json:"order_id"`
	Status    string     `json:"status"`
	PlacedAt  string     `json:"placed_at,omitempty"`
	StartedAt string     `json:"started_at"`
	Lines     []cartLine `json:"lines"`
	Omitted   int        `json:"lines_omitted,omitempty"`
	Pieces    int        `json:"pieces"`
	Discount  *taken     `json:"discount,omitempty"`
	Total     price      `json:"total"`
	Payment   string     `json:"payment,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// orderAnswer is what get_order answers.
type orderAnswer struct {
	orderDetail
	orderStory
	// Of the tools that change it: what this call or an earlier one asked for.
	ReturnID  string   `json:"return_id,omitempty"`
	Replayed  bool     `json:"replayed,omitempty"`
	NextSteps []string `json:"next_steps"`
	included
}

var orderArgument = argument{
	name: "order_id", kind: text, most: 60, required: true, example: "CS-7K3M9-Q2X4T",
	about: "As checkout or get_order_history gave it.", also: []string{"order", "id", "number"},
}

func (s *Server) orderTools() []tool {
	return []tool{
		historyTool(),
		{
			name: "get_order", title: "Look at an order",
			about:  "Use this when the person asks about one order, or to see how a pending payment went. Example: {\"order_id\": \"CS-7K3M9-Q2X4T\"}. Returns its status, lines, total, tracking, returns and timeline.",
			args:   []argument{orderArgument},
			output: orderAnswer{}, reads: true, past: true, time: readTime, run: getOrder,
		},
		explainOrderTool(), cancelOrderTool(), requestReturnTool(),
	}
}

func getOrder(ctx context.Context, c *call) (answer, error) {
	var a *orderAnswer
	now, err := c.moment(ctx)
	if err != nil {
		return answer{}, err
	}
	err = c.read(ctx, func(r *projections.Reader) error {
		o, err := c.order(ctx, r, c.text("order_id"))
		if err == nil {
			a = wholeOrder(o, now)
		}
		return err
	})
	if err != nil {
		return answer{}, err
	}
	var t strings.Builder
	fmt.Fprintf(&t, "Order %s is %s, %s.", a.OrderID, order.Stage(a.Status).Standing(), a.Total.Display)
	if a.Reason != "" {
		t.WriteString(" " + a.Reason)
	}
	writeLines(&t, a.Lines)
	t.WriteString(a.Discount.told())
	for _, s := range a.Timeline {
		t.WriteString("\n" + s.At + "  " + s.What)
	}
	return answer{t.String(), a}, nil
}

func wholeOrder(o order.State, now time.Time) *orderAnswer {
	return &orderAnswer{orderDetail: detailOf(o), orderStory: storyOf(o, now), NextSteps: afterOrder(o, now)}
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
		OrderID: o.ID, Status: string(o.Stage()), PlacedAt: stamp(o.PlacedAt), StartedAt: stamp(o.StartedAt),
		Total: priced(o.Total), Payment: o.Payment, Reason: clip(o.Reason, 300),
	}
	d.Discount = takenOff(o.Discount, d.Total)
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

// afterOrder is what can be done about an order at its stage.
func afterOrder(o order.State, now time.Time) []string {
	var steps []string
	switch o.Stage() {
	case order.StagePlaced:
		steps = []string{"get_order again later for the tracking number", "cancel_order if the person no longer wants it, as long as it is not dispatched"}
	case order.StageDispatched:
		steps = []string{"tell the person carrier and tracking number"}
	case order.StageDelivered:
	case order.StageReturning:
		steps = []string{"get_order again later for the shop's answer"}
		for _, r := range o.Returns {
			if r.Status == order.Approved {
				steps = []string{"tell the person to send the goods of return " + r.ID + " back"}
			}
		}
	case order.StageCancelled, order.StageReturned:
		steps = []string{"reorder to buy it again"}
	case order.Stage(order.Declined):
		return []string{"checkout with quote_id " + o.Quote + " and another payment_method"}
	case order.Stage(order.Failed):
		return []string{"review_checkout for a new quote"}
	default:
		return []string{"do not pay again", "get_order again in some seconds"}
	}
	for _, r := range o.Refunds {
		if r.Status == order.Due {
			steps = append(steps, "get_order again later to see whether the refund is paid")
		}
	}
	if o.CanReturn(now) {
		by := ""
		if !o.ReturnsUntil.IsZero() {
			by = ", until " + stamp(o.ReturnsUntil)
		}
		steps = append(steps, "request_return to send items back"+by)
	}
	if steps == nil {
		return []string{"nothing is left to do"}
	}
	return steps
}
