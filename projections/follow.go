package projections

import (
	"context"
	"errors"
	"fmt"

	"till/domain/eventlog"
)

// most is how many events come at once while there are many.
const most = 4096

// origin is a log and the words that it is written in.
type origin struct {
	log   eventlog.Log
	types *eventlog.Types
}

// batch is what the decoding goroutine hands to the folding one.
type batch struct {
	facts []fact
	err   error
}

// ErrUnfoldable: an event that a fold cannot take, where nothing is set aside: in
// a rebuild, a verification and a past moment.
var ErrUnfoldable = errors.New("projections: an event cannot be folded")

// decode follows the log on a goroutine of its own and hands out decoded
// batches until it fails, which is the last batch, or ctx ends. One core
// decodes while the other folds. Events that wanted (if it is not nil) has no
// use for are left undecoded.
func (o origin) decode(ctx context.Context, after eventlog.Position, wanted func(category string) bool) <-chan batch {
	out := make(chan batch, 8)
	go func() {
		defer close(out)
		send := func(b batch) bool {
			select {
			case out <- b:
				return true
			case <-ctx.Done():
				return false
			}
		}
		for events, err := range o.log.Follow(ctx, after, most) {
			if err != nil {
				send(batch{err: err})
				return
			}
			facts := make([]fact, len(events))
			for i := range events {
				if facts[i].Envelope = &events[i]; wanted != nil && !wanted(events[i].Stream.Category) {
					continue
				}
				if facts[i].value, err = o.read(&events[i]); err != nil {
					send(batch{facts: facts[:i], err: err})
					return
				}
			}
			if !send(batch{facts: facts}) {
				return
			}
		}
	}()
	return out
}

// read decodes an event. A fault in an upcaster comes out as the value: it is for
// the fold to set the stream aside.
func (o origin) read(e *eventlog.Envelope) (any, error) {
	value, err := o.types.Decode(*e)
	var fault *eventlog.Fault
	if errors.As(err, &fault) {
		return poisonOf(e, fault.Panic), nil
	}
	return value, err
}

// drain ends the decoding goroutine and waits for it.
func drain(cancel context.CancelFunc, batches <-chan batch) {
	cancel()
	for range batches {
	}
}

// fill folds the log into a file that nobody reads yet, up to and including a
// position, and tells how far it is. With only, the file keeps the other views
// as they are.
func (o origin) fill(ctx context.Context, s *store, to eventlog.Position, only map[string]bool, tell func(at eventlog.Position)) error {
	if s.position >= to {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := o.decode(ctx, s.position, s.restrict(only))
	defer drain(cancel, batches)
	for b := range batches {
		if rest := uint64(to - s.position); uint64(len(b.facts)) > rest {
			b.facts, b.err = b.facts[:rest], nil
		}
		if err := s.fold(b.facts); err != nil {
			return o.explain(ctx, s, err)
		}
		tell(s.position)
		if b.err != nil {
			return b.err
		}
		if s.heavy() || s.position >= to {
			if err := s.flush(false); err != nil {
				return o.explain(ctx, s, err)
			}
		}
		if s.position >= to {
			return nil
		}
	}
	return ctx.Err()
}

// errNext ends the following of a store that another is to take the place of.
var errNext = errors.New("projections: another file takes the place of this one")

// follow folds what comes into the store, which is read as soon as it includes
// all that was there at the start and all that readers have seen. It ends with
// errNext when a rebuilt file is at hand.
func (v *Views) follow(ctx context.Context, s *store) error {
	head, err := v.log.Head(ctx)
	if err != nil {
		return err
	}
	head = max(head, v.Position())
	live := s.position >= head
	if live {
		if err := s.flush(true); err != nil {
			return err
		}
		v.publish(s)
		v.watchers.tell()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := v.decode(ctx, s.position, nil)
	defer drain(cancel, batches)
	for {
		select {
		case err := <-v.broken:
			return &distrusted{err}
		case v.next = <-v.rebuilt:
			return errNext
		case b, ok := <-batches:
			if !ok {
				return ctx.Err()
			}
			if err := s.fold(b.facts); err != nil {
				return v.explain(ctx, s, err)
			}
			v.watchers.note(b.facts)
			live = live || s.position >= head
			// What waits already is written in the same transaction.
			if b.err != nil || live && len(batches) == 0 || s.heavy() {
				if err := s.flush(live); err != nil {
					return v.explain(ctx, s, err)
				}
				if live {
					v.publish(s)
					v.watchers.tell()
				}
			}
			if b.err != nil {
				return b.err
			}
		}
	}
}

// explain tells a hole in the log from one in the file: when the stream's count
// has no hole on the log itself, it is the file that has lost something.
func (o origin) explain(ctx context.Context, s *store, err error) error {
	var hole *counted
	if !errors.As(err, &hole) || s.fresh {
		return err
	}
	last := uint64(0)
	for e, readErr := range o.log.Read(ctx, hole.stream) {
		if readErr != nil || e.Number != last+1 {
			return err
		}
		last = e.Number
	}
	return &distrusted{fmt.Errorf("a row of the file does not fit the log: %w", err)}
}

// distrusted is what a reader found: the file is to be built anew.
type distrusted struct{ err error }

func (d *distrusted) Error() string { return d.err.Error() }
func (d *distrusted) Unwrap() error { return d.err }

// isBroken says whether an error is the file's own.
func isBroken(err error) bool {
	var d *distrusted
	var u *unreadable
	return isDamage(err) || errors.As(err, &d) || errors.As(err, &u)
}
