package projections

import (
	"sync"

	"till/domain/decider"
	"till/domain/eventlog"
)

// cache keeps decoded states of one kind of aggregate for those who read. It is
// bounded: when full, some other state goes, since a lost one costs one read of
// the file. States are immutable values and may be shared.
//
// What it holds of an id is always the newest state that the projector has
// folded. A reader at an earlier moment must not take it; one whose moment
// includes it may, since nothing of that id happened between the two.
type cache struct {
	most int

	mu sync.RWMutex
	by map[string]held
	at eventlog.Position // all changes up to here are in by, where by has the id
}

type held struct {
	state any
	decider.Version
}

func newCache(most int) *cache { return &cache{most: most, by: map[string]held{}} }

// newest returns the state as it is known last.
func (c *cache) newest(id string) (held, bool) {
	c.mu.RLock()
	h, ok := c.by[id]
	c.mu.RUnlock()
	return h, ok
}

// asOf returns the state if it is that of the moment.
func (c *cache) asOf(id string, at eventlog.Position) (held, bool) {
	h, ok := c.newest(id)
	return h, ok && h.Position <= at
}

// learn keeps what a reader found in the file at its moment, unless something
// was folded since, which might be of this very id.
func (c *cache) learn(id string, h held, at eventlog.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at > at {
		return
	}
	c.put(id, h)
}

// replace takes the projector's changes up to a position. It is called before
// they are committed, so that no reader's moment can include a change that the
// cache does not. Ids that nobody has read are only kept if keep is set.
func (c *cache) replace(at eventlog.Position, keep bool, changes func(yield func(string, held) bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
	for id, h := range changes {
		if _, known := c.by[id]; known || keep {
			c.put(id, h)
		}
	}
}

// update changes what is held of some ids, if anything is, by the rules of
// replace.
func (c *cache) update(at eventlog.Position, changes func(change func(id string, next func(held) held))) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
	changes(func(id string, next func(held) held) {
		if h, known := c.by[id]; known {
			c.by[id] = next(h)
		}
	})
}

// lose drops some ids, by the rules of replace.
func (c *cache) lose(at eventlog.Position, ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
	for _, id := range ids {
		delete(c.by, id)
	}
}

// forget drops everything, by the rules of replace.
func (c *cache) forget(at eventlog.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
	clear(c.by)
}

func (c *cache) put(id string, h held) {
	if _, known := c.by[id]; !known && len(c.by) >= c.most {
		for other := range c.by {
			delete(c.by, other)
			break
		}
	}
	c.by[id] = h
}
