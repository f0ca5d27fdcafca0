package cmd

import (
	"strings"
	"testing"

	"till/domain/money"
	"till/domain/order"
)

// What a step led to is told however the keeper has typed the return's or the refund's
// name: the shop takes the step for any spelling.
func TestAStepIsToldInAnySpelling(t *testing.T) {
	paid := money.Of(499, "USD")
	done := stepped{Order: orderSeen{State: order.State{
		Returns: []order.Return{{ID: "RT-7K3M9-Q2X4T", Status: order.Approved}},
		Refunds: []order.Refund{{ID: "RT-7K3M9-Q2X4T", Amount: paid, Status: order.Refunded}, {ID: order.ForCancel, Amount: paid, Status: order.Refunded}},
	}}}
	for _, test := range []struct{ step, name, want string }{
		{"approve", "RT-7K3M9-Q2X4T", "Return RT-7K3M9-Q2X4T is approved."},
		{"approve", "rt-7k3m9-q2x4t", "Return RT-7K3M9-Q2X4T is approved."},
		{"receive", " rt-7k3m9-q2x4t", "$4.99 are paid back."},
		{"refunded", "Cancel", "$4.99 are paid back."},
		{"cancel", "", "$4.99 are paid back."},
	} {
		if got := strings.TrimSpace(done.more(orderStep{Step: test.step, Return: test.name})); got != test.want {
			t.Errorf("%s %q tells %q", test.step, test.name, got)
		}
	}
}
