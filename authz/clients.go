package authz

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"till/authz/cimd"
	"till/authz/redirect"
	"till/domain/client"
	"till/domain/eventlog"
)

// asker is a client as the authorization endpoint sees it.
type asker struct {
	client.State
	// Verified is the host that vouches for the name, empty for a client that
	// registered itself and may call itself anything.
	Verified string
}

const clientPrefix = "cli_"

var errUnknownClient = errors.New("authz: unknown client")

// registered finds a client that registered itself, on the log or not yet.
func (s *Server) registered(ctx context.Context, id string) (client.State, error) {
	rest, ok := strings.CutPrefix(id, clientPrefix)
	if !ok || len(rest) != secretLength || !base64url(rest) {
		return client.State{}, errUnknownClient
	}
	c, err := stateOf[client.State](ctx, s.cfg.Views, client.Category, id)
	if err != nil || c.ID != "" {
		return c, err
	}
	p, err := s.pending(ctx, id)
	return p.State, err
}

// pending finds a registration that nobody has consented to yet.
func (s *Server) pending(ctx context.Context, id string) (p pendingClient, err error) {
	data, _, err := s.cfg.Pending.Get(ctx, id)
	if errors.Is(err, eventlog.ErrNoKey) {
		return pendingClient{}, errUnknownClient
	}
	if err != nil {
		return pendingClient{}, err
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return pendingClient{}, err
	}
	// The bucket should expire its entries itself; one that cannot is told here.
	if s.now().Sub(p.Seen) > pendingLife {
		return pendingClient{}, errUnknownClient
	}
	return p, nil
}

// asker finds the client of an authorization request, fetching its document if
// its id is a URL.
func (s *Server) asker(r *http.Request, id string) (asker, error) {
	if !cimd.Is(id) {
		c, err := s.registered(r.Context(), id)
		return asker{State: c}, err
	}
	if err := cimd.CheckID(id); err != nil {
		return asker{}, err
	}
	// The limit stands before the fetch, so that nobody can make us knock at a
	// thousand doors; what is cached costs nothing.
	if c, ok := s.cfg.Documents.(interface{ Cached(string) bool }); !ok || !c.Cached(id) {
		if wait, ok := s.limits.documentFrom.take(s.from(r), s.now()); !ok {
			return asker{}, tooMany(wait)
		}
	}
	d, err := s.cfg.Documents.Document(r.Context(), id)
	if err != nil {
		return asker{}, err
	}
	a := asker{State: client.State{ID: id, Name: plainName(d.Name), Refresh: takesRefresh(d.GrantTypes)}, Verified: cimd.Host(id)}
	for _, uri := range d.Redirects {
		if redirect.Check(uri) == nil {
			a.Redirects = append(a.Redirects, uri)
		}
	}
	return a, nil
}

// takesRefresh is whether a client with these grant types gets refresh tokens.
// Saying nothing counts as yes: many clients that use them never say so.
func takesRefresh(types []string) bool {
	for _, t := range types {
		if t == "refresh_token" {
			return true
		}
	}
	return len(types) == 0
}

// plainName is a client's name made safe to show: one line, without the
// characters that reorder or hide text, and not too long.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, name)
	return shorten(strings.Join(strings.Fields(name), " "), client.MaxName)
}

// match returns whether one of the client's addresses is the one asked for.
func (a asker) match(asked string) bool {
	for _, registered := range a.Redirects {
		if redirect.Match(registered, asked) {
			return true
		}
	}
	return false
}
