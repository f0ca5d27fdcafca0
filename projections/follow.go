package projections

import (
	"context"
	"errors"
	"fmt"

	"till/domain/eventlog"
)

// most is how many events come at once while there are many.
const most = 4096

// batch is what the decoding goroutine hands to the folding one.
type batch struct {
	facts []fact
	err   error
}

// errPanic: an event that a fold could not take.
var errPanic = errors.New("projections: an event cannot be folded")

// decode follows the log on a goroutine of its own and hands out decoded
// batches until it fails, which is the last batch, or ctx ends. One core
// decodes while the other folds.
func (v *Views) decode(ctx context.Context, after eventlog.Position) <-chan batch {
	out := make(chan batch, 4)
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
		for events, err := range v.log.Follow(ctx, after, most) {
			if err != nil {
				send(batch{err: err})
				return
			}
			facts := make([]fact, len(events))
			for i := range events {
				value, err := v.types.Decode(events[i])
				if err != nil {
					send(batch{facts: facts[:i], err: err})
					return
				}
				facts[i] = fact{&events[i], value}
			}
			if !send(batch{facts: facts}) {
				return
			}
		}
	}()
	return out
}

// drain ends the decoding goroutine and waits for it.
func drain(cancel context.CancelFunc, batches <-chan batch) {
	cancel()
	for range batches {
	}
}

// fill folds all that is on the log into a file that nobody reads yet.
func (v *Views) fill(ctx context.Context, s *store) error {
	head, err := v.log.Head(ctx)
	if err != nil {
		return err
	}
	defer v.progress.begin(v.logger, head)()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if head == 0 {
		return nil
	}
	batches := v.decode(ctx, s.position)
	defer drain(cancel, batches)
	for b := range batches {
		if err := safely(s, b.facts); err != nil {
			return v.explain(ctx, s, err)
		}
		v.progress.reach(s.position)
		if b.err != nil {
			return b.err
		}
		if s.heavy() {
			if err := s.flush(false); err != nil {
				return v.explain(ctx, s, err)
			}
		}
		if s.position >= head {
			return v.explain(ctx, s, s.flush(false))
		}
	}
	return ctx.Err()
}

// follow folds what comes into the store, which is read as soon as it includes
// all that was there at the start.
func (v *Views) follow(ctx context.Context, s *store) error {
	head, err := v.log.Head(ctx)
	if err != nil {
		return err
	}
	live := s.position >= head
	if live {
		if err := s.flush(true); err != nil {
			return err
		}
		v.publish(s)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := v.decode(ctx, s.position)
	defer drain(cancel, batches)
	for {
		select {
		case err := <-v.broken:
			return &distrusted{err}
		case b, ok := <-batches:
			if !ok {
				return ctx.Err()
			}
			if err := safely(s, b.facts); err != nil {
				return v.explain(ctx, s, err)
			}
			live = live || s.position >= head
			// What waits already is written in the same transaction.
			if b.err != nil || live && len(batches) == 0 || s.heavy() {
				if err := s.flush(live); err != nil {
					return v.explain(ctx, s, err)
				}
				if live {
					v.publish(s)
				}
			}
			if b.err != nil {
				return b.err
			}
		}
	}
}

// safely folds the facts. A panic in a fold is a fault in the code; it stops
// the views, not the program.
func safely(s *store, facts []fact) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: position %d: %v", errPanic, s.position+1, p)
		}
	}()
	return s.fold(facts)
}

// explain tells a hole in the log from one in the file: when the stream's count
// has no hole on the log itself, it is the file that has lost something.
func (v *Views) explain(ctx context.Context, s *store, err error) error {
	var hole *counted
	if !errors.As(err, &hole) || s.fresh {
		return err
	}
	last := uint64(0)
	for e, readErr := range v.log.Read(ctx, hole.stream) {
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
