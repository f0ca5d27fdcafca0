package mcp

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// requestHeader carries the id of a request: into the SDK, whose handlers see
// the headers but, in a session, not the context; and back to the client.
const requestHeader = "X-Request-Id"

// logged gives each request an id, writes one line about it, and turns a panic
// into an answer. The line holds no header, no argument and no token.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		id := r.Header.Get(requestHeader)
		if !plainID(id) {
			id = s.NewID()
			r.Header[requestHeader] = []string{id}
		}
		w.Header()[requestHeader] = []string{id}
		seen := &watched{ResponseWriter: w}
		defer func() {
			if fault := recover(); fault != nil {
				if fault == http.ErrAbortHandler {
					panic(fault)
				}
				s.Logger.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request", id),
					slog.Any("fault", fault), slog.String("stack", string(debug.Stack())))
				if seen.status == 0 {
					answerJSON(seen, http.StatusInternalServerError, map[string]string{"error": "server_error",
						"error_description": fmt.Sprintf("The shop made a mistake. Report request %s to it.", id)})
				}
			}
			s.note(r, seen, id, began)
		}()
		next.ServeHTTP(seen, r)
	})
}

// note writes the line about a request.
func (s *Server) note(r *http.Request, w *watched, id string, began time.Time) {
	level := slog.LevelInfo
	if w.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !s.Logger.Enabled(r.Context(), level) {
		return
	}
	s.Logger.LogAttrs(r.Context(), level, "mcp request", slog.String("request", id), slog.String("http", r.Method),
		slog.String("method", clip(w.asked.Method, 60)), slog.String("name", clip(w.asked.Name, 60)),
		slog.Int("status", w.status), slog.Duration("took", s.Now().Sub(began)))
}

// plainID is whether a client's own request id may stand in our log.
func plainID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// watched remembers the status, and marks event streams so that no proxy holds
// them back.
type watched struct {
	http.ResponseWriter
	status int
	asked  Request
}

// Unwrap lets http.ResponseController reach Flush.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		if h := w.Header(); h.Get("Content-Type") == "text/event-stream" {
			h["X-Accel-Buffering"] = []string{"no"}
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}
