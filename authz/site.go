package authz

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// site is one origin under which the shop answers. Everything that a client
// compares to the byte is built from it once and never from a request.
type site struct {
	issuer   string // the origin: no path, no slash at the end
	resource string // the MCP endpoint, the audience of every token
	host     string // what a request's Host header must be
	secure   bool
	local    bool
}

// sites is the public URL and, if that is a loopback address, its other
// spellings on the same port, each with documents of its own.
type sites struct {
	main site
	all  map[string]site
}

// loopbacks are the names of this machine that clients use.
func loopbacks() []string { return []string{"localhost", "127.0.0.1", "[::1]"} }

// ParsePublicURL checks and normalises the URL under which clients reach the
// shop: https, or http on a loopback name; an origin without path. It returns
// the origin in lower case without slash, or an error that says what to change.
func ParsePublicURL(raw string) (string, error) {
	s, err := newSites(raw)
	return s.main.issuer, err
}

func newSites(raw string) (sites, error) {
	u, err := url.Parse(raw)
	bad := func(format string, a ...any) (sites, error) {
		return sites{}, fmt.Errorf("the public URL %q %s", shorten(raw, 120), fmt.Sprintf(format, a...))
	}
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return bad("is not a URL: give an origin such as http://127.0.0.1:8000 or https://shop.mydomain.net")
	case u.User != nil:
		return bad("holds a user name: leave it out")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(raw, "#"):
		return bad("holds a query or fragment: leave it out")
	case strings.Trim(u.Path, "/") != "" || len(u.Path) > 1:
		return bad("holds a path: give the origin only, the shop answers at its root and at /mcp")
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	local := slices.Contains(loopbacks(), host)
	switch {
	case scheme != "https" && scheme != "http":
		return bad("must begin with https:// (or http:// on this machine)")
	case scheme == "http" && !local:
		return bad("is http on a host that is not this machine: passwords and tokens would travel in the clear; use https")
	case strings.ContainsFunc(host, func(r rune) bool { return r > 126 || r < 33 }):
		return bad("holds characters beyond ASCII: write the host in its xn-- form")
	case host == "0.0.0.0" || host == "[::]":
		return bad("is an address to listen on, not one to connect to: give the name that clients use")
	case strings.HasSuffix(u.Host, ":"):
		return bad("ends in a colon without a port")
	case placeholder(host):
		return bad("is a placeholder: give the name under which clients really reach the shop")
	}
	if (scheme == "https" && port == "443") || (scheme == "http" && port == "80") {
		port = ""
	}
	make := func(host string) site {
		if port != "" {
			host = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
		origin := scheme + "://" + host
		return site{issuer: origin, resource: origin + "/mcp", host: host, secure: scheme == "https", local: local}
	}
	s := sites{main: make(host), all: map[string]site{}}
	s.all[s.main.host] = s.main
	if local {
		for _, name := range loopbacks() {
			alias := make(name)
			s.all[alias.host] = alias
		}
	}
	return s, nil
}

func placeholder(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		switch label {
		case "example", "yourdomain", "your-domain", "changeme", "invalid":
			return true
		}
	}
	return false
}

// of returns the site that a request came to by its Host header. Forwarding
// headers are anybody's to write and do not count.
func (s sites) of(r *http.Request) (site, bool) {
	at, ok := s.all[r.Host]
	if !ok {
		at, ok = s.all[strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(r.Host), ":443"), ":80")]
	}
	return at, ok
}

// canonical returns the shop's resource for any spelling of it that clients
// are known to send: with and without a slash, the origin alone, any alias
// (RFC 8707; clients.md row 6). Tokens are bound to that one value.
func (s sites) canonical(resource string) (string, bool) {
	resource = strings.TrimSuffix(resource, "/")
	for _, at := range s.all {
		if strings.EqualFold(resource, at.issuer) || (strings.HasSuffix(resource, "/mcp") && strings.EqualFold(resource, at.resource)) {
			return s.main.resource, true
		}
	}
	return "", false
}

// Issuer is the issuer identifier: the normalised public URL.
func (s *Server) Issuer() string { return s.sites.main.issuer }

// Resource is the MCP endpoint to paste into a client.
func (s *Server) Resource() string { return s.sites.main.resource }

// KnowsHost is whether the request's Host header is the public URL's or, on
// loopback, one of its other spellings.
func (s *Server) KnowsHost(r *http.Request) bool {
	_, ok := s.sites.of(r)
	return ok
}

// strays counts requests that came under another host, for one log line a minute.
type strays struct {
	mu    sync.Mutex
	count int
	last  time.Time
	// host is the one that was asked for last, since when it came.
	host  string
	since time.Time
}

// Stray is the last host under which a request came that is not the public
// URL's, and when; empty if none did since the start.
func (s *Server) Stray() (host string, at time.Time) {
	s.strays.mu.Lock()
	defer s.strays.mu.Unlock()
	return s.strays.host, s.strays.since
}

// known answers requests that came under another host than the public URL's
// with what is wrong and both cures (421, RFC 9110 section 15.5.20).
func (s *Server) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.sites.main.secure {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000") // RFC 6797
		}
		if s.KnowsHost(r) {
			next.ServeHTTP(w, r)
			return
		}
		s.misdirected(w, r)
	})
}

// Watched notes requests that come under another host and passes all on: next
// answers them itself.
func (s *Server) Watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.KnowsHost(r) {
			s.stray(shorten(printable(r.Host), 100))
		}
		next.ServeHTTP(w, r)
	})
}

// stray notes a request under another host and tells of it once a minute.
func (s *Server) stray(host string) {
	s.strays.mu.Lock()
	defer s.strays.mu.Unlock()
	now := s.now()
	s.strays.count++
	s.strays.host, s.strays.since = host, now
	if now.Sub(s.strays.last) < time.Minute {
		return
	}
	s.cfg.Logger.Warn("requests under a host that is not the public URL's: set --public-url to it or connect to the configured one",
		"host", host, "public_url", s.sites.main.issuer, "count", s.strays.count)
	s.strays.count, s.strays.last = 0, now
}

// hostOnly is a Host header without its port.
func hostOnly(host string) string {
	u := url.URL{Host: host}
	if name := u.Hostname(); strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return u.Hostname()
}

func (s *Server) misdirected(w http.ResponseWriter, r *http.Request) {
	host := shorten(printable(r.Host), 100)
	text := fmt.Sprintf("This shop was started for %s but was reached as host %q. Either restart it with --public-url set to the URL that you use, or connect to %s.",
		s.sites.main.issuer, host, s.sites.main.resource)
	if !s.sites.main.local && slices.Contains(loopbacks(), hostOnly(host)) {
		// Not another address but this one, by a proxy that hides the name that it was
		// asked under (clients.md row 16).
		text = fmt.Sprintf("This shop was started for %s, and the proxy before it passes requests on under host %q. Let it pass on the Host header that it got (nginx: proxy_set_header Host $host).",
			s.sites.main.issuer, host)
	}
	s.stray(host)
	if wantsPage(r) {
		s.page(func(http.ResponseWriter, *http.Request) error {
			return &pageError{status: http.StatusMisdirectedRequest, title: "This is not the shop’s address", text: text, hint: "Go to " + s.sites.main.issuer + " instead."}
		}).ServeHTTP(w, r)
		return
	}
	writeJSON(w, http.StatusMisdirectedRequest, wireError{"misdirected_request", text})
}
