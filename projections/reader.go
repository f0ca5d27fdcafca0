package projections

import (
	"context"
	"errors"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
)

// Reader reads all views as they stand at one position. It is good until the
// function that it was given to returns, on one goroutine.
type Reader struct {
	store *store
	conn  *conn // see begin
	at    eventlog.Position

	begun bool
	// told is whether something was answered as of at before the file was read.
	told bool
	// moved is whether the file then was at another moment.
	moved bool
}

// errMoved ends a reading that has to begin anew.
var errMoved = errors.New("projections: the views moved on during the reading")

// begin fixes the file's moment, with the first look into it.
func (r *Reader) begin() error {
	if r.begun {
		return nil
	}
	if err := r.conn.exec("BEGIN"); err != nil {
		return err
	}
	r.begun = true
	at := r.at
	if _, err := r.conn.row("SELECT position FROM meta", nil, &at); err != nil {
		return err
	}
	if r.told && at != r.at {
		r.moved = true
		return errMoved
	}
	r.at = at
	r.store.show(at)
	return nil
}

func (r *Reader) end() {
	if r.begun {
		_ = r.conn.exec("COMMIT") // it wrote nothing
	}
}

// row and rows look into the file as of the reader's moment.
func (r *Reader) row(query string, args []any, into ...any) (ok bool, err error) {
	if err := r.begin(); err != nil {
		return false, err
	}
	return r.conn.row(query, args, into...)
}

func (r *Reader) rows(ctx context.Context, query string, args []any, each func(scan func(...any) error) error) error {
	if err := r.begin(); err != nil {
		return err
	}
	return r.conn.rows(ctx, query, args, each)
}

// recall returns what is held in memory of an id, if it is so at the reader's
// moment.
func (r *Reader) recall(c *cache, id string) (held, bool) {
	h, ok := c.asOf(id, r.at)
	r.told = r.told || ok
	return h, ok
}

// At is the position that everything this reader says includes.
func (r *Reader) At() eventlog.Position {
	r.told = true
	return r.at
}

// Cart returns a person's cart; the zero State and Version before its first event.
func (r *Reader) Cart(_ context.Context, user string) (cart.State, decider.Version, error) {
	return get(r, r.store.carts, user)
}

// get returns an aggregate's state as of the reader's moment.
func get[S, E any](r *Reader, a *aggregate[S, E], id string) (S, decider.Version, error) {
	found := row[S]{id: id}
	if err := r.store.barred(a.category, id); err != nil {
		return found.state, decider.Version{}, err
	}
	if h, ok := r.recall(a.seen, id); ok {
		return h.state.(S), h.Version, nil
	}
	if err := r.begin(); err != nil {
		return found.state, decider.Version{}, r.store.look(err)
	}
	if err := a.read(r.conn, &found); err != nil {
		return found.state, decider.Version{}, r.store.look(err)
	}
	if found.Number > 0 {
		a.seen.learn(id, held{found.state, found.Version}, r.at)
	}
	return found.state, found.Version, nil
}
