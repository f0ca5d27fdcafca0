package projections

import (
	"context"
	"sync"
	"time"

	"till/domain/eventlog"
)

// turns wakes everybody who waits whenever something changes.
type turns struct {
	mu   sync.Mutex
	next chan struct{} // nil while nobody waits
}

// turn returns a channel that is closed at the next change.
func (t *turns) turn() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == nil {
		t.next = make(chan struct{})
	}
	return t.next
}

func (t *turns) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != nil {
		close(t.next)
		t.next = nil
	}
}

// await returns once done says so, with ctx's error, or with the error that
// stopped the views.
func (v *Views) await(ctx context.Context, done func() bool) error {
	for {
		if err := v.Check(); err != nil {
			return err
		}
		if done() {
			return nil
		}
		turn := v.turns.turn()
		// What changed before the channel was taken does not close it.
		if done() || v.Check() != nil {
			continue
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Wait returns when the views include the position, with ctx's error, or at
// once with the error that stopped them. It implements decider.Source.
func (v *Views) Wait(ctx context.Context, at eventlog.Position) error {
	return v.await(ctx, func() bool { return v.Position() >= at })
}

// Ready waits until the views include all that the log held when they were
// opened. Until then nothing is read from them.
func (v *Views) Ready(ctx context.Context) error {
	return v.await(ctx, func() bool { return v.store.Load() != nil })
}

// Readable is whether the views can be read now. While they are built, or once
// they have stopped, they cannot.
func (v *Views) Readable() bool { return v.store.Load() != nil && v.Check() == nil }

// patience is how long a reader waits for views that are being built.
const patience = 5 * time.Second

// ready returns the store that is in use now.
func (v *Views) ready(ctx context.Context) (*store, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	if s := v.store.Load(); s != nil {
		return s, nil
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := v.Ready(short)
		switch {
		case err != nil && short.Err() != nil && ctx.Err() == nil:
			return nil, ErrCatchingUp
		case err != nil:
			return nil, err
		}
		if s := v.store.Load(); s != nil {
			return s, nil
		}
	}
}
