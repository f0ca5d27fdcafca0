package mcp

import (
	"net/http"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"golang.org/x/time/rate"
)

// How many sessions of the old era a person may open: each is kept in memory for
// half an hour. At once as many as the busiest client with its retries, then so
// many a second, which bounds one person to some 3,700.
const (
	sessionsAtOnce    = 100
	sessionsPerSecond = 2
	openersKept       = 10_000
)

// openers counts the sessions that each person opens.
type openers struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

// may is whether the person may open another session now.
func (o *openers) may(user string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := o.by[user]
	if l == nil {
		if len(o.by) >= openersKept {
			o.forget(now)
		}
		l = rate.NewLimiter(sessionsPerSecond, sessionsAtOnce)
		o.by[user] = l
	}
	return l.AllowN(now, 1)
}

// forget drops who has not opened any for a while, or else somebody: the bound
// on memory is worth more than one person's count.
func (o *openers) forget(now time.Time) {
	for user, l := range o.by {
		if l.TokensAt(now) >= sessionsAtOnce {
			delete(o.by, user)
		}
	}
	for user := range o.by {
		if len(o.by) < openersKept {
			return
		}
		delete(o.by, user)
	}
}

// opening refuses who opens sessions without end. It stands behind the
// authentication, since it counts by person.
func (s *Server) opening(next http.Handler) http.Handler {
	o := &openers{by: map[string]*rate.Limiter{}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Needs(r).Method == "initialize" {
			if caller, ok := s.Caller(auth.TokenInfoFromContext(r.Context())); ok && !o.may(caller.User, s.Now()) {
				w.Header().Set("Retry-After", "5")
				answerJSON(w, http.StatusTooManyRequests, map[string]string{"error": "rate_limited",
					"error_description": "Too many sessions were opened for this person. Use the one you have, or wait some seconds."})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
