package projections

import (
	"sync"
	"sync/atomic"

	"till/domain/eventlog"
)

// mostChanges is how many streams are named to who watches before they are told
// that anything may have changed.
const mostChanges = 4096

// watchers are told which streams have changed. While there are none, following
// the log costs nothing more.
type watchers struct {
	any atomic.Bool

	mu  sync.Mutex
	all map[int]func([]eventlog.Stream)
	// given is the last number that was given to a watcher.
	given int

	// The projector's own: what has changed since it last told, and up to where it
	// has told. A file that is built anew takes in old events again.
	changed map[eventlog.Stream]struct{}
	many    bool
	upto    eventlog.Position
}

// Watch calls told with the streams that events were added to, each once, after
// they can be read; with nil when there are so many that anything may have
// changed. What was added before the call may be told once more. told runs
// between two batches of the log, so it must neither wait nor read the views; it
// is not called after stop has returned.
func (v *Views) Watch(told func(changed []eventlog.Stream)) (stop func()) {
	w := &v.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given++
	id := w.given
	if w.all == nil {
		w.all = map[int]func([]eventlog.Stream){}
	}
	w.all[id] = told
	w.any.Store(true)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, id)
		w.any.Store(len(w.all) > 0)
	}
}

// note remembers what the facts change.
func (w *watchers) note(facts []fact) {
	if !w.any.Load() {
		return
	}
	for _, f := range facts {
		if f.Position <= w.upto {
			continue
		}
		w.upto = f.Position
		if w.changed == nil {
			w.changed = map[eventlog.Stream]struct{}{}
		}
		if w.changed[f.Stream] = struct{}{}; len(w.changed) > mostChanges {
			clear(w.changed)
			w.many = true
		}
	}
}

// tell tells what was noted, which can be read now.
func (w *watchers) tell() {
	if len(w.changed) == 0 && !w.many {
		return
	}
	var changed []eventlog.Stream
	if !w.many {
		changed = make([]eventlog.Stream, 0, len(w.changed))
		for stream := range w.changed {
			changed = append(changed, stream)
		}
	}
	clear(w.changed)
	w.many = false
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, told := range w.all {
		told(changed)
	}
}
