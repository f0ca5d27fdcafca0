package cmd

import (
	"context"
	"fmt"

	"till/domain/order"
)

type orderDispatchCmd struct {
	dataFlag
	Number   string `arg:"" help:"The order's number."`
	Carrier  string `required:"" help:"Who carries it, such as DHL."`
	Tracking string `required:"" help:"The carrier's number of the parcel."`
	URL      string `help:"Where the parcel can be followed (https://…)."`
}

func (c orderDispatchCmd) Run(ctx context.Context, t terminal) error {
	return stepOn(ctx, t, c.dataFlag, orderStep{Order: c.Number, Step: "dispatch", Carrier: c.Carrier, Tracking: c.Tracking, URL: c.URL})
}

type orderDeliverCmd struct {
	dataFlag
	Number     string `arg:"" help:"The order's number."`
	ReturnDays int    `help:"For how many days it may come back (default: what the running shop has, else 30)." env:"TILL_RETURN_DAYS"`
}

func (c orderDeliverCmd) Run(ctx context.Context, t terminal) error {
	return stepOn(ctx, t, c.dataFlag, orderStep{Order: c.Number, Step: "deliver", Days: c.ReturnDays})
}

type orderCancelCmd struct {
	dataFlag
	Number string `arg:"" help:"The order's number."`
	Reason string `required:"" help:"Why; the buyer reads it."`
}

func (c orderCancelCmd) Run(ctx context.Context, t terminal) error {
	return stepOn(ctx, t, c.dataFlag, orderStep{Order: c.Number, Step: "cancel", Reason: c.Reason})
}

type orderReturnCmd struct {
	Approve returnApproveCmd `cmd:"" help:"The goods may come."`
	Reject  returnRejectCmd  `cmd:"" help:"The goods may not come, or not any more."`
	Receive returnReceiveCmd `cmd:"" help:"The goods are there: pays their share of the price back."`
}

// theReturn names a return of an order.
type theReturn struct {
	Number string `arg:"" help:"The order's number."`
	Return string `arg:"" help:"The return's number (RT-…)."`
}

type returnApproveCmd struct {
	dataFlag
	theReturn
}

func (c returnApproveCmd) Run(ctx context.Context, t terminal) error {
	return stepOn(ctx, t, c.dataFlag, orderStep{Order: c.Number, Step: "approve", Return: c.Return})
}

type returnRejectCmd struct {
	dataFlag
	theReturn
	Reason string `required:"" help:"Why; the buyer reads it."`
}

func (c returnRejectCmd) Run(ctx context.Context, t terminal) error {
	return stepOn(ctx, t, c.dataFlag, orderStep{Order: c.Number, Step: "reject", Return: c.Return, Reason: c.Reason})
}

type returnReceiveCmd struct {
	dataFlag
	theReturn
	Sellable bool `help:"The goods go into the stock again."`
}

func (c returnReceiveCmd) Run(ctx context.Context, t terminal) error {
	return stepOn(ctx, t, c.dataFlag, orderStep{Order: c.Number, Step: "receive", Return: c.Return, Sellable: c.Sellable})
}

type orderRefundedCmd struct {
	dataFlag
	Number    string `arg:"" help:"The order's number."`
	Refund    string `arg:"" help:"\"cancel\", or the return's number."`
	Reference string `required:"" help:"How it was paid, such as a bank transfer's number."`
}

func (c orderRefundedCmd) Run(ctx context.Context, t terminal) error {
	return stepOn(ctx, t, c.dataFlag, orderStep{Order: c.Number, Step: "refunded", Return: c.Refund, Reference: c.Reference})
}

// stepOn takes a step and says how the order stands.
func stepOn(ctx context.Context, t terminal, data dataFlag, q orderStep) error {
	shop, err := reach(ctx, data)
	if err != nil {
		return err
	}
	defer shop.close()
	return askOrderStep.ask(ctx, shop, q, func(done stepped) error {
		again := ""
		if done.Already {
			again = " already"
		}
		fmt.Fprintf(t.out, "Order %s is %s%s.%s\n", done.Order.ID, done.Order.Stage.Standing(), again, done.more(q))
		for _, next := range done.Order.next() {
			if q.Step != "dispatch" || done.Order.Stage != order.StageDispatched {
				fmt.Fprintln(t.out, next)
			}
		}
		return nil
	}, nil)
}

// more is what else the step led to.
func (d stepped) more(q orderStep) string {
	switch q.Step {
	case "deliver":
		return " It may come back until " + d.Order.ReturnsUntil.Local().Format("2006-01-02 15:04") + "."
	case "approve", "reject":
		return fmt.Sprintf(" Return %s is %s.", q.about(), returnStatus(d.Order, q.about()))
	case "cancel", "receive", "refunded":
	default:
		return ""
	}
	r, _ := d.Order.FindRefund(q.about())
	if r.Status == order.Refunded {
		return fmt.Sprintf(" %s are paid back.", r.Amount)
	}
	return ""
}

func returnStatus(o orderSeen, id string) order.ReturnStatus {
	r, _ := o.FindReturn(id)
	return r.Status
}
