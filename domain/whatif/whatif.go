// Package whatif thinks a history through that was not: it takes an event out or
// puts some in, takes every later decision that this touches anew, and says which
// would no longer be allowed. It stores nothing and asks nobody: what a gateway or
// a client said is taken as it was.
package whatif

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"till/domain/eventlog"
	"till/domain/eventlog/overlay"
	"till/domain/spending"
)

// Put is an event that is put in.
type Put struct {
	// After is the position after which it comes.
	After  eventlog.Position
	Stream eventlog.Stream
	Event  any
}

// Change is what is to be otherwise: the events without which, in the order of
// their positions, and those with which, likewise.
type Change struct {
	Without []eventlog.Position
	With    []Put
}

// Before is the last position that the change leaves as it is, with all before.
func (c Change) Before() eventlog.Position {
	first := ^eventlog.Position(0)
	for _, p := range c.Without {
		first = min(first, max(p, 1)-1)
	}
	for _, p := range c.With {
		first = min(first, p.After)
	}
	return first
}

// Consequence is a decision that is not what it was.
type Consequence struct {
	// Was is the event as it stands on the log; one that was put in has the
	// position after which it came.
	Was   eventlog.Envelope
	Event any
	// Reason is why it would not be allowed; nil if it is decided otherwise.
	Reason error
	// Instead is what comes in its place, if anything.
	Instead []any
	// Put is whether it was put in by the change, and stays.
	Put bool
}

// ErrNoEvent: a position at which the log has no event.
var ErrNoEvent = errors.New("eventlog: there is no event at that position")

// stream is a stream whose history is not what it was.
type stream struct {
	kind     kind
	was, now any
	number   uint64 // of the last event of now
}

// thought is the work on one change.
type thought struct {
	log      eventlog.Log
	types    *eventlog.Types
	kinds    map[string]kind
	streams  map[eventlog.Stream]*stream
	edits    []overlay.Edit
	lacking  map[string]bool // attempts whose claim or a reservation is not there
	spending bool            // whether what some agent may spend is looked at
	tell     func(Consequence) error
	position eventlog.Position
}

// Think returns the history with the change, up to the end of the log, and tells
// the consequences in order. progress is told the position now and then. It
// returns ErrNoEvent for a position without an event.
func Think(ctx context.Context, log eventlog.Log, types *eventlog.Types, end eventlog.Position, epoch string, c Change,
	tell func(Consequence) error, progress func(at eventlog.Position) error) (*overlay.Log, error) {
	t := &thought{log: log, types: types, kinds: kinds(), streams: map[eventlog.Stream]*stream{}, lacking: map[string]bool{}, tell: tell}
	for _, p := range c.Without {
		if p == 0 || p > end {
			return nil, fmt.Errorf("%w: %d; the log has 1 to %d", ErrNoEvent, p, end)
		}
	}
	for _, p := range c.With {
		if p.After > end {
			return nil, fmt.Errorf("%w: %d; the log has 1 to %d", ErrNoEvent, p.After, end)
		}
	}
	first := min(end, c.Before())
	t.position = first
	if err := t.with(ctx, &c); err != nil {
		return nil, err
	}
	if first < end {
		for batch, err := range log.Follow(ctx, first, 1000) {
			if err != nil {
				return nil, err
			}
			for _, e := range batch {
				if e.Position > end {
					break
				}
				if t.position = e.Position; len(c.Without) > 0 && c.Without[0] == e.Position {
					c.Without = c.Without[1:]
					err = t.without(ctx, e)
				} else {
					err = t.pass(ctx, e)
				}
				if err == nil {
					err = t.with(ctx, &c)
				}
				if err != nil {
					return nil, err
				}
			}
			if err := progress(t.position); err != nil {
				return nil, err
			}
			if t.position >= end {
				break
			}
		}
	}
	return overlay.New(ctx, log, end, epoch, t.edits)
}

