package history

import (
	"fmt"
	"maps"
	"slices"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/client"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
)

// Fold is how the events of one category of streams add up, for those who do not
// care which it is.
type Fold struct {
	// Zero is the state before the first event.
	Zero any
	// Evolve returns the state after an event. It returns
	// eventlog.ErrUnknownType for an event of another category.
	Evolve func(state, event any) (any, error)
}

// Folds are all folds by category.
func Folds() map[string]Fold {
	folds := map[string]Fold{}
	know(folds, account.Decider())
	know(folds, session.Decider())
	know(folds, cart.Decider())
	know(folds, catalog.Decider())
	know(folds, client.Decider())
	know(folds, grant.Decider())
	know(folds, order.Decider())
	know(folds, promotion.Decider())
	know(folds, spending.Decider())
	know(folds, stock.Decider())
	return folds
}

// Categories are the categories of streams, in order.
func Categories() []string { return slices.Sorted(maps.Keys(Folds())) }

func know[S, C, E any](folds map[string]Fold, d decider.Decider[S, C, E]) {
	folds[d.Category] = Fold{Zero: *new(S), Evolve: func(state, event any) (_ any, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("history: this program cannot fold %T: %v", event, p)
			}
		}()
		e, ok := event.(E)
		if !ok {
			return nil, fmt.Errorf("%w: %T is no event of %s", eventlog.ErrUnknownType, event, d.Category)
		}
		return d.Evolve(state.(S), e), nil
	}}
}
