package mcp

import (
	"context"
	"errors"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
)

// putIn are the items that the command put into the cart, by SKU, as the log has
// them: so a call that is repeated tells what its first did, whatever the cart
// holds now. It is one event now; shops of before hold several of one command side by
// side, from the last one back or, for a command of an earlier call, from the first on.
func (c *call) putIn(ctx context.Context, meta eventlog.Meta, out decider.Outcome[cart.State]) (map[string]cart.ItemAdded, error) {
	at, step := out.Position, -1
	switch {
	case out.Replayed:
		receipt, _, err := c.Views.Command(ctx, meta.Command)
		if err != nil {
			return nil, err
		}
		at, step = receipt.Position, 1
	case !out.Changed:
		return nil, nil
	}
	put := map[string]cart.ItemAdded{}
	for ; at > 0; at += eventlog.Position(step) {
		e, err := c.Log.Get(ctx, at)
		if errors.Is(err, eventlog.ErrBeyond) || err == nil && e.Command != meta.Command {
			return put, nil
		}
		if err != nil {
			return nil, err
		}
		event, err := c.Types.Decode(e)
		if err != nil {
			return nil, err
		}
		switch e := event.(type) {
		case cart.ItemAdded:
			put[anyCase(e.SKU)] = e
		case cart.Filled:
			for _, added := range e.Items {
				put[anyCase(added.SKU)] = added
			}
		}
	}
	return put, nil
}
