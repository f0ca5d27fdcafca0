package mcp

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// lost serves a call of the old era whose session is not here as a call without
// one: the session was opened before a restart, or lay idle for too long. The
// protocol wants its client to initialize again, and the most used SDK never does:
// every call fails until the person connects the shop anew by hand (clients note,
// row 17). A session is only memory here, so nothing is missing but what the shop
// might have asked or told by itself. What the client has ended itself, and what
// never was a session of ours, gets the protocol's 404 (row 18).
func lost(sessions, without http.Handler) http.Handler {
	var ended endedSessions
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Mcp-Session-Id")
		if r.Method == http.MethodDelete {
			ended.add(id)
		}
		// Nor can what tells of changes be had without a session.
		if method := Needs(r).Method; r.Method != http.MethodPost || method == "initialize" || method == "resources/subscribe" || !isSession(id) || ended.has(id) {
			sessions.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body) // from memory, see read
		if err != nil {
			sessions.ServeHTTP(w, r)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		first := &unlessMissing{ResponseWriter: w}
		sessions.ServeHTTP(first, r)
		if !first.missing {
			return
		}
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		again.Header.Del("Mcp-Session-Id")
		w.Header().Del("Content-Type") // the refusal's
		without.ServeHTTP(w, again)
	})
}

// isSession is whether the id looks like those that the SDK gives (rand.Text).
func isSession(id string) bool {
	return len(id) == 26 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// unlessMissing holds an answer back that begins with 404: what the SDK says of a
// session that it does not have.
type unlessMissing struct {
	http.ResponseWriter
	started, missing bool
}

// Unwrap lets http.ResponseController reach Flush.
func (u *unlessMissing) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func (u *unlessMissing) WriteHeader(status int) {
	if !u.started && status == http.StatusNotFound {
		u.missing = true
		return
	}
	u.started = true
	u.ResponseWriter.WriteHeader(status)
}

func (u *unlessMissing) Write(b []byte) (int, error) {
	if u.missing {
		return len(b), nil
	}
	u.started = true
	return u.ResponseWriter.Write(b)
}

// endedSessions are the last that clients ended themselves.
type endedSessions struct {
	mu  sync.Mutex
	ids []string
}

func (e *endedSessions) add(id string) {
	if !isSession(id) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	const most = 1000
	if e.ids = append(e.ids, id); len(e.ids) > most {
		e.ids = slices.Delete(e.ids, 0, most/10)
	}
}

func (e *endedSessions) has(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.ids, id)
}
