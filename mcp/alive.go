package mcp

import (
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

const (
	// aliveFor is how long a session of the old era counts as alive after the SDK has
	// answered in it, at most: far shorter than it takes one to idle out, so that one
	// call a minute keeps it from that.
	aliveFor = time.Minute
	// aliveKept bounds of how many sessions it is known.
	aliveKept = 10_000
)

// alive are the sessions in which the SDK has lately answered, and for whom: it has
// checked both.
type alive struct {
	mu sync.Mutex
	by map[string]heard
}

type heard struct {
	user string // as the token names it
	at   time.Time
}

// note remembers that the SDK has taken a request of the session.
func (a *alive) note(id string, token *auth.TokenInfo, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil || len(a.by) >= aliveKept {
		a.by = map[string]heard{} // the next calls go through the SDK, that is all
	}
	a.by[id] = heard{userOf(token), now}
}

// lately is whether the SDK has answered the token in the session within the time.
func (a *alive) lately(id string, token *auth.TokenInfo, within time.Duration, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.by[id]
	return known && last.user == userOf(token) && now.Sub(last.at) < within
}

// forget is for a session that ends.
func (a *alive) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, id)
}

func userOf(token *auth.TokenInfo) string {
	if token == nil {
		return ""
	}
	return token.UserID
}
