package mcp

import (
	"context"
	"net/http"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// waits are the calls that wait for a person to answer. Who ends a session must not
// wait for them: the SDK lets its calls finish first.
type waits struct {
	mu  sync.Mutex
	all map[*call]context.CancelFunc
}

// of begins a wait of the call, which ends with ctx, with done, or with its session.
func (w *waits) of(ctx context.Context, c *call) (waiting context.Context, done func()) {
	waiting, cancel := context.WithTimeout(ctx, answerTime)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[*call]context.CancelFunc{}
	}
	w.all[c] = cancel
	return waiting, func() {
		cancel()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, c)
	}
}

// end ends the waits of those calls.
func (w *waits) end(of func(*call) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, cancel := range w.all {
		if of(c) {
			cancel()
		}
	}
}

// hangUp ends the waits of the session that its own client is about to end.
func (s *Server) hangUp(r *http.Request) {
	id := r.Header.Get("Mcp-Session-Id")
	caller, ok := s.Caller(auth.TokenInfoFromContext(r.Context()))
	s.waits.end(func(c *call) bool {
		return ok && id != "" && c.sent.Session.ID() == id && c.caller.User == caller.User && c.caller.Client == caller.Client
	})
}
