package whatif

import (
	"reflect"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/client"
	"till/domain/decider"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
)

// kind is one category of streams for those who do not care which it is.
type kind struct {
	zero   any
	evolve func(state, event any) any
	// again decides on the state what made the event of the state was.
	again func(was, state, event any) ([]any, error)
	fits  func(event any) bool
}

func kinds() map[string]kind {
	all := map[string]kind{}
	know(all, account.Decider(), account.Redo)
	know(all, session.Decider(), session.Redo)
	know(all, cart.Decider(), cart.Redo)
	know(all, catalog.Decider(), catalog.Redo)
	know(all, client.Decider(), client.Redo)
	know(all, grant.Decider(), grant.Redo)
	know(all, order.Decider(), order.Redo)
	know(all, promotion.Decider(), promotion.Redo)
	know(all, spending.Decider(), spending.Redo)
	know(all, stock.Decider(), stock.Redo)
	return all
}

func know[S, C, E any](all map[string]kind, d decider.Decider[S, C, E], redo func(S, E) C) {
	all[d.Category] = kind{
		zero:   *new(S),
		evolve: func(state, event any) any { return d.Evolve(state.(S), event.(E)) },
		fits:   func(event any) bool { _, ok := event.(E); return ok },
		again: func(was, state, event any) ([]any, error) {
			cmd := redo(was.(S), event.(E))
			if c, ok := any(cmd).(cart.Claim); ok {
				cmd = any(claimed(c, was.(cart.State), state.(cart.State))).(C)
			}
			events, err := d.Decide(state.(S), cmd)
			out := make([]any, len(events))
			for i, e := range events {
				out[i] = e
			}
			return out, err
		},
	}
}

// claimed is the claim on the other cart. A quote is for a revision, which
// counts every change there ever was; what counts here is that the lines are
// the ones that were quoted, and the code.
func claimed(c cart.Claim, was, now cart.State) cart.Claim {
	if c.Revision = now.Revision; was.Code != now.Code || !reflect.DeepEqual(was.Lines, now.Lines) {
		c.Revision++ // no revision that it is at
	}
	return c
}
