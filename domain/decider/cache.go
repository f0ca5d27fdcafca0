package decider

import (
	"sync"
)

// cache keeps recent states of one category. It is bounded: when full, some
// other entry goes, since a lost entry only costs one read of the views.
type cache[S any] struct {
	mu   sync.Mutex
	most int
	by   map[string]entry[S]
}

type entry[S any] struct {
	state S
	Version
}

func (c *cache[S]) get(id string) (entry[S], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.by[id]
	return e, ok
}

func (c *cache[S]) put(id string, e entry[S]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.by[id]; !known && len(c.by) >= c.most {
		for other := range c.by {
			delete(c.by, other)
			break
		}
	}
	c.by[id] = e
}

func (c *cache[S]) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.by, id)
}
