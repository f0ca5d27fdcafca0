package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"till/domain/history"
	"till/domain/order"
)

type orderCmd struct {
	List     orderListCmd     `cmd:"" help:"The placed orders, the newest first."`
	Show     orderShowCmd     `cmd:"" help:"One order: what is in it and what became of it."`
	Dispatch orderDispatchCmd `cmd:"" help:"Say that an order is on its way; said again, it corrects carrier and number."`
	Deliver  orderDeliverCmd  `cmd:"" help:"Say that an order has arrived, from when on the time for returns runs."`
	Cancel   orderCancelCmd   `cmd:"" help:"Call an order off that is not dispatched: pays it back and restocks it."`
	Return   orderReturnCmd   `cmd:"" help:"Answer a return."`
	Refunded orderRefundedCmd `cmd:"" help:"Say that a refund which the payment service refused was paid in another way."`
}

// Help is shown by till order --help.
func (orderCmd) Help() string {
	return "Orders are named by their number (CS-7K3M9-Q2X4T), returns by theirs (RT-…). It works while the shop runs and while it does not; saying the same twice is saying it once."
}

type orderListCmd struct {
	dataFlag
	Status string `help:"Only those that are ${enum}." enum:"any,placed,dispatched,delivered,return_requested,returned,cancelled" default:"any"`
	Limit  int    `help:"At most so many, up to 1000." default:"50"`
	JSON   bool   `help:"One JSON object a line."`
}

func (c orderListCmd) Run(ctx context.Context, t terminal) error {
	if c.Limit < 1 || c.Limit > ordersMost {
		return fmt.Errorf("--limit is a number from 1 to %d", ordersMost)
	}
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	q := listing{Limit: c.Limit + 1}
	if c.Status != "any" {
		q.Stage = order.Stage(c.Status)
	}
	n := 0
	err = askOrders.ask(ctx, shop, q, func(o orderSeen) error {
		n++
		switch {
		case n > c.Limit:
			return nil
		case c.JSON:
			return json.NewEncoder(t.out).Encode(o)
		case n == 1:
			fmt.Fprintf(t.out, "%-14s  %-16s  %-16s  %10s  %6s  %s\n", "ORDER", "PLACED", "STATUS", "TOTAL", "PIECES", "BUYER")
		}
		_, err := fmt.Fprintf(t.out, "%-14s  %-16s  %-16s  %10s  %6d  %s\n", o.ID, o.PlacedAt.Local().Format("2006-01-02 15:04"), stageWords(o.Stage), o.Total, o.pieces(), o.Buyer)
		return err
	}, nil)
	switch {
	case err != nil || c.JSON:
	case n == 0:
		fmt.Fprintln(t.out, "There are no such orders.")
	case n > c.Limit:
		fmt.Fprintf(t.out, "There are more; --limit shows up to %d.\n", ordersMost)
	}
	return err
}

type orderShowCmd struct {
	dataFlag
	Number string `arg:"" help:"The order's number."`
	JSON   bool   `help:"As one JSON object."`
}

func (c orderShowCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	return askOrder.ask(ctx, shop, c.Number, func(o orderSeen) error {
		if c.JSON {
			return json.NewEncoder(t.out).Encode(o)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "Order %s of %s is %s, %s.\n", o.ID, o.Buyer, o.Stage.Standing(), o.Total)
		for _, l := range o.Lines {
			fmt.Fprintf(&b, "  %d × %s (%s), %s each\n", l.Quantity, history.Plain(l.Title, 60), history.Plain(l.SKU, 40), l.Price)
		}
		if o.Discount != nil {
			fmt.Fprintf(&b, "  %s, %s less with the code %s\n", o.Subtotal(), o.Discount.Amount, o.Discount.Code)
		}
		for _, s := range o.Story {
			fmt.Fprintf(&b, "%s  %s\n", s.Time.Local().Format("2006-01-02 15:04"), s.Text)
		}
		for _, next := range o.next() {
			fmt.Fprintln(&b, next)
		}
		_, err := fmt.Fprint(t.out, b.String())
		return err
	}, nil)
}

// next are the commands that the order waits for.
func (o orderSeen) next() (all []string) {
	switch o.Stage {
	case order.StagePlaced:
		all = append(all, fmt.Sprintf("Next: till order dispatch %s --carrier … --tracking …", o.ID))
	case order.StageDispatched:
		all = append(all, "Next: till order deliver "+o.ID)
	}
	for _, r := range o.Returns {
		switch r.Status {
		case order.Requested:
			all = append(all, fmt.Sprintf("Next: till order return approve %s %s, or reject it with --reason …", o.ID, r.ID))
		case order.Approved:
			all = append(all, fmt.Sprintf("Next: till order return receive %s %s [--sellable], once the goods are there", o.ID, r.ID))
		}
	}
	for _, r := range o.Refunds {
		switch r.Status {
		case order.Due:
			all = append(all, fmt.Sprintf("The refund of %s is under way; the shop keeps asking while it runs.", r.Amount))
		case order.Refused:
			all = append(all, fmt.Sprintf("Pay %s back in another way, then: till order refunded %s %s --reference …", r.Amount, o.ID, r.ID))
		}
	}
	return all
}

func stageWords(s order.Stage) string { return strings.ReplaceAll(string(s), "_", " ") }
