// Package memlog is an event log in memory, for tests and for what-if overlays.
// It keeps nothing once the program ends.
package memlog

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"till/domain/eventlog"
)

// Log is a log in memory. Use New.
type Log struct {
	mu     sync.Mutex
	events []eventlog.Envelope
	last   map[eventlog.Stream]mark
	grown  chan struct{} // closed and replaced at each append
	epoch  string
}

type mark struct {
	at     eventlog.Position
	number uint64
}

// New returns an empty log with the given epoch.
func New(epoch string) *Log {
	return &Log{last: map[eventlog.Stream]mark{}, grown: make(chan struct{}), epoch: epoch}
}

var _ eventlog.Log = (*Log)(nil)

// Append implements [eventlog.Log].
func (l *Log) Append(ctx context.Context, changes ...eventlog.Change) (eventlog.Position, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := eventlog.Check(changes); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range changes {
		if l.last[c.Stream].at != c.Expected {
			return 0, fmt.Errorf("%w: %s", eventlog.ErrConflict, c.Stream)
		}
	}
	for _, c := range changes {
		for _, e := range c.Events {
			e.Position = eventlog.Position(len(l.events) + 1)
			l.events = append(l.events, e)
			l.last[c.Stream] = mark{e.Position, e.Number}
		}
	}
	close(l.grown)
	l.grown = make(chan struct{})
	return eventlog.Position(len(l.events)), nil
}

// Read implements [eventlog.Log].
func (l *Log) Read(ctx context.Context, s eventlog.Stream) iter.Seq2[eventlog.Envelope, error] {
	l.mu.Lock()
	events := l.events
	l.mu.Unlock()
	return func(yield func(eventlog.Envelope, error) bool) {
		for _, e := range events {
			if err := ctx.Err(); err != nil {
				yield(eventlog.Envelope{}, err)
				return
			}
			if e.Stream == s && !yield(e, nil) {
				return
			}
		}
	}
}

// Get implements [eventlog.Log].
func (l *Log) Get(ctx context.Context, at eventlog.Position) (eventlog.Envelope, error) {
	if err := ctx.Err(); err != nil {
		return eventlog.Envelope{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at == 0 || int(at) > len(l.events) {
		return eventlog.Envelope{}, fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, at, len(l.events))
	}
	return l.events[at-1], nil
}

// GetMany implements [eventlog.Log].
func (l *Log) GetMany(ctx context.Context, positions []eventlog.Position) iter.Seq2[eventlog.Envelope, error] {
	return func(yield func(eventlog.Envelope, error) bool) {
		for _, at := range positions {
			e, err := l.Get(ctx, at)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Follow implements [eventlog.Log].
func (l *Log) Follow(ctx context.Context, after eventlog.Position, most int) iter.Seq2[[]eventlog.Envelope, error] {
	return func(yield func([]eventlog.Envelope, error) bool) {
		if head, _ := l.Head(ctx); after > head {
			yield(nil, fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, after, head))
			return
		}
		most = max(most, 1)
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			l.mu.Lock()
			events, grown := l.events, l.grown
			l.mu.Unlock()
			if int(after) >= len(events) {
				select {
				case <-grown:
				case <-ctx.Done():
					yield(nil, ctx.Err())
					return
				}
				continue
			}
			end := min(int(after)+most, len(events))
			batch := events[after:end:end]
			after = eventlog.Position(end)
			if !yield(batch, nil) {
				return
			}
		}
	}
}

// Head implements [eventlog.Log].
func (l *Log) Head(context.Context) (eventlog.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return eventlog.Position(len(l.events)), nil
}

// Epoch implements [eventlog.Log].
func (l *Log) Epoch() string { return l.epoch }
