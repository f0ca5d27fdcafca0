package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"till/projections"
)

// opening answers for a shop that cannot be used yet: the address is taken
// first, and opening a large log after a kill takes its time.
type opening struct {
	doing atomic.Pointer[string]
	views atomic.Pointer[projections.Views]
}

// say tells what the shop is doing now. A shop that nobody can ask has no
// opening.
func (o *opening) say(what string) {
	if o != nil {
		o.doing.Store(&what)
	}
}

// build tells which views the shop waits for.
func (o *opening) build(v *projections.Views) {
	if o != nil {
		o.views.Store(v)
	}
}

func (o *opening) why(ctx context.Context) string {
	if v := o.views.Load(); v != nil && !v.Readable() {
		return howFar(ctx, v)
	}
	return *o.doing.Load()
}

// ServeHTTP says that the program is there, and what it is doing; everything
// else is to come again.
func (o *opening) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthz":
		fmt.Fprintln(w, "ok")
	case "/readyz":
		answerReady(w, readiness{Why: o.why(r.Context())})
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"error": "temporarily_unavailable", "error_description": "The shop is just opening. Try again in a few seconds.",
		})
	}
}

// readiness is what /readyz says.
type readiness struct {
	Ready    bool   `json:"ready"`
	Position uint64 `json:"position"`
	Head     uint64 `json:"head"`
	Why      string `json:"why,omitempty"`
}

func answerReady(w http.ResponseWriter, status readiness) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !status.Ready {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(status)
}

// howFar says how far views are that cannot be read yet.
func howFar(ctx context.Context, v *projections.Views) string {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond) // a log that is slow to answer is no reason to be
	defer cancel()
	if s, err := v.Stats(ctx); err == nil && s.Building {
		return fmt.Sprintf("the views are being built: %s of %s events", grouped(uint64(s.Built)), grouped(uint64(s.Head)))
	}
	return "the views are catching up with the log"
}

// grouped is a number with a comma before every three digits.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
