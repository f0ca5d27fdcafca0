package aftersale_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"till/domain/aftersale"
	"till/domain/eventlog"
	"till/domain/eventlog/logtest"
	"till/domain/eventlog/memlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/stock"
)

// The process is killed at every one of its appends in turn, before and after the
// event is stored. Whoever comes next, the shop alone or the buyer with the same
// call: what was begun ends whole, paid back once and restocked once, or did not
// happen.
func TestKilledAtEveryStep(t *testing.T) {
	for name, c := range map[string]struct {
		act   func(*shop, string) error
		least int
		// what the order is, and what of it, when all is done
		stage       order.Stage
		mouse, bed  int
		paid, spent int64
		uses        int // of the code
	}{
		"cancelled": {cancelled, 6, order.StageCancelled, 10, 10, 3897, 0, 0},
		"returned":  {returned, 5, order.StageDispatched, 9, 9, 487, 3897, 1},
	} {
		for _, method := range []string{"pm_card_visa", "tok_refund_timeout", "tok_refund_fail"} {
			for _, stored := range []bool{false, true} {
				for _, retried := range []bool{false, true} {
					for step := 1; ; step++ {
						what := fmt.Sprintf("%s %s step %d stored %v retried %v", name, method, step, stored, retried)
						log, charges := memlog.New("e"), new(memlog.Bucket)
						s := start(t, log, charges)
						for _, sku := range []string{"MOUSE", "BED"} {
							if _, err := s.buys.Stocks.Do(t.Context(), sku, stock.Count{OnHand: 10}, eventlog.Meta{}); err != nil {
								t.Fatal(err)
							}
						}
						id := s.bought(method)
						doomed := start(t, &logtest.Dying{Log: log, Left: step, Stores: stored}, charges)
						if c.act(doomed, id) == nil {
							if step < c.least && method == "pm_card_visa" {
								t.Fatalf("%s: there are more steps than that", what)
							}
							break
						}
						next := start(t, log, charges)
						if retried {
							_ = c.act(next, id)
						}
						o := next.settled(id)
						began := o.Cancellation != nil || len(o.Refunds) > 0
						if !began {
							if retried || step > 4 {
								t.Fatalf("%s: it did not happen: %+v", what, o)
							}
							continue
						}
						refund := o.Refunds[0]
						want, spent, uses := order.Refunded, c.spent, c.uses
						if method == "tok_refund_fail" {
							want, spent, uses = order.Refused, 3897, 1
						}
						if len(o.Refunds) != 1 || refund.Status != want || refund.Amount.Minor != c.paid {
							t.Fatalf("%s: %+v", what, o.Refunds)
						}
						if m, b := next.onHand("MOUSE"), next.onHand("BED"); m != c.mouse || b != c.bed {
							t.Fatalf("%s: %d mice and %d beds", what, m, b)
						}
						if next.spent() != money.Of(spent, "USD") {
							t.Fatalf("%s: %s count as spent", what, next.spent())
						}
						if next.uses() != uses {
							t.Fatalf("%s: the code is used %d times", what, next.uses())
						}
						keys, _ := charges.Keys(context.Background())
						if len(keys) != 2 {
							t.Fatalf("%s: the gateway knows %v", what, keys)
						}
						if o.Stage() != c.stage {
							t.Fatalf("%s: the order is %s", what, o.Stage())
						}
					}
				}
			}
		}
	}
}

var buyer = eventlog.Meta{Command: "key:1", Fingerprint: "f"}

func cancelled(s *shop, id string) error {
	res, err := s.Cancel(context.Background(), id, "", order.ByBuyer, buyer)
	return beyond(res, err)
}

// returned takes a mouse back: sent, asked for, approved, received.
func returned(s *shop, id string) error {
	ctx := context.Background()
	if _, err := s.Dispatch(ctx, id, order.Dispatch{Carrier: "Cat Express", Tracking: "1"}, eventlog.Meta{}); err != nil {
		return err
	}
	ret, _, err := s.RequestReturn(ctx, id, aftersale.ReturnRequest{Pieces: []order.Pieces{{SKU: "MOUSE", Quantity: 1}}}, buyer)
	if err != nil {
		return err
	}
	if _, err := s.Approve(ctx, id, ret, eventlog.Meta{}); err != nil {
		return err
	}
	res, err := s.Receive(ctx, id, ret, true, eventlog.Meta{})
	return beyond(res, err)
}

// beyond is the error of a step that was killed on the way.
func beyond(res aftersale.Result, err error) error {
	if err == nil && errors.Is(res.Late, logtest.ErrKilled) {
		return res.Late
	}
	return err
}
