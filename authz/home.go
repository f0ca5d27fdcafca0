package authz

import (
	"net/http"
	"strings"
)

// homePage tells a person who opens the shop's address that it is reachable
// and what to paste into a client.
type homePage struct {
	frame
	Resource string
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	return s.show(w, 200, "home", homePage{frame{Title: "Welcome"}, at.resource})
}

// nowhere is the answer for every address that is not there: never a page,
// which some clients would take for a document.
func nowhere(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusNotFound, wireError{"not_found", "There is nothing at this address. The shop is at /, its MCP endpoint at /mcp."})
}

// wantsPage is whether a person is looking: only browsers ask for HTML by name.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/.well-known/")
}
