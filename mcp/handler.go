package mcp

import (
	"net/http"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// sessionLife is how long a session of the old era lives without a request.
const sessionLife = 30 * time.Minute

// modernSince is the first protocol version without sessions. Versions are dates
// and compare as texts.
const modernSince = "2026-07-28"

// Handler returns the endpoint with everything in front of it: it survives
// panics, names and logs each request, checks Host and Origin, ends preflights,
// refuses what no client needs, takes in the body, authenticates, and hands over
// to the server of the request's era. It is the same handler at every call: the
// sessions of the old era live in it.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) chain() http.Handler { return s.front(s.straightly(s.eras())) }

// front is all that stands before what answers.
func (s *Server) front(answers http.Handler) http.Handler {
	h := refuseFaulty(s.opening(spoken(answers)))
	if s.Authenticate != nil {
		h = s.Authenticate(h)
	}
	return s.logged(s.hosts(s.cors(s.methods(s.read(h)))))
}

// eras routes by protocol version. Only a stateless server speaks 2026-07-28,
// only a stateful one all of the older versions; both share one server. A call of
// the old era without a session needs none here: it is what curl sends, and what
// clients send that never initialize.
func (s *Server) eras() http.Handler {
	get := func(*http.Request) *sdk.Server { return s.sdk }
	common := sdk.StreamableHTTPOptions{
		Logger: quiet(s.Logger), MaxRequestBodyBytes: maxBody,
		// The SDK's guard refuses every proxy on the same machine; hosts stands in.
		DisableLocalhostProtection: true,
	}
	modernOptions, legacyOptions := common, common
	modernOptions.Stateless, modernOptions.JSONResponse, modernOptions.PropagateRequestCancellation = true, true, true
	// Not JSONResponse: an answer may need to ask the person something first.
	// What is only one message becomes JSON all the same, see unstream.
	legacyOptions.SessionTimeout = s.idle
	lone := s.beating(sdk.NewStreamableHTTPHandler(get, &modernOptions))
	// Who wants to be told on the way needs a stream: with JSONResponse the SDK fails
	// a tool that reports its progress. Nearly all others are spared its cost.
	modernOptions.JSONResponse = false
	told := unstream(s.beating(sdk.NewStreamableHTTPHandler(get, &modernOptions)))
	modern := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What is listened to streams in any case, and lasts.
		if q := Needs(r); q.follows && !q.listens() {
			told.ServeHTTP(w, r)
			return
		}
		lone.ServeHTTP(w, r)
	})
	legacy := lost(unstream(s.beating(sdk.NewStreamableHTTPHandler(get, &legacyOptions))), modern)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bare := r.Method == http.MethodPost && r.Header.Get("Mcp-Session-Id") == "" && Needs(r).Method != "initialize"
		if bare || r.Header.Get("Mcp-Protocol-Version") >= modernSince {
			modern.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodDelete {
			s.alive.forget(r.Header.Get("Mcp-Session-Id"))
			s.hangUp(r)
		}
		legacy.ServeHTTP(w, r)
	})
}

// methods lets through what the endpoint knows. A GET without a session is a
// client that looks for a stream of the old era: anything but 405 makes some
// try again for ever (clients note, row 19), and a challenge makes them log in.
func (s *Server) methods(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := strings.TrimSuffix(r.URL.Path, "/"); p != Path && p != "" {
			answerJSON(w, http.StatusNotFound, map[string]string{"error": "not_found", "error_description": "The MCP endpoint is " + Path + "."})
			return
		}
		inSession := r.Header.Get("Mcp-Session-Id") != "" && r.Header.Get("Mcp-Protocol-Version") < modernSince
		if r.Method != http.MethodPost && !(inSession && (r.Method == http.MethodGet || r.Method == http.MethodDelete)) {
			w.Header().Set("Allow", "POST")
			answerJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "method_not_allowed",
				"error_description": "This is an MCP endpoint. Connect an MCP client to it, or send JSON-RPC with POST."})
			return
		}
		next.ServeHTTP(w, r)
	})
}
