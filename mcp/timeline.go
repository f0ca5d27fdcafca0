package mcp

import (
	"context"
	"fmt"
	"strings"

	"till/domain/eventlog"
	"till/domain/history"
	"till/domain/order"
	"till/projections"
)

// timelineTold is how many steps of an order's story are told: the first, and
// as many of the latest. An order that is tried again and again has more.
const timelineTold = 40

// timeline is what became of an order.
type timeline struct {
	OrderID  string `json:"order_id"`
	Status   string `json:"status"`
	Total    price  `json:"total"`
	Timeline []step `json:"timeline"`
	// Omitted steps are those after the first.
	Omitted   int      `json:"steps_omitted,omitempty"`
	NextSteps []string `json:"next_steps"`
	included
}

// step is one thing that happened to an order.
type step struct {
	At   string `json:"at"`
	What string `json:"what"`
}

func explainOrderTool() tool {
	return tool{
		name: "explain_order", title: "Explain an order",
		about:  "Use this when the person asks what happened to an order, when, or why it was not placed. Example: {\"order_id\": \"CS-7K3M9-Q2X4T\"}. Returns its timeline in plain words.",
		args:   []argument{orderArgument},
		output: timeline{}, reads: true, past: true, time: readTime, run: explainOrder,
	}
}

// explainOrder tells an order's own events. Whose it is never changes and is
// read from the views of now, so that a moment of the past needs no replay: the
// story just ends earlier.
func explainOrder(ctx context.Context, c *call) (answer, error) {
	var from, until eventlog.Position
	if c.asked != nil {
		from = *c.asked
	}
	id := ""
	err := c.Views.Read(ctx, from, func(r *projections.Reader) error {
		o, err := c.order(ctx, r, c.text("order_id"))
		id, until = o.ID, r.At()
		return err
	})
	if c.asked != nil {
		until = *c.asked
	}
	if c.at = until; err != nil {
		return answer{}, err
	}
	o, steps, omitted, err := c.story(ctx, id, until)
	if err != nil {
		return answer{}, err
	}
	if o.Status == "" {
		return answer{}, &problem{Code: "order_not_found", Field: asOf.name, NextTools: []string{"explain_order"},
			Message: fmt.Sprintf("Order %s did not exist at that moment. Leave as_of out.", id)}
	}
	now, err := c.moment(ctx)
	if err != nil {
		return answer{}, err
	}
	a := &timeline{OrderID: id, Status: string(o.Stage()), Total: priced(o.Total), Omitted: omitted, NextSteps: afterOrder(o, now)}
	var t strings.Builder
	fmt.Fprintf(&t, "Order %s is %s, %s.", id, o.Stage().Standing(), a.Total.Display)
	for i, s := range steps {
		a.Timeline = append(a.Timeline, step{stamp(s.Time), s.Text})
		unwritten := omitted + max(0, len(steps)-1-linesTold)
		if i == 1 && unwritten > 0 {
			fmt.Fprintf(&t, "\n… %s more …", counted(unwritten, "step"))
		}
		if i == 0 || len(steps)-i <= linesTold {
			t.WriteString("\n" + stamp(s.Time) + "  " + s.Text)
		}
	}
	return answer{t.String(), a}, nil
}

// story reads an order's events up to the position and returns what they add up
// to and what they tell, bounded.
func (c *call) story(ctx context.Context, id string, until eventlog.Position) (o order.State, told []history.Step, omitted int, err error) {
	for e, err := range c.Log.Read(ctx, eventlog.Stream{Category: order.Category, ID: id}) {
		if err != nil {
			return o, nil, 0, err
		}
		if e.Position > until {
			break
		}
		event, err := c.Types.Decode(e)
		if err != nil {
			return o, nil, 0, err
		}
		if happened, ok := event.(order.Event); ok {
			o = order.Evolve(o, happened)
		}
		told = append(told, history.Timeline([]eventlog.Envelope{e}, []any{event})...)
		if len(told) > timelineTold {
			told = append(told[:1], told[2:]...)
			omitted++
		}
	}
	return o, told, omitted, nil
}
