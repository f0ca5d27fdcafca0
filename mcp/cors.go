package mcp

import (
	"fmt"
	"net/http"
	"strings"
)

const (
	corsMethods = "POST, GET, DELETE, OPTIONS"
	// What MCP clients in browsers send and want to read.
	corsAllow  = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, DPoP, X-Request-Id"
	corsExpose = "WWW-Authenticate, Mcp-Session-Id, Retry-After, Mcp-Protocol-Version, X-Request-Id"
)

// cors refuses pages of foreign web origins (2026-07-28, transports: an invalid
// Origin is 403) and tells browsers what the others may do. A preflight ends
// here, before any token is asked for.
func (s *Server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origins, sent := r.Header["Origin"]; sent {
			if len(origins) != 1 || !s.allows(origins[0]) {
				answerJSON(w, http.StatusForbidden, map[string]string{
					"error": "forbidden_origin",
					"error_description": fmt.Sprintf("Pages of %s may not call this shop. If they shall, start it with --allow-origin %[1]s.",
						clip(strings.Join(origins, ", "), 200)),
				})
				return
			}
			h.Set("Access-Control-Allow-Origin", origins[0])
			h.Set("Access-Control-Expose-Headers", corsExpose)
		}
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsAllow)
			h.Set("Access-Control-Max-Age", "600")
			h.Set("Allow", corsMethods)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
