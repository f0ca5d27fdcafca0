package logtest

import (
	"context"
	"errors"
	"sync"

	"till/domain/eventlog"
)

// ErrKilled is what a [Dying] log answers once its process is dead.
var ErrKilled = errors.New("logtest: killed")

// Dying is a log whose process is killed at one of its appends: before it is
// stored, or after, without an answer. Nothing can be appended from then on.
type Dying struct {
	eventlog.Log
	// Left counts down to the append that kills, from 1.
	Left int
	// Stores is whether that append is stored.
	Stores bool

	mu sync.Mutex
}

// Append implements [eventlog.Log].
func (d *Dying) Append(ctx context.Context, changes ...eventlog.Change) (eventlog.Position, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Left--
	switch {
	case d.Left > 0:
		return d.Log.Append(ctx, changes...)
	case d.Left == 0 && d.Stores:
		_, _ = d.Log.Append(ctx, changes...)
	}
	return 0, ErrKilled
}
