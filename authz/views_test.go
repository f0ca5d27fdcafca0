package authz_test

import (
	"context"
	"slices"
	"sync"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/client"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/spending"
)

// memViews are the views of a test: folds of a memory log, brought up to date
// at every call unless they are held back.
type memViews struct {
	log   eventlog.Log
	types *eventlog.Types

	mu     sync.Mutex
	at     eventlog.Position
	states map[eventlog.Stream]any
	counts map[eventlog.Stream]decider.Version
	held   bool
	down   error
	// most is how many grants are listed at once.
	most int
}

func newMemViews(log *memlog.Log, types *eventlog.Types) *memViews {
	return &memViews{log: log, types: types, states: map[eventlog.Stream]any{}, counts: map[eventlog.Stream]decider.Version{}, most: 200}
}

// hold makes the views stand still, as those of a node that lags.
func (v *memViews) hold(held bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held = held
}

// fail makes the views answer with the error, nil to end it.
func (v *memViews) fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down = err
}

// catchUp folds what is new. The caller holds the lock.
func (v *memViews) catchUp(ctx context.Context) error {
	if v.down != nil {
		return v.down
	}
	head, err := v.log.Head(ctx)
	if err != nil || v.held || v.at >= head {
		return err
	}
	for batch, err := range v.log.Follow(ctx, v.at, 1000) {
		if err != nil {
			return err
		}
		for _, e := range batch {
			event, err := v.types.Decode(e)
			if err != nil {
				return err
			}
			v.states[e.Stream] = evolve(v.states[e.Stream], event)
			v.counts[e.Stream] = decider.Version{Number: e.Number, Position: e.Position}
			v.at = e.Position
		}
		if v.at >= head {
			return nil
		}
	}
	return nil
}

func evolve(state, event any) any {
	switch event := event.(type) {
	case grant.Event:
		s, _ := state.(grant.State)
		return grant.Evolve(s, event)
	case client.Event:
		s, _ := state.(client.State)
		return client.Evolve(s, event)
	case account.Event:
		s, _ := state.(account.State)
		return account.Evolve(s, event)
	case session.Event:
		s, _ := state.(session.State)
		return session.Evolve(s, event)
	case spending.Event:
		s, _ := state.(spending.State)
		return spending.Evolve(s, event)
	}
	panic("a foreign event")
}

func (v *memViews) State(ctx context.Context, s eventlog.Stream) (any, decider.Version, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.catchUp(ctx); err != nil {
		return nil, decider.Version{}, err
	}
	return v.states[s], v.counts[s], nil
}

func (v *memViews) Command(context.Context, string) (decider.Receipt, bool, error) {
	return decider.Receipt{}, false, nil
}

func (v *memViews) Wait(ctx context.Context, at eventlog.Position) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.catchUp(ctx); err != nil {
		return err
	}
	if v.at < at {
		return context.DeadlineExceeded
	}
	return nil
}

func (v *memViews) Check() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.down
}

func (v *memViews) Grant(ctx context.Context, id string) (grant.State, decider.Version, bool, error) {
	state, version, err := v.State(ctx, eventlog.Stream{Category: grant.Category, ID: id})
	s, ok := state.(grant.State)
	return s, version, ok, err
}

func (v *memViews) GrantsOf(ctx context.Context, user string) ([]grant.State, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.catchUp(ctx); err != nil {
		return nil, err
	}
	var all []grant.State
	for _, state := range v.states {
		if s, ok := state.(grant.State); ok && s.User == user && s.Revoked.IsZero() {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b grant.State) int { return b.At.Compare(a.At) })
	return all[:min(len(all), v.most)], nil
}
