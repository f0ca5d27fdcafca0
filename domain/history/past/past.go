// Package past finds in the log what an aggregate was at any moment and where
// a row of today comes from. It writes nothing and asks no view.
package past

import (
	"context"
	"errors"
	"fmt"

	"till/domain/eventlog"
	"till/domain/history"
)

// ErrNone: the log holds no events of that stream, or none up to the moment.
var ErrNone = errors.New("past: it does not exist")

// Past reads a shop's log.
type Past struct {
	Log   eventlog.Log
	Types *eventlog.Types
	// Find returns all events that concern an order, in any order. Nil reads
	// the streams that an order touches, which costs the length of the stock's
	// streams.
	Find func(ctx context.Context, k history.Key) ([]history.Happened, error)
	// Upto is the last position that is looked at; 0 is the end.
	Upto eventlog.Position
}

// each hands out the events of a stream up to the position, oldest first.
func (p Past) each(ctx context.Context, s eventlog.Stream, upto eventlog.Position, fn func(history.Happened) error) error {
	for e, err := range p.Log.Read(ctx, s) {
		if err != nil {
			return err
		}
		if e.Position > upto || p.Upto > 0 && e.Position > p.Upto {
			return nil
		}
		event, err := p.Types.Decode(e)
		if err != nil {
			return err
		}
		if err := fn(history.Happened{Envelope: e, Event: event}); err != nil {
			return err
		}
	}
	return nil
}

// Step is an event of a stream with the state after it.
type Step struct {
	history.Happened
	Before, After any
}

// Walk hands out the events of a stream up to the position, each with the state
// before and after it. It returns ErrNone if there are none.
func (p Past) Walk(ctx context.Context, s eventlog.Stream, upto eventlog.Position, fn func(Step) error) error {
	fold, ok := history.Folds()[s.Category]
	if !ok {
		return fmt.Errorf("%w: there are no streams of the kind %q", ErrNone, history.Plain(s.Category, 40))
	}
	state, n := fold.Zero, uint64(0)
	err := p.each(ctx, s, upto, func(h history.Happened) error {
		if n++; h.Number != n {
			return &eventlog.Gap{Where: s.String(), From: n, To: h.Number - 1}
		}
		before := state
		var err error
		if state, err = fold.Evolve(state, h.Event); err != nil {
			return err
		}
		return fn(Step{h, before, state})
	})
	if err == nil && n == 0 {
		err = ErrNone
	}
	return err
}

// At returns the last event of the stream up to the position, with the state
// after it.
func (p Past) At(ctx context.Context, s eventlog.Stream, upto eventlog.Position) (last Step, err error) {
	err = p.Walk(ctx, s, upto, func(step Step) error {
		last = step
		return nil
	})
	return last, err
}
