package mcp

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// hosts lets a request through that came under a name of this shop. A page that
// has its own name point to the shop's address (DNS rebinding) is refused here,
// since its Origin would equal its Host.
func (s *Server) hosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached := r.Host
		// A proxy in front that rewrites Host to loopback tells the real one.
		if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" && isLoopback(r.Host) {
			first, _, _ := strings.Cut(forwarded, ",")
			reached = strings.TrimSpace(first)
		}
		if s.knows(reached) {
			next.ServeHTTP(w, r)
			return
		}
		scheme := s.PublicURL.Scheme
		if p := r.Header.Get("X-Forwarded-Proto"); p == "https" || p == "http" {
			scheme = p
		}
		here, there := s.PublicURL.Scheme+"://"+s.PublicURL.Host, scheme+"://"+clip(reached, 200)
		// Anybody can ask under any name: one line a minute is enough to find out.
		s.strays.Do(func() {
			s.Logger.LogAttrs(r.Context(), slog.LevelWarn, "reached under a foreign name", slog.String("started_for", here), slog.String("reached_as", there))
		})
		answerJSON(w, http.StatusMisdirectedRequest, map[string]string{
			"error": "misdirected_request",
			"error_description": fmt.Sprintf("This shop was started for %s but reached as %s. Connect to %s, or start the shop with --public-url %s.",
				here, there, here+Path, there),
			"started_for": here, "reached_as": there,
		})
	})
}

// knows is whether the shop answers to the host, whatever the port: the name is
// what a rebinding attack cannot choose.
func (s *Server) knows(host string) bool {
	name := hostname(host)
	return name != "" && (name == hostname(s.PublicURL.Host) || isLoopback(host) || slices.ContainsFunc(s.Aliases, func(a string) bool { return hostname(a) == name }))
}

// hostname is a host without port and brackets, in lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

func isLoopback(host string) bool {
	name := hostname(host)
	if name == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}

// allows is whether pages of the web origin may call the shop: its own, those
// on this machine while the shop itself is on it, and the listed ones.
func (s *Server) allows(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return false // "null" too
	}
	same := func(other string) bool {
		o, err := url.Parse(strings.TrimSuffix(other, "/"))
		return err == nil && o.Scheme == u.Scheme && hostname(o.Host) == hostname(u.Host) && port(o) == port(u)
	}
	return same(s.PublicURL.Scheme+"://"+s.PublicURL.Host) ||
		isLoopback(u.Host) && isLoopback(s.PublicURL.Host) ||
		slices.ContainsFunc(s.AllowOrigins, same)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
