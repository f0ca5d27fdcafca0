// Package cimd reads client id metadata documents: a client whose id is an
// https URL describes itself in the document at that URL, and the host vouches
// for it. It judges no redirect address and remembers no consent.
package cimd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// MaxID is the largest accepted length of such a client id in bytes. It is an
// aggregate's name elsewhere, so it stays well below that bound.
const MaxID = 190

// Document is what we take from a client's document.
type Document struct {
	ID        string   `json:"client_id"`
	Name      string   `json:"client_name"`
	Redirects []string `json:"redirect_uris"`
	// GrantTypes is empty when the document does not say.
	GrantTypes []string `json:"grant_types,omitempty"`
	// Method is how the client proves itself at the token endpoint.
	Method string `json:"token_endpoint_auth_method,omitempty"`
}

// Source returns the document of a client id.
type Source interface {
	// Document returns ErrID for an id that no document can have, ErrDocument
	// for one that is not there or not acceptable, ErrBusy when too many are
	// being fetched.
	Document(ctx context.Context, id string) (Document, error)
}

var (
	// ErrID: the client id is not one that may be fetched.
	ErrID = errors.New("cimd: not an acceptable client id")
	// ErrDocument: the document cannot be had or says something unacceptable.
	ErrDocument = errors.New("cimd: the client's document is not acceptable")
	// ErrBusy: too many documents are being fetched just now.
	ErrBusy = errors.New("cimd: too many documents are being fetched")
)

// Is is whether a client id has the form of a URL, whatever else is wrong
// with it.
func Is(id string) bool { return strings.HasPrefix(id, "https://") || strings.HasPrefix(id, "http://") }

// CheckID returns nil if a document may be fetched for the id, otherwise an
// ErrID that says why not: https on its own port, a path, and nothing that is
// read differently by different programs.
func CheckID(id string) error {
	no := func(why string) error { return fmt.Errorf("%w: %s", ErrID, why) }
	if len(id) > MaxID {
		return no("it is too long")
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '\\' || c == '"' || c == '<' || c == '>' {
			return no("it holds a character that no URL may hold")
		}
	}
	u, err := url.Parse(id)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || !strings.HasPrefix(id, "https://"):
		return no("it is not an https URL")
	case u.User != nil:
		return no("it holds a user name")
	case strings.ContainsAny(id, "#?"):
		return no("it holds a query or a fragment")
	case u.Port() != "" && u.Port() != "443":
		return no("its port is not 443")
	case u.Host != strings.ToLower(u.Host) || strings.HasSuffix(u.Host, ":") || strings.Contains(u.Host, "%"):
		return no("its host is not a plain name in lower case")
	case u.Path == "" || u.Path == "/":
		return no("it has no path")
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return no("it holds dot segments")
		}
	}
	return nil
}

// Host is the host that vouches for the client.
func Host(id string) string {
	u, err := url.Parse(id)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Parse reads a document that was found under the id, or returns an
// ErrDocument that says why it is not acceptable.
func Parse(id string, body []byte) (Document, error) {
	no := func(why string) (Document, error) { return Document{}, fmt.Errorf("%w: %s", ErrDocument, why) }
	var d Document
	if err := json.Unmarshal(body, &d); err != nil {
		return no("it is not a JSON object of the right form")
	}
	switch {
	case d.ID != id:
		return no("its client_id is not the URL that it was fetched from")
	case len(d.Redirects) == 0 || len(d.Redirects) > 50:
		return no("it names no redirect_uris, or more than 50")
	case strings.TrimSpace(d.Name) == "":
		return no("it has no client_name")
	}
	// A document that prefers private_key_jwt is served as a public client: we
	// advertise no other method, and PKCE protects the code.
	return d, nil
}
