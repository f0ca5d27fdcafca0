package authz

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"till/authz/redirect"
	"till/domain/client"
	"till/domain/grant"
)

const maxRegistration = 64 << 10

// registration is what we read of a client's metadata (RFC 7591 section 2).
// Logos, links, software ids and a client_id of its own choosing are not read:
// what is not kept cannot be abused.
type registration struct {
	Redirects  []string `json:"redirect_uris"`
	Name       string   `json:"client_name"`
	GrantTypes []string `json:"grant_types"`
	Scope      string   `json:"scope"`
}

// registrationAnswer is the effective metadata (section 3.2.1). Every client is
// a public one, whatever it asked for.
type registrationAnswer struct {
	ID         string   `json:"client_id"`
	IssuedAt   int64    `json:"client_id_issued_at"`
	Name       string   `json:"client_name,omitempty"`
	Redirects  []string `json:"redirect_uris"`
	GrantTypes []string `json:"grant_types"`
	Responses  []string `json:"response_types"`
	AuthMethod string   `json:"token_endpoint_auth_method"`
	Scope      string   `json:"scope,omitempty"`
}

// pendingClient rests in the bucket until the first consent.
type pendingClient struct {
	client.State
	// Seen is the newest registration, from which the seven days run.
	Seen time.Time `json:"seen"`
}

// register is dynamic client registration (RFC 7591). It is lenient: addresses
// that cannot be accepted are dropped as long as one is left. The client's id
// follows from its metadata, so that registering again gives the same one.
func (s *Server) register(w http.ResponseWriter, r *http.Request) error {
	now := s.now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRegistration))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return refuse(413, "invalid_client_metadata", "The registration is larger than 64 KB.")
	}
	var asked registration
	if err != nil || json.Unmarshal(body, &asked) != nil {
		return refuse(400, "invalid_client_metadata", "The body must be a JSON object with redirect_uris, a list of strings (RFC 7591 section 2).")
	}
	c := client.State{Name: plainName(asked.Name), Refresh: takesRefresh(asked.GrantTypes), At: now.Truncate(time.Second)}
	if c.Redirects, err = acceptable(asked.Redirects); err != nil {
		return err
	}
	c.ID = clientPrefix + b64(mac(s.keys.client, append([]string{c.Name, map[bool]string{true: "refresh"}[c.Refresh]}, c.Redirects...)...))

	known, err := s.registered(r.Context(), c.ID)
	switch {
	case err == nil:
		c.At = known.At
	case !errors.Is(err, errUnknownClient):
		return err
	}
	if err := s.keep(r, c, now); err != nil {
		return err
	}
	answer := registrationAnswer{
		ID: c.ID, IssuedAt: c.At.Unix(), Name: c.Name, Redirects: c.Redirects,
		GrantTypes: []string{"authorization_code"}, Responses: []string{"code"}, AuthMethod: "none",
		Scope: strings.Join(knownScopes(asked.Scope), " "),
	}
	if c.Refresh {
		answer.GrantTypes = append(answer.GrantTypes, "refresh_token")
	}
	writeJSON(w, http.StatusCreated, answer)
	return nil
}

// freshPending is how long a registration need not be stored again.
const freshPending = time.Hour

// keep stores a registration that nobody has consented to yet. Only what is
// stored is counted against the limits: a client that registers at every start
// under the same id (clients.md row 36) must not shut out its neighbours.
func (s *Server) keep(r *http.Request, c client.State, now time.Time) error {
	onLog, err := stateOf[client.State](r.Context(), s.cfg.Views, client.Category, c.ID)
	if err != nil || onLog.ID != "" {
		return err
	}
	switch p, err := s.pending(r.Context(), c.ID); {
	case err == nil && now.Sub(p.Seen) < freshPending:
		return nil
	case err != nil && !errors.Is(err, errUnknownClient):
		return err
	}
	if wait, ok := s.limits.registerFrom.take(s.from(r), now); !ok {
		return tooMany(wait)
	}
	if wait, ok := s.limits.registerAll.take("", now); !ok {
		return tooMany(wait)
	}
	data, err := json.Marshal(pendingClient{c, now})
	if err != nil {
		return err
	}
	return s.cfg.Pending.Put(r.Context(), c.ID, data)
}

// acceptable returns the addresses that may be registered, without repetition,
// or what is wrong with each if none may.
func acceptable(asked []string) ([]string, error) {
	var good, reasons []string
	for _, uri := range asked {
		err := redirect.Check(uri)
		switch {
		case err != nil:
			if len(reasons) < 5 {
				reasons = append(reasons, shorten(printable(uri), 60)+": "+strings.TrimPrefix(err.Error(), redirect.ErrRefused.Error()+": "))
			}
		case !slices.Contains(good, uri):
			good = append(good, uri)
		}
		if len(good) > client.MaxRedirects {
			return nil, refuse(400, "invalid_redirect_uri", "More than 20 redirect_uris: register only those that the client uses.")
		}
	}
	if len(good) == 0 {
		text := "redirect_uris must name at least one address: https, http on localhost, or a private scheme."
		if reasons != nil {
			text = "None of the redirect_uris can be accepted. " + strings.Join(reasons, "; ") + "."
		}
		return nil, refuse(400, "invalid_redirect_uri", text)
	}
	return good, nil
}

// knownScopes returns those of the blank-separated scopes that we know.
func knownScopes(scope string) []string {
	var known []string
	for _, word := range strings.Fields(shorten(scope, 2000)) {
		if (slices.Contains(grant.Scopes(), word) || word == offline) && !slices.Contains(known, word) {
			known = append(known, word)
		}
	}
	return known
}