// of is the stream as it was and as it would be before the present event.
func (t *thought) of(ctx context.Context, s eventlog.Stream, before eventlog.Position) (*stream, error) {
	if st := t.streams[s]; st != nil {
		return st, nil
	}
	k, ok := t.kinds[s.Category]
	if !ok {
		return nil, fmt.Errorf("%w: the category %q", eventlog.ErrUnknownType, s.Category)
	}
	st := &stream{kind: k, was: k.zero}
	for e, err := range t.log.Read(ctx, s) {
		if err != nil {
			return nil, err
		}
		if e.Position >= before {
			break
		}
		event, err := t.types.Decode(e)
		if err != nil {
			return nil, err
		}
		st.was, st.number = k.evolve(st.was, event), e.Number
	}
	st.now = st.was
	t.streams[s] = st
	t.spending = t.spending || s.Category == spending.Category
	return st, nil
}

func (t *thought) edit() *overlay.Edit {
	if n := len(t.edits); n == 0 || t.edits[n-1].At != t.position {
		t.edits = append(t.edits, overlay.Edit{At: t.position})
	}
	return &t.edits[len(t.edits)-1]
}

// put puts an event in at the present position.
func (t *thought) put(s eventlog.Stream, st *stream, like eventlog.Meta, event any) error {
	e := eventlog.Envelope{Stream: s, Meta: like}
	var err error
	if e.Type, e.Version, e.Data, err = t.types.Encode(event); err != nil {
		return err
	}
	st.number++
	e.Number, st.now = st.number, st.kind.evolve(st.now, event)
	edit := t.edit()
	edit.Put = append(edit.Put, e)
	return nil
}

func (t *thought) with(ctx context.Context, c *Change) error {
	for len(c.With) > 0 && c.With[0].After == t.position {
		p := c.With[0]
		c.With = c.With[1:]
		st, err := t.of(ctx, p.Stream, t.position+1)
		if err != nil {
			return err
		}
		if _, err := st.kind.again(st.now, st.now, p.Event); err != nil {
			was := eventlog.Envelope{Position: p.After, Stream: p.Stream}
			if err := t.tell(Consequence{Was: was, Event: p.Event, Reason: err, Put: true}); err != nil {
				return err
			}
		}
		meta := eventlog.Meta{Command: "whatif", Actor: eventlog.Actor{Kind: eventlog.System}}
		if p.After > 0 { // it happened when the one before did
			e, err := t.log.Get(ctx, p.After)
			if err != nil {
				return err
			}
			meta.Time = e.Time
		}
		if err := t.put(p.Stream, st, meta, p.Event); err != nil {
			return err
		}
	}
	return nil
}

func (t *thought) without(ctx context.Context, e eventlog.Envelope) error {
	st, err := t.of(ctx, e.Stream, e.Position)
	if err != nil {
		return err
	}
	event, err := t.types.Decode(e)
	if err != nil {
		return err
	}
	t.edit().Drop = true
	st.was = st.kind.evolve(st.was, event)
	t.lack(event)
	return nil
}

// pass takes the decision behind an event anew, if anything it stands on is not
// what it was.
func (t *thought) pass(ctx context.Context, e eventlog.Envelope) error {
	event, err := t.types.Decode(e)
	if err != nil {
		return err
	}
	o, reason := t.rules(ctx, e, event)
	st := t.streams[e.Stream]
	if st == nil && reason == nil && !o {
		return nil
	}
	if st, err = t.of(ctx, e.Stream, e.Position); err != nil {
		return err
	}
	var events []any
	switch {
	case reason != nil:
	case o:
		events, err = t.otherwise(st, event)
	default:
		events, reason = st.kind.again(st.was, st.now, event)
	}
	if err != nil {
		return err
	}
	if reason == nil && len(events) == 1 && reflect.DeepEqual(events[0], event) {
		st.was, st.now, st.number = st.kind.evolve(st.was, event), st.kind.evolve(st.now, event), st.number+1
		return nil
	}
	if reason != nil {
		events = nil
	}
	if err := t.tell(Consequence{Was: e, Event: event, Reason: reason, Instead: events}); err != nil {
		return err
	}
	t.edit().Drop = true
	st.was = st.kind.evolve(st.was, event)
	for _, other := range events {
		if err := t.put(e.Stream, st, e.Meta, other); err != nil {
			return err
		}
	}
	if reason == nil {
		return nil
	}
	t.lack(event)
	return t.fail(ctx, e, event, reason)
}
