package whatif_test

import (
	"fmt"
	"testing"

	"till/domain/aftersale"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/stock"
	"till/domain/whatif"
)

// Without what began it nothing is paid back or restocked; without the payment
// nothing is there to cancel or to send.
func TestThinkACancelledOrderAnew(t *testing.T) {
	for name, c := range map[string]struct {
		without string
		told    []string
		stage   order.Stage
		onHand  int
	}{
		"without the cancellation": {"order.cancelled", []string{"stock.restocked refused", "order.refunded refused"}, order.StagePlaced, 1},
		"without the refund":       {"order.refunded", nil, order.StageCancelled, 3},
		"without the order": {"order.placed", []string{"cart.checked_out", "stock.committed", "order.cancelled refused", "stock.restocked refused", "order.refunded refused"},
			"paying", 3},
	} {
		t.Run(name, func(t *testing.T) {
			s, id := purchase(t)
			after := &aftersale.Process{Checkout: s.Process}
			if res, err := after.Cancel(t.Context(), id, "", order.ByBuyer, eventlog.Meta{Command: "c"}); err != nil || res.Late != nil {
				t.Fatal(err, res.Late)
			}
			log, told := s.think(whatif.Change{Without: []eventlog.Position{s.at(c.without, 1)}})
			if fmt.Sprint(told) != fmt.Sprint(c.told) {
				t.Errorf("told %q, want %q", told, c.told)
			}
			if o := fold(s, log, order.Decider(), id); o.Stage() != c.stage {
				t.Errorf("the order is %s", o.Stage())
			}
			if st := fold(s, log, stock.Decider(), "MOUSE"); st.OnHand != c.onHand {
				t.Errorf("the stock is %+v", st)
			}
		})
	}
}
