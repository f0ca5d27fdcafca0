package mcp

import (
	"encoding/base64"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// accepts is what kind of answer a client takes.
type accepts int

const (
	anything accepts = iota
	onlyJSON
	onlyStream
)

// mend puts right what clients commonly get wrong in the headers of a POST, and
// returns what they take as an answer.
func mend(r *http.Request) accepts {
	takes := accepted(r.Header.Values("Accept"))
	// The SDK wants both types; clients send one, none or */*.
	r.Header["Accept"] = []string{"application/json, text/event-stream"}
	if takes == onlyJSON {
		r.Header["Accept"] = []string{noStream}
	}
	if isJSON(r.Header.Get("Content-Type")) {
		r.Header["Content-Type"] = []string{"application/json"}
	}
	if name, ok := plainName(r.Header.Get("Mcp-Name")); ok {
		r.Header["Mcp-Name"] = []string{name}
	}
	return takes
}

// noStream is both types, of which the client does not take the second (RFC 9110,
// section 12.4.2). The SDK does not look at the weight.
const noStream = "application/json, text/event-stream;q=0"

// streamless is whether the client takes nothing but the answer itself.
func streamless(mended http.Header) bool { return mended.Get("Accept") == noStream }

func accepted(accept []string) accepts {
	json, stream := false, false
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(part, ";")
			switch strings.ToLower(strings.TrimSpace(kind)) {
			case "application/json", "application/*":
				json = true
			case "text/event-stream", "text/*":
				stream = true
			case "*/*":
				json, stream = true, true
			}
		}
	}
	switch {
	case json && !stream:
		return onlyJSON
	case stream && !json:
		return onlyStream
	}
	return anything
}

// isJSON is whether a body of the type may be read as JSON. That it is sent with
// another site's form changes nothing: the token is not a cookie, and Origin was
// checked.
func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return contentType == ""
	}
	switch kind {
	case "application/json", "text/json", "text/plain", "application/json-rpc", "application/octet-stream", "application/x-www-form-urlencoded":
		return true
	}
	return strings.HasSuffix(kind, "+json")
}

// plainName decodes a name that came as "=?base64?…?=", as 2026-07-28 wants for
// what a header cannot hold. The SDK compares it undecoded (go-sdk #1234).
func plainName(header string) (string, bool) {
	coded, ok := strings.CutPrefix(header, "=?base64?")
	if !ok {
		return "", false
	}
	if coded, ok = strings.CutSuffix(coded, "?="); !ok {
		return "", false
	}
	name, err := base64.StdEncoding.DecodeString(coded)
	if err != nil || !utf8.Valid(name) || strings.ContainsFunc(string(name), unicode.IsControl) {
		return "", false
	}
	return string(name), true
}
