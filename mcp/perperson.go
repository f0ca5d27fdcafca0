package mcp

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// peopleKept bounds of how many people something is counted.
const peopleKept = 10_000

// perPerson counts what each person does, and bounds it.
type perPerson struct {
	perSecond rate.Limit
	atOnce    int

	mu sync.Mutex
	by map[string]*rate.Limiter
}

func newPerPerson(perSecond rate.Limit, atOnce int) *perPerson {
	return &perPerson{perSecond: perSecond, atOnce: atOnce, by: map[string]*rate.Limiter{}}
}

// of is the person's own count.
func (p *perPerson) of(user string, now time.Time) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.by[user]
	if l == nil {
		if len(p.by) >= peopleKept {
			p.forget(now)
		}
		l = rate.NewLimiter(p.perSecond, p.atOnce)
		p.by[user] = l
	}
	return l
}

// may is whether the person may do it once more now.
func (p *perPerson) may(user string, now time.Time) bool { return p.of(user, now).AllowN(now, 1) }

// forget drops who has done nothing for a while, or else somebody: the bound on
// memory is worth more than one person's count.
func (p *perPerson) forget(now time.Time) {
	for user, l := range p.by {
		if l.TokensAt(now) >= float64(p.atOnce) {
			delete(p.by, user)
		}
	}
	for user := range p.by {
		if len(p.by) < peopleKept {
			return
		}
		delete(p.by, user)
	}
}
