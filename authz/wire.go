package authz

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"till/domain/decider"
	"till/domain/eventlog"
)

// wireError is an error in the form of RFC 6749 section 5.2.
type wireError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// refusal is an error with the answer that it gets. Its text is for the client
// and holds nothing of the inside.
type refusal struct {
	status int
	wireError
	after time.Duration // for Retry-After
}

func (e *refusal) Error() string { return e.Code + ": " + e.Description }

func refuse(status int, code, description string) *refusal {
	return &refusal{status: status, wireError: wireError{code, description}}
}

func tooMany(after time.Duration) *refusal {
	return &refusal{429, wireError{"temporarily_unavailable", "Too many requests. Wait for the time in Retry-After, then try again."}, after}
}

// outage is whether the error means that the shop cannot answer now, as
// opposed to an answer that is no.
func outage(err error) bool {
	return errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, eventlog.ErrDamaged) ||
		errors.Is(err, eventlog.ErrUnknownType) || errors.Is(err, decider.ErrBusy) || errors.Is(err, decider.ErrNoState) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

var errUnavailable = &refusal{503, wireError{"temporarily_unavailable", "The shop cannot answer now. Try again in a few seconds; nothing was lost."}, 2 * time.Second}

// answer turns any error into the one that a client sees. What it does not
// know is logged and answered as a server error with a reference.
func (s *Server) answer(r *http.Request, err error) *refusal {
	var no *refusal
	if errors.As(err, &no) {
		return no
	}
	if outage(err) {
		s.cfg.Logger.Warn("authorization cannot answer", "path", r.URL.Path, "error", err)
		return errUnavailable
	}
	ref := random(6)
	s.cfg.Logger.Error("authorization failed", "path", r.URL.Path, "reference", ref, "error", err)
	return refuse(500, "server_error", "Something went wrong in the shop. Try again; if it stays, tell the operator the reference "+ref+".")
}

// json makes a handler of one that returns an error.
func (s *Server) json(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			no := s.answer(r, err)
			retryAfter(w, no.after)
			if no.Code == "invalid_client" && r.Header.Get("Authorization") != "" {
				// RFC 6749 section 5.2 wants the scheme that the client tried.
				w.Header().Set("WWW-Authenticate", `Basic realm="till"`)
			}
			writeJSON(w, no.status, no.wireError)
		}
	})
}

func retryAfter(w http.ResponseWriter, after time.Duration) {
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
}

// writeJSON answers with a body that nobody may store.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types only
	}
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// only lets through the named methods and answers 405 to all others, HEAD and
// OPTIONS included: none of these addresses may act on them.
func only(next http.Handler, methods ...string) http.Handler {
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range methods {
			if r.Method == m {
				next.ServeHTTP(w, r)
				return
			}
		}
		w.Header().Set("Allow", allow)
		writeJSON(w, http.StatusMethodNotAllowed, wireError{"invalid_request", "Use " + strings.Join(methods, " or ") + " here."})
	})
}

// cors opens an address to the scripts of every origin, without credentials:
// these answer the same to anybody who has the token in hand. Pages with
// cookies never pass here.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, DPoP")
			h.Set("Access-Control-Max-Age", "3600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
