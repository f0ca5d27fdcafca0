package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
)

// maxBody is the largest request in bytes. The largest message that means
// something here has a few kilobytes.
const maxBody = 256 << 10

// fault is why a body is refused: an HTTP status and a JSON-RPC error. It is
// answered only after the authentication, so that a client that probes with
// anything at all learns first where to log in.
type fault struct {
	status  int
	code    int
	message string
}

// JSON-RPC 2.0 section 5.1.
const (
	parseError     = -32700
	invalidRequest = -32600
	methodNotFound = -32601
	invalidParams  = -32602
	internalError  = -32603
)

// read takes in the body of a POST, puts what it asks for into the request's
// context and hands the body on.
func (s *Server) read(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &Request{}
		if r.Method == http.MethodPost {
			body, f := take(w, r)
			if f == nil {
				f = q.look(body)
			}
			q.fault = f
			r.Body = io.NopCloser(bytes.NewReader(body))
			r.ContentLength = int64(len(body))
			q.accepts = mend(r)
			if q.id == nil && q.Method != "" && r.Header.Get("Mcp-Method") == "" && r.Header.Get("Mcp-Protocol-Version") >= modernSince {
				// The TypeScript SDK 2 leaves it out where it cancels, and takes the refusal
				// for a failure of its connection.
				r.Header["Mcp-Method"] = []string{q.Method}
			}
		}
		if seen, ok := w.(*watched); ok {
			seen.asked = *q
		}
		next.ServeHTTP(w, withRequest(r, q))
	})
}

func take(w http.ResponseWriter, r *http.Request) ([]byte, *fault) {
	tooLarge := &fault{status: http.StatusRequestEntityTooLarge, code: invalidRequest,
		message: fmt.Sprintf("the request is larger than the %d KiB that this shop takes; send fewer or shorter arguments", maxBody>>10)}
	if r.ContentLength > maxBody {
		readOn(r)
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(r.Body, maxBody+1)); err != nil {
		return nil, &fault{status: http.StatusBadRequest, code: parseError, message: "the request broke off before its end"}
	}
	if b.Len() > maxBody {
		readOn(r)
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	return b.Bytes(), nil
}

// spared is how much of a body that is too large is read all the same.
const spared = 1 << 20

// readOn reads over the rest of a body that is not much too large. A client that is
// still sending when the connection is closed sees that it was reset, and not the
// answer that says why.
func readOn(r *http.Request) {
	if r.ContentLength > spared || r.Header.Get("Expect") != "" {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, spared) // an error is for who reads the answer
}

// look finds out what the body asks for, or why it cannot be taken.
func (q *Request) look(body []byte) *fault {
	bad := func(code int, message string) *fault {
		return &fault{status: http.StatusBadRequest, code: code, message: message}
	}
	start := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(start) == 0:
		return bad(parseError, "the request has no body; send one JSON-RPC message")
	case !json.Valid(body):
		return bad(parseError, "the body is not valid JSON")
	case start[0] == '[':
		// A call inside an array would slip past every check of a single message.
		return bad(invalidRequest, "arrays of messages are not taken; send each message in a request of its own")
	case start[0] != '{':
		return bad(invalidRequest, "the body must be one JSON-RPC message, a JSON object")
	}
	p := peek(body)
	if p.deep {
		return bad(parseError, fmt.Sprintf("the JSON nests deeper than %d levels", maxDepth))
	}
	if !isID(p.id) {
		return bad(invalidRequest, "the id must be a text or a whole number")
	}
	q.id, q.seen = p.id, p
	switch {
	case p.twice:
		return bad(invalidRequest, "the message names its method or its target twice")
	case p.version != "2.0":
		return bad(invalidRequest, `the message is no JSON-RPC 2.0; it must hold "jsonrpc":"2.0"`)
	case p.params != 0 && p.params != '{' && p.params != 'n':
		return bad(invalidParams, "params must be an object")
	case p.method == "tools/call" && p.name == "":
		return bad(invalidParams, `tools/call must name the tool in params, such as {"name":"view_cart","arguments":{}}`)
	case p.method == "prompts/get" && !areTexts(p.arguments):
		// The SDK says of it in the new era that the header does not fit, and in the old
		// one all that was sent, in words of its own.
		return bad(invalidParams, `the arguments of a prompt must be texts, such as {"budget":"20"}`)
	}
	q.Method, q.Name, q.follows = p.method, p.name, p.follows
	switch p.method {
	case "resources/read", "resources/subscribe", "resources/unsubscribe":
		q.Name = p.uri
	}
	q.Scopes = scopes(q.Method, q.Name)
	if q.listens() {
		q.Scopes = listenScopes(p.wants)
	}
	return nil
}

// isID is whether an answer can carry the id as it was sent: the SDK reads numbers
// as floats, and 1.5 would come back as 1. None is one too.
func isID(id json.RawMessage) bool {
	if len(id) == 0 || id[0] == '"' {
		return true
	}
	n, err := strconv.ParseFloat(string(id), 64)
	return err == nil && n == math.Trunc(n) && math.Abs(n) < 1<<53
}

// areTexts is whether it is an object of texts, or nothing.
func areTexts(arguments json.RawMessage) bool {
	return len(arguments) == 0 || json.Unmarshal(arguments, &map[string]string{}) == nil
}

// refuseFaulty answers the faults that read found.
func refuseFaulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := Needs(r)
		if q.fault == nil {
			next.ServeHTTP(w, r)
			return
		}
		answerError(w, q.fault.status, q.id, q.fault.code, q.fault.message)
	})
}

// answerError answers with a JSON-RPC error.
func answerError(w http.ResponseWriter, status int, id json.RawMessage, code int, message string) {
	answerJSON(w, status, errorAnswer(id, code, message))
}

// errorAnswer is a JSON-RPC error. The id is null for a request that could not be
// read.
func errorAnswer(id json.RawMessage, code int, message string) any {
	if id == nil {
		id = json.RawMessage("null")
	}
	return map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": message}}
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(encode(body)) // a client that has gone needs no answer
}
