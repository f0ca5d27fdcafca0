package projections

import (
	"context"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
)

// Reader reads all views as they stand at one position. It is good until the
// function that it was given to returns, on one goroutine.
type Reader struct {
	store *store
	conn  *conn
	at    eventlog.Position
}

// At is the position that everything this reader says includes.
func (r *Reader) At() eventlog.Position { return r.at }

// Cart returns a person's cart; the zero State and Version before its first event.
func (r *Reader) Cart(_ context.Context, user string) (cart.State, decider.Version, error) {
	return get(r, r.store.carts, user)
}

// get returns an aggregate's state as of the reader's moment.
func get[S, E any](r *Reader, a *aggregate[S, E], id string) (S, decider.Version, error) {
	if h, ok := a.seen.asOf(id, r.at); ok {
		return h.state.(S), h.Version, nil
	}
	found := row[S]{id: id}
	if err := a.read(r.conn, &found); err != nil {
		return found.state, decider.Version{}, r.store.look(err)
	}
	if found.Number > 0 {
		a.seen.learn(id, held{found.state, found.Version}, r.at)
	}
	return found.state, found.Version, nil
}
