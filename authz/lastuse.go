package authz

import (
	"sync"
	"sync/atomic"
	"time"
)

// uses remembers when each grant last made a call. It is for people to read, so
// that it lives in memory only: after a restart the last renewal of the tokens,
// ten minutes off at most, stands in for it.
type uses struct {
	by    sync.Map // grant id to *atomic.Int64, Unix seconds
	count atomic.Int64
}

// maxUses bounds how many grants are remembered; beyond it all are forgotten.
const maxUses = 100_000

func (u *uses) note(grant string, at time.Time) {
	last, ok := u.by.Load(grant)
	if !ok {
		var known bool
		if last, known = u.by.LoadOrStore(grant, new(atomic.Int64)); !known && u.count.Add(1) > maxUses {
			u.by.Clear()
			u.count.Store(0)
		}
	}
	last.(*atomic.Int64).Store(at.Unix())
}

// last is when the grant was last used as far as it is remembered, and not
// before the time that is known otherwise.
func (u *uses) last(grant string, known time.Time) time.Time {
	if last, ok := u.by.Load(grant); ok {
		if at := time.Unix(last.(*atomic.Int64).Load(), 0); at.After(known) {
			return at
		}
	}
	return known
}
