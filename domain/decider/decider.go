// Package decider runs commands: it takes an aggregate's state, lets the
// aggregate's pure functions decide, and appends what they decided. It holds no
// rule of the shop and reads neither clock nor chance.
package decider

import (
	"context"
	"errors"

	"till/domain/eventlog"
)

// Decider is an aggregate as two pure functions over its state S. The zero S is
// the aggregate before its first event. States are shared between readers:
// Evolve returns a new one and never changes what the old one points to.
type Decider[S, C, E any] struct {
	// Category is the first part of the aggregate's streams.
	Category string
	// Decide returns what the command changes: no event when the state is
	// already as the command wants it, an error when a rule forbids it.
	Decide func(S, C) ([]E, error)
	// Evolve returns the state after an event.
	Evolve func(S, E) S
}

// Fold evolves the zero state through the events.
func (d Decider[S, C, E]) Fold(events ...E) S {
	var s S
	for _, e := range events {
		s = d.Evolve(s, e)
	}
	return s
}

// Version says which events a state includes.
type Version struct {
	// Number is the number of the last event in its stream, 0 for none.
	Number uint64
	// Position is the log position of that event, 0 for none.
	Position eventlog.Position
}

// Receipt is what is remembered of a command that has been done.
type Receipt struct {
	Stream      eventlog.Stream
	Fingerprint string
	Position    eventlog.Position
	Number      uint64
}

// Source is where states come from; the views implement it. It may lag behind
// the log: an append at a stale version conflicts and is decided anew.
type Source interface {
	// State returns the folded state of a stream (the aggregate's S) and its
	// version; a nil state and a zero version for a stream without events.
	State(ctx context.Context, s eventlog.Stream) (any, Version, error)
	// Command looks up a command that carried a fingerprint.
	Command(ctx context.Context, id string) (Receipt, bool, error)
	// Wait returns when the source includes the position, or with ctx's error.
	Wait(ctx context.Context, at eventlog.Position) error
	// Check returns why nothing may be decided at all (a damaged log), or nil.
	Check() error
}

var (
	// ErrReused: the command id was used before with other arguments.
	ErrReused = errors.New("decider: the command id was used before with other arguments")
	// ErrNoState: the source cannot tell a state now. A source's errors of that
	// kind match it.
	ErrNoState = errors.New("decider: the state is not known now")
	// ErrBusy: the stream moved on at every try.
	ErrBusy = errors.New("decider: too many changes at once, try again")
)

// Outcome is what a command led to.
type Outcome[S any] struct {
	State S
	Version
	// Changed is whether this call appended events.
	Changed bool
	// Replayed is whether the command had been done by an earlier call, whose
	// outcome stands; State is the newest state all the same.
	Replayed bool
}
