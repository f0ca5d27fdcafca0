package aftersale

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"till/domain/eventlog"
	"till/domain/order"
)

// ReturnRequest is a buyer's wish to send goods back.
type ReturnRequest struct {
	// Pieces are what goes back; none is all that still can.
	Pieces []order.Pieces
	Reason string
}

// RequestReturn asks the shop to take goods back. It returns the id of the return
// beside the result, and the errors of package order where that is not possible:
// [order.Unfit], [order.WindowClosed], [order.TooMany] and others.
//
// The same wish is the same return: of a command that carries a fingerprint for
// good, of any other as long as the return is under way.
func (p *Process) RequestReturn(ctx context.Context, id string, q ReturnRequest, meta eventlog.Meta) (string, Result, error) {
	o, _, err := p.Checkout.Orders.State(ctx, id)
	if err != nil {
		return "", Result{}, err
	}
	cmd := order.RequestReturn{Pieces: q.Pieces, Reason: q.Reason, At: p.now()}
	if meta.Fingerprint != "" {
		cmd.Return = order.ReturnID(id, meta.Command)
	} else {
		cmd.Return = again(o, q)
	}
	if len(cmd.Pieces) == 0 {
		if cmd.Pieces = o.Returnable(); len(cmd.Pieces) == 0 {
			cmd.Pieces = everything(o) // refused with the reason
		}
	}
	res, err := p.step(ctx, id, cmd, meta)
	return cmd.Return, res, err
}

// again is the id of the return that the wish is: of the one under way with just
// these pieces, or of a new one.
func again(o order.State, q ReturnRequest) string {
	for n := 0; ; n++ {
		id := order.ReturnID(o.ID, fmt.Sprint("pieces ", n, " ", spelt(q.Pieces)))
		if r, ok := o.FindReturn(id); !ok || r.Open() {
			return id
		}
	}
}

// spelt says which pieces, in one order.
func spelt(pieces []order.Pieces) string {
	sum := map[string]int{}
	for _, p := range pieces {
		sum[p.SKU] += p.Quantity
	}
	var parts []string
	for sku, n := range sum {
		parts = append(parts, fmt.Sprintf("%q %d", sku, n))
	}
	slices.SortFunc(parts, cmp.Compare[string])
	return strings.Join(parts, ",")
}

func everything(o order.State) (pieces []order.Pieces) {
	for _, l := range o.Lines {
		pieces = append(pieces, order.Pieces{SKU: l.SKU, Quantity: l.Quantity})
	}
	return pieces
}
