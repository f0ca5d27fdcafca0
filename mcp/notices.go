package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// notices are the writing calls of the old era that are answered straight just now:
// there a notice ends a call, and that its connection breaks says nothing (MCP
// 2025-11-25, basic/transports).
type notices struct {
	mu   sync.Mutex
	runs map[noticed]*context.CancelFunc
}

// noticed names a call as a notice does, and whose it is.
type noticed struct{ session, user, id string }

func noticeOf(r *http.Request, id json.RawMessage) noticed {
	return noticed{r.Header.Get("Mcp-Session-Id"), userOf(auth.TokenInfoFromContext(r.Context())), string(id)}
}

// begin returns the context of a call, and what is called at its end.
func (n *notices) begin(r *http.Request, id json.RawMessage) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	call := noticeOf(r, id)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.runs == nil {
		n.runs = map[noticed]*context.CancelFunc{}
	}
	n.runs[call] = &cancel
	return ctx, func() {
		cancel()
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.runs[call] == &cancel { // not another's under the same id
			delete(n.runs, call)
		}
	}
}

// take ends the call that the notice names, if it is one of these.
func (n *notices) take(r *http.Request, id json.RawMessage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if cancel := n.runs[noticeOf(r, id)]; cancel != nil {
		(*cancel)()
	}
}
