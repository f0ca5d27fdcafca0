package mcp

import (
	"context"
	"encoding/json"
	"net/http"
)

// Request is what the chain found out about an HTTP request before anybody was
// asked who is calling.
type Request struct {
	// Method is the JSON-RPC method, empty if there is none to see.
	Method string
	// Name is the tool or prompt that is called or the URI that is read.
	Name string
	// Scopes are those that the token must cover; none for what any token may do.
	Scopes []string

	id      json.RawMessage // of the message; nil for none
	fault   *fault
	accepts accepts
	follows bool // wants progress or log lines while it is served
	seen    peeked
}

type requestKey struct{}

// Needs returns what the request asks for. Both eras are read from the body, so
// that no header can say otherwise. Outside the chain it returns the zero Request.
func Needs(r *http.Request) Request {
	if q, ok := r.Context().Value(requestKey{}).(*Request); ok {
		return *q
	}
	return Request{}
}

func withRequest(r *http.Request, q *Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
}

// scopes are what a token must hold for the method, all of them.
func scopes(method, name string) []string {
	switch method {
	case "tools/call":
		return scopesOf(name)
	case "resources/read", "resources/subscribe":
		return resourceScopes(name)
	}
	return nil
}
