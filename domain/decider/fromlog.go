package decider

import (
	"context"
	"sync"

	"till/domain/eventlog"
)

// FromLog is a Source that reads streams from the log itself, event by event.
// It is never stale and needs no views, but each call costs a read of the
// whole stream and Command one of the whole log: it is for tests and small
// tools, not for a running shop.
type FromLog struct {
	log   eventlog.Log
	types *eventlog.Types
	mu    sync.Mutex
	folds map[string]func(any, any) any
}

// NewFromLog returns a source that knows no aggregate yet; see Know.
func NewFromLog(log eventlog.Log, types *eventlog.Types) *FromLog {
	return &FromLog{log: log, types: types, folds: map[string]func(any, any) any{}}
}

// Know teaches the source to fold the decider's category.
func Know[S, C, E any](f *FromLog, d Decider[S, C, E]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.folds[d.Category] = func(state, event any) any {
		s, _ := state.(S)
		return d.Evolve(s, event.(E))
	}
}

// State implements [Source].
func (f *FromLog) State(ctx context.Context, s eventlog.Stream) (any, Version, error) {
	f.mu.Lock()
	fold := f.folds[s.Category]
	f.mu.Unlock()
	var state any
	var v Version
	for e, err := range f.log.Read(ctx, s) {
		if err != nil {
			return nil, v, err
		}
		event, err := f.types.Decode(e)
		if err != nil {
			return nil, v, err
		}
		state = fold(state, event)
		v = Version{e.Number, e.Position}
	}
	return state, v, nil
}

// Command implements [Source].
func (f *FromLog) Command(ctx context.Context, id string) (Receipt, bool, error) {
	head, err := f.log.Head(ctx)
	if err != nil || head == 0 {
		return Receipt{}, false, err
	}
	for batch, err := range f.log.Follow(ctx, 0, 1000) {
		if err != nil {
			return Receipt{}, false, err
		}
		for _, e := range batch {
			if e.Command == id && e.Fingerprint != "" {
				return Receipt{e.Stream, e.Fingerprint, e.Position, e.Number}, true, nil
			}
		}
		if batch[len(batch)-1].Position >= head {
			break
		}
	}
	return Receipt{}, false, nil
}

// Wait implements [Source]: the log always includes itself.
func (f *FromLog) Wait(context.Context, eventlog.Position) error { return nil }

// Check implements [Source].
func (f *FromLog) Check() error { return nil }
