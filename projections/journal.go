package projections

import (
	"sync"

	"till/domain/eventlog"
)

// journalled is how many changes a journal remembers.
const journalled = 4096

// journal remembers what changed lately, so that what is kept in memory of many
// rows can follow without being read anew. The projector notes a change before
// it is committed: no reader's moment includes one that is not noted.
type journal struct {
	mu    sync.Mutex
	notes []note
	// since: every change after this position is among the notes.
	since eventlog.Position
}

type note struct {
	at eventlog.Position
	id string
}

// add notes that the ids changed with the write up to a position.
func (j *journal) add(at eventlog.Position, ids ...string) {
	if len(ids) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range ids {
		j.notes = append(j.notes, note{at, id})
	}
	if len(j.notes) < 2*journalled {
		return
	}
	cut := len(j.notes) - journalled
	j.since = j.notes[cut-1].at
	j.notes = append([]note(nil), j.notes[cut:]...)
}

// between returns the ids that changed after one moment and up to another, each
// once; ok is false when that is not remembered.
func (j *journal) between(from, to eventlog.Position) (ids map[string]bool, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if from < j.since {
		return nil, false
	}
	for i := len(j.notes) - 1; i >= 0 && j.notes[i].at > from; i-- {
		if j.notes[i].at > to {
			continue
		}
		if ids == nil {
			ids = map[string]bool{}
		}
		ids[j.notes[i].id] = true
	}
	return ids, true
}
