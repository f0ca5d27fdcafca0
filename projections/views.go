// Package projections folds the log into views that answer questions: carts,
// orders, the catalogue with its search, stock, grants, commands. It decides
// nothing and writes nothing to the log.
package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
)

// Views are all views of one shop, standing at one position.
type Views struct {
	origin
	keys   func(ctx context.Context, subject string) ([]byte, error)
	logger *slog.Logger
	// path is the file that serves from a start on; spare is where a rebuilt one
	// goes until then.
	path, spare string

	store    atomic.Pointer[store] // nil until it may be read
	position atomic.Uint64
	err      atomic.Pointer[error]
	turns    turns
	broken   chan error // what readers found wrong with the file
	stop     context.CancelFunc
	stopped  chan struct{}
	progress progress
	watchers watchers

	rebuilding sync.Mutex
	abort      atomic.Pointer[context.CancelCauseFunc] // ends what holds the mutex
	replaced   *store                                  // under the mutex: by the last rebuild, its file may still be there
	rebuilt    chan *store                             // what a rebuild hands to the projector
	next       *store                                  // the projector's own: what it got
	leaving    sync.WaitGroup
}

// Options say what views are opened over.
type Options struct {
	// Dir is the folder that holds the file, views.db. It must exist, and
	// nobody else may use it at the same time.
	Dir   string
	Log   eventlog.Log
	Types *eventlog.Types
	// Keys returns a person's key, which opens what is sealed of them; nil when
	// it has been destroyed. Without it, everything sealed is erased.
	Keys func(ctx context.Context, subject string) ([]byte, error)
	// Logger is told why views are rebuilt, and how far that is. Without it,
	// nobody is.
	Logger *slog.Logger
}

var (
	// ErrCursor: the cursor is not one that a page of this query gave out.
	ErrCursor = errors.New("projections: not a cursor of this list")
	// ErrCatchingUp: the views are being built and cannot answer yet.
	ErrCatchingUp error = untold("projections: the views are being built; try again in a moment")
	// ErrClosed: the shop is shutting down.
	ErrClosed error = untold("projections: the views are closed")
)

// untold is an error for which a command finds no state.
type untold string

func (u untold) Error() string { return string(u) }

// Is makes errors.Is(u, decider.ErrNoState) true.
func (u untold) Is(target error) bool { return target == decider.ErrNoState }

// Open opens the views and goes on following the log until Close. A file that
// is missing, damaged, of another log or of another version of the code is
// built anew from the log; see Ready.
func Open(ctx context.Context, o Options) (*Views, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("projections: the folder for the views is not there: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	v := &Views{
		origin: origin{o.Log, o.Types}, keys: o.Keys, logger: o.Logger,
		path: filepath.Join(o.Dir, "views.db"), spare: filepath.Join(o.Dir, "views.2.db"),
		broken: make(chan error, 1), stop: stop, stopped: make(chan struct{}), rebuilt: make(chan *store),
	}
	go func() {
		defer close(v.stopped)
		v.run(running)
	}()
	return v, nil
}

// Close stops following and closes the file. Whoever waits gets ErrClosed.
func (v *Views) Close() error {
	v.halt(ErrClosed)
	v.stop()
	<-v.stopped
	return nil
}

// halt ends everything with an error, the first one for good.
func (v *Views) halt(err error) {
	v.err.CompareAndSwap(nil, &err)
	v.turns.wake()
}

// Check returns why nothing may be decided or read at all, such as a damaged
// log, or nil. It implements decider.Source.
func (v *Views) Check() error {
	if err := v.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Position is the position that the views include.
func (v *Views) Position() eventlog.Position { return eventlog.Position(v.position.Load()) }

// with calls fn with a connection for reading.
func (v *Views) with(ctx context.Context, fn func(*store, *conn) error) error {
	for {
		s, err := v.ready(ctx)
		if err != nil {
			return err
		}
		if !s.gate.enter() {
			continue // it has just been replaced
		}
		return func() error {
			defer s.gate.leave()
			c, err := s.borrow(ctx)
			if err != nil {
				return s.look(err)
			}
			defer s.giveBack(c)
			return s.look(fn(s, c))
		}()
	}
}

// Read waits until the views include the position and calls fn with a reader
// that stays at one moment until fn returns. fn asks the reader only: it holds
// one of a bounded number of connections, and what it asked the Views would need
// a second one, of another moment. What is held in memory needs no transaction,
// so one begins with the first look into the file; if the views have moved on
// by then, fn is called once more, whatever it returned: fn sets what it finds
// out and does not add to it.
func (v *Views) Read(ctx context.Context, at eventlog.Position, fn func(*Reader) error) error {
	if err := v.Wait(ctx, at); err != nil {
		return err
	}
	moved := false
	read := func(s *store, c *conn) error {
		// The store's own moment, not Position: that is 0 while this very store
		// is being replaced. It includes at, also in a store that was built since
		// the waiting ended: nothing is published that lacks what the log held.
		r := &Reader{store: s, conn: c, at: eventlog.Position(s.shown.Load())}
		defer r.end()
		if moved {
			if err := r.begin(); err != nil {
				return err
			}
		}
		err := fn(r)
		moved = r.moved
		return err
	}
	err := v.with(ctx, read)
	if moved {
		err = v.with(ctx, read)
	}
	return err
}

// Offer implements checkout.Shelf at the newest position.
func (v *Views) Offer(ctx context.Context, sku string) (o checkout.Offer, ok bool, err error) {
	err = v.Read(ctx, 0, func(r *Reader) error {
		o, ok, err = r.Offer(ctx, sku)
		return err
	})
	return o, ok, err
}

// stater finds the states of one category.
type stater interface {
	recent(id string) (held, bool)
	find(c *conn, id string) (held, error)
	// alone folds an event whose stream is folded from its first one on.
	alone(f fact) error
}

func (a *aggregate[S, E]) alone(f fact) error {
	_, err := a.fold(nil, f)
	return err
}

func (a *aggregate[S, E]) recent(id string) (held, bool) { return a.seen.newest(id) }

// find reads a state from the file and keeps it; also that there is none, which
// every checkout asks of what its agent may spend.
func (a *aggregate[S, E]) find(c *conn, id string) (held, error) {
	r := row[S]{id: id}
	at, err := a.readAt(c, &r)
	if err != nil {
		return held{}, err
	}
	h := held{r.state, r.Version}
	a.seen.learn(strings.Clone(id), h, at)
	return h, nil
}

// State implements decider.Source.
func (v *Views) State(ctx context.Context, s eventlog.Stream) (any, decider.Version, error) {
	st, err := v.ready(ctx)
	if err != nil {
		return nil, decider.Version{}, err
	}
	kind := st.states[s.Category]
	if kind == nil {
		return nil, decider.Version{}, fmt.Errorf("projections: there is no view of %s", s)
	}
	if err := st.barred(s.Category, s.ID); err != nil {
		return nil, decider.Version{}, err
	}
	h, ok := kind.recent(s.ID)
	if !ok {
		err = v.with(ctx, func(st *store, c *conn) error {
			h, err = st.states[s.Category].find(c, s.ID)
			return err
		})
	}
	if err != nil || h.Number == 0 {
		return nil, decider.Version{}, err
	}
	return h.state, h.Version, nil
}
