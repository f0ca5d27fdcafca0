package mcp

import (
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// How many sessions of the old era a person may open: each is kept in memory for
// half an hour. At once as many as the busiest client with its retries, then so
// many a second, which bounds one person to some 3,700.
const (
	sessionsAtOnce    = 100
	sessionsPerSecond = 2
)

// opening refuses who opens sessions without end. It stands behind the
// authentication, since it counts by person.
func (s *Server) opening(next http.Handler) http.Handler {
	o := newPerPerson(sessionsPerSecond, sessionsAtOnce)
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
