package decider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"till/domain/eventlog"
)

// tries bounds how often a command is decided anew after a conflict.
const tries = 8

// cached is how many states a handler keeps.
const cached = 10_000

// Handler runs the commands of one kind of aggregate.
type Handler[S, C, E any] struct {
	decider Decider[S, C, E]
	types   *eventlog.Types
	log     eventlog.Log
	source  Source
	locks   Locks
	cache   cache[S]
}

// NewHandler returns a handler that appends to log and takes states from source.
func NewHandler[S, C, E any](d Decider[S, C, E], types *eventlog.Types, log eventlog.Log, source Source) *Handler[S, C, E] {
	return &Handler[S, C, E]{
		decider: d, types: types, log: log, source: source,
		cache: cache[S]{most: cached, by: map[string]entry[S]{}},
	}
}

// Do decides the command on the aggregate with the given id and appends the
// events, carrying meta. It returns the decider's own error when a rule forbids
// the command; ErrReused, ErrBusy; or the log's errors. A command with a
// fingerprint is done once for good: under the same id it does nothing and its
// Outcome is marked Replayed.
func (h *Handler[S, C, E]) Do(ctx context.Context, id string, cmd C, meta eventlog.Meta) (Outcome[S], error) {
	stream := eventlog.Stream{Category: h.decider.Category, ID: id}
	unlock, err := h.locks.Lock(ctx, id)
	if err != nil {
		return Outcome[S]{}, err
	}
	defer unlock()
	if err := h.source.Check(); err != nil {
		return Outcome[S]{}, err
	}

	var seen *Version // the version at which a rule refused the command
	for try := range tries {
		if try > 0 {
			if err := h.catchUp(ctx, id, try); err != nil {
				return Outcome[S]{}, err
			}
		}
		out, err := h.once(ctx, stream, cmd, meta)
		var no refusal
		switch {
		case errors.As(err, &no):
			// What was known may be old: another process may have made room. The
			// refusal stands once the newest state gives it too.
			if seen != nil && *seen == out.Version {
				return out, no.error
			}
			seen = &out.Version
		case !errors.Is(err, eventlog.ErrConflict):
			return out, err
		}
	}
	return Outcome[S]{}, fmt.Errorf("%w (%s)", ErrBusy, stream)
}

// refusal is a decider's own error, kept apart from the machinery's.
type refusal struct{ error }

// State returns an aggregate's state as it is known now, which may lag behind
// the log; a command decided on it is checked against the log all the same.
func (h *Handler[S, C, E]) State(ctx context.Context, id string) (S, Version, error) {
	if err := h.source.Check(); err != nil {
		return *new(S), Version{}, err
	}
	// Without the aggregate's lock nothing is kept: what is read here may be
	// older than what a command has just cached.
	e, _, err := h.state(ctx, eventlog.Stream{Category: h.decider.Category, ID: id})
	return e.state, e.Version, err
}

// once tries the command on the state that is known now.
func (h *Handler[S, C, E]) once(ctx context.Context, stream eventlog.Stream, cmd C, meta eventlog.Meta) (Outcome[S], error) {
	e, known, err := h.state(ctx, stream)
	if err != nil {
		return Outcome[S]{}, err
	}
	if !known {
		h.cache.put(stream.ID, e)
	}
	if meta.Fingerprint != "" {
		// Only what the source includes can be looked up; what it does not yet
		// include of this stream would conflict at the append.
		if err := h.source.Wait(ctx, e.Position); err != nil {
			return Outcome[S]{}, err
		}
		receipt, done, err := h.source.Command(ctx, meta.Command)
		if err != nil {
			return Outcome[S]{}, err
		}
		if done && (receipt.Fingerprint != meta.Fingerprint || receipt.Stream != stream) {
			return Outcome[S]{}, ErrReused
		}
		if done {
			return Outcome[S]{State: e.state, Version: e.Version, Replayed: true}, nil
		}
	}
	events, err := h.decider.Decide(e.state, cmd)
	if err != nil {
		return Outcome[S]{State: e.state, Version: e.Version}, refusal{err}
	}
	if len(events) == 0 {
		return Outcome[S]{State: e.state, Version: e.Version}, nil
	}
	return h.append(ctx, stream, e, events, meta)
}

// append stores the events and moves the cached state past them.
func (h *Handler[S, C, E]) append(ctx context.Context, stream eventlog.Stream, e entry[S], events []E, meta eventlog.Meta) (Outcome[S], error) {
	change := eventlog.Change{Stream: stream, Expected: e.Position, Events: make([]eventlog.Envelope, len(events))}
	for i, event := range events {
		name, version, data, err := h.types.Encode(event)
		if err != nil {
			return Outcome[S]{}, err
		}
		change.Events[i] = eventlog.Envelope{
			Stream: stream, Number: e.Number + uint64(i) + 1,
			Type: name, Version: version, Meta: meta, Data: data,
		}
	}
	at, err := h.log.Append(ctx, change)
	if err != nil {
		h.cache.drop(stream.ID)
		return Outcome[S]{}, err
	}
	for _, event := range events {
		e.state = h.decider.Evolve(e.state, event)
	}
	e.Version = Version{Number: e.Number + uint64(len(events)), Position: at}
	h.cache.put(stream.ID, e)
	return Outcome[S]{State: e.state, Version: e.Version, Changed: true}, nil
}

// state returns the state as it is cached (known) or as the source has it,
// whichever is newer: the source may lag behind what was just appended here, and
// the cache does not hear of what another handler or machine appends. A command
// that decides to do nothing is checked by no append, so it must not rest on a
// state that the source knows to be old.
func (h *Handler[S, C, E]) state(ctx context.Context, stream eventlog.Stream) (_ entry[S], known bool, err error) {
	cached, known := h.cache.get(stream.ID)
	state, version, err := h.source.State(ctx, stream)
	if known && (err != nil || version.Number <= cached.Number) {
		return cached, true, nil
	}
	if err != nil {
		return entry[S]{}, false, err
	}
	e := entry[S]{Version: version}
	if state != nil {
		s, ok := state.(S)
		if !ok {
			return entry[S]{}, false, fmt.Errorf("decider: the state of %s is a %T", stream, state)
		}
		e.state = s
	}
	return e, false, nil
}

// catchUp forgets the cached state after a conflict and waits until the source
// includes all that is on the log now.
func (h *Handler[S, C, E]) catchUp(ctx context.Context, id string, try int) error {
	h.cache.drop(id)
	head, err := h.log.Head(ctx)
	if err != nil {
		return err
	}
	if err := h.source.Wait(ctx, head); err != nil {
		return err
	}
	if try == 1 {
		return nil
	}
	// Someone on another machine is at the same aggregate: step back a little.
	select {
	case <-time.After(time.Duration(try) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
