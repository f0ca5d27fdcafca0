package mcp

import (
	"encoding/json"
	"net/http"
	"strings"
)

// spoken turns the SDK's plain-text refusals into JSON-RPC errors with the id of
// the request and the same status: clients look for the message there.
func spoken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		t := &translator{ResponseWriter: w, id: Needs(r).id}
		next.ServeHTTP(t, r)
		if t.held != 0 {
			t.say("")
		}
	})
}

// translator holds a refusal back until its text has come.
type translator struct {
	http.ResponseWriter
	id   json.RawMessage
	held int // the status of a refusal without its text; 0 for none
}

// Unwrap lets http.ResponseController reach Flush.
func (t *translator) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *translator) WriteHeader(status int) {
	if status >= http.StatusBadRequest && strings.HasPrefix(t.Header().Get("Content-Type"), "text/plain") {
		t.held = status
		return
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *translator) Write(b []byte) (int, error) {
	if t.held == 0 {
		return t.ResponseWriter.Write(b)
	}
	t.say(strings.TrimSpace(string(b)))
	return len(b), nil
}

func (t *translator) say(text string) {
	status, code := t.held, invalidRequest
	t.held = 0
	switch {
	case status == http.StatusNotFound:
		text = "the session is not known, or not any more: send initialize again"
	case strings.HasPrefix(text, "JSON RPC not handled") && t.id == nil:
		// A notice of something that means nothing here is taken and forgotten: nobody
		// waits for an answer (JSON-RPC 2.0, section 4.1).
		t.Header().Del("Content-Type")
		t.Header().Del("X-Content-Type-Options")
		t.ResponseWriter.WriteHeader(http.StatusAccepted)
		return
	case strings.HasPrefix(text, "JSON RPC not handled"):
		code, text = methodNotFound, "there is no such method"
	case text == "":
		text = strings.ToLower(http.StatusText(status))
	}
	t.Header().Del("X-Content-Type-Options")
	answerError(t.ResponseWriter, status, t.id, code, clip(text, 300))
}
