// Package redirect judges the addresses to which an authorization code may be
// sent: which may be registered, and whether the one asked for is one of them.
// It compares text and never resolves or fetches anything.
package redirect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxLength is the largest accepted length of an address in bytes.
const MaxLength = 512

// ErrRefused: the address may not be registered; the text around it says why.
var ErrRefused = errors.New("redirect address refused")

// app is whether the scheme is that of a program that is known to use a bare
// word where RFC 8252 section 7.1 asks for a reversed domain name.
func app(scheme string) bool {
	switch scheme {
	case "claude", "cursor", "vscode", "vscode-insiders", "windsurf", "zed":
		return true
	}
	return false
}

func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "[::1]"
}

// address is a redirect address taken apart by its text alone.
type address struct {
	scheme string
	host   string // with brackets, without port
	port   string // with colon, or empty
	rest   string // path and query
}

// Check returns nil if the address may be registered, or an ErrRefused that
// says what is wrong with it.
func Check(uri string) error {
	_, err := parse(uri)
	return err
}

// Match is whether asked is the registered address: the same text, or the same
// but for the port and the spelling of the loopback host when both are http on
// loopback (RFC 8252 section 7.3, widened to "localhost", which many clients
// register and few then use to the letter).
func Match(registered, asked string) bool {
	a, err := parse(asked)
	if err != nil {
		return false
	}
	if registered == asked {
		return true
	}
	r, err := parse(registered)
	if err != nil {
		return false
	}
	return a.loopback() && r.loopback() && a.rest == r.rest
}

// Loopback is whether the address leads to a program on the person's own
// machine over http.
func Loopback(uri string) bool {
	a, err := parse(uri)
	return err == nil && a.loopback()
}

// Web is whether the address leads to an https host.
func Web(uri string) bool {
	a, err := parse(uri)
	return err == nil && a.scheme == "https"
}

// Destination names where a code sent to the address ends up, for a person to
// read: a host, or the scheme of a program.
func Destination(uri string) string {
	a, err := parse(uri)
	switch {
	case err != nil:
		return ""
	case a.host != "":
		return a.host + a.port
	}
	return a.scheme + ":"
}

func (a address) loopback() bool { return a.scheme == "http" && loopback(a.host) }

func parse(uri string) (address, error) {
	no := func(why string) (address, error) { return address{}, fmt.Errorf("%w: %s", ErrRefused, why) }
	if len(uri) > MaxLength {
		return no("it is longer than 512 bytes")
	}
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c > '~' || strings.IndexByte(`"<>\^`+"`{|}", c) >= 0 {
			return no("it holds a blank, a backslash or another character that no address may hold")
		}
	}
	if strings.Contains(uri, "#") {
		return no("it holds a fragment")
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !schemeName(scheme) {
		return no("it does not begin with a scheme in lower case")
	}
	if dots(rest) {
		return no(`it holds "." or ".." as a part of its path`)
	}
	switch {
	case scheme == "https" || scheme == "http":
		return parseWeb(scheme, rest)
	case app(scheme) || (strings.Contains(scheme, ".") && !strings.HasPrefix(scheme, ".") && !strings.HasSuffix(scheme, ".")):
		if rest == "" || strings.Contains(rest, "@") {
			return no("nothing follows its scheme, or it holds a user name")
		}
		return address{scheme: scheme, rest: rest}, nil
	}
	return no("its scheme is neither https, nor http on loopback, nor a reversed domain name, nor that of a known program")
}

func parseWeb(scheme, rest string) (address, error) {
	no := func(why string) (address, error) { return address{}, fmt.Errorf("%w: %s", ErrRefused, why) }
	rest, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return no("two slashes must follow its scheme")
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if strings.ContainsAny(authority, "@%") {
		return no("it holds a user name or an encoded host")
	}
	host, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		host, port = authority[:i], authority[i:]
		n, err := strconv.ParseUint(port[1:], 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port[1:] {
			return no("its port is not a number from 1 to 65535")
		}
	}
	a := address{scheme, host, port, path}
	switch {
	case scheme == "http" && !a.loopback():
		return no("http is accepted for localhost, 127.0.0.1 and [::1] only; use https")
	case scheme == "https" && !hostName(host) && !loopback(host):
		return no("its host is not a plain name in lower case")
	}
	return a, nil
}

// schemeName is RFC 3986 section 3.1, in lower case only.
func schemeName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != ""
}

// hostName is a name of letters, digits, dots and hyphens that is no number in
// disguise: its last label begins with a letter, or it is a full dotted quad.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	digits := 0
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
		if n, err := strconv.ParseUint(label, 10, 8); err == nil && strconv.FormatUint(n, 10) == label {
			digits++
		}
	}
	last := labels[len(labels)-1]
	return (last[0] >= 'a' && last[0] <= 'z') || (len(labels) == 4 && digits == 4)
}

// dots is whether a path part is "." or "..", encoded or not.
func dots(rest string) bool {
	path, _, _ := strings.Cut(rest, "?")
	path = strings.ToLower(path)
	path = strings.ReplaceAll(strings.ReplaceAll(path, "%2e", "."), "%2f", "/")
	path = strings.ReplaceAll(path, "%5c", "/")
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}
