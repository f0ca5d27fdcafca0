package authz

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits are the server's rate limits. They are wide per address, since users
// of a hosted client all come from its vendor's few (clients.md row 35), and
// narrow where a failure shows that somebody is guessing.
type limits struct {
	registerFrom, registerAll *limiter // registrations
	loginFrom, loginAs        *limiter // failed logins, by address and by account
	tokenFrom                 *limiter // token and revocation requests
	documentFrom              *limiter // fetches of client documents
	upstreamFrom, upstreamAll *limiter // logins at the OpenID provider: steps, and calls to it
	staleFrom                 *limiter // reads of the log for a token the views lack
}

func newLimits() limits {
	return limits{
		registerFrom: newLimiter(5*time.Second, 60),
		registerAll:  newLimiter(time.Second, 300),
		loginFrom:    newLimiter(2*time.Second, 100),
		loginAs:      newLimiter(30*time.Second, 10),
		tokenFrom:    newLimiter(10*time.Millisecond, 500),
		documentFrom: newLimiter(6*time.Second, 20),
		upstreamFrom: newLimiter(time.Second, 100),
		upstreamAll:  newLimiter(50*time.Millisecond, 400),
		staleFrom:    newLimiter(10*time.Millisecond, 500),
	}
}

// maxKeys bounds how many keys a limiter remembers.
const maxKeys = 10_000

// limiter is a token bucket for each key.
type limiter struct {
	every rate.Limit
	burst int
	mu    sync.Mutex
	by    map[string]*rate.Limiter
}

func newLimiter(every time.Duration, burst int) *limiter {
	return &limiter{every: rate.Every(every), burst: burst, by: map[string]*rate.Limiter{}}
}

// take uses one of the key's tokens up, or returns how long to wait for one.
func (l *limiter) take(key string, now time.Time) (wait time.Duration, ok bool) {
	b := l.bucket(key, now)
	if b.AllowN(now, 1) {
		return 0, true
	}
	return l.wait(b, now), false
}

// empty returns how long to wait if the key has no token left, using none up.
func (l *limiter) empty(key string, now time.Time) (wait time.Duration, empty bool) {
	l.mu.Lock()
	b := l.by[key]
	l.mu.Unlock()
	if b == nil || b.TokensAt(now) >= 1 {
		return 0, false
	}
	return l.wait(b, now), true
}

func (l *limiter) wait(b *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - b.TokensAt(now)
	return max(time.Second, time.Duration(missing/float64(l.every)*float64(time.Second)))
}

func (l *limiter) bucket(key string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.by[key]
	if b == nil {
		if len(l.by) >= maxKeys {
			l.sweep(now)
		}
		b = rate.NewLimiter(l.every, l.burst)
		l.by[key] = b
	}
	return b
}

// sweep makes room: keys whose bucket is full again have nothing to remember;
// if there are none, a few others go.
func (l *limiter) sweep(now time.Time) {
	for key, b := range l.by {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.by, key)
		}
	}
	for key := range l.by {
		if len(l.by) < maxKeys*9/10 {
			return
		}
		delete(l.by, key)
	}
}
