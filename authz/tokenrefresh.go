package authz

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"till/domain/grant"
)

// renew exchanges a refresh token for new tokens (RFC 6749 section 6, OAuth 2.1
// section 4.3.1). Using the old one up and issuing the new is one append.
func (s *Server) renew(r *http.Request, form url.Values) (tokenAnswer, error) {
	if !form.Has("refresh_token") {
		return tokenAnswer{}, refuse(400, "invalid_request", "refresh_token is missing.")
	}
	presented, err := parseText(form.Get("refresh_token"))
	if err != nil || presented.kind != refreshKind {
		return tokenAnswer{}, errToken
	}
	resource, err := s.resource(form)
	if err != nil {
		return tokenAnswer{}, err
	}
	scopes, err := narrowed(form.Get("scope"))
	if err != nil {
		return tokenAnswer{}, err
	}
	cmd := grant.Renew{
		Presented: presented.hash(), Ours: s.keys.ours(presented), Client: form.Get("client_id"),
		Resource: resource, Scopes: scopes, Leeway: s.cfg.RefreshLeeway,
	}
	if !cmd.Ours {
		// A guess must cost nothing but a look into the views. (After a change
		// of the secret a true token carries an old mark; its hash is known.)
		g, _, known, err := s.cfg.Views.Grant(r.Context(), presented.grant)
		if err != nil {
			return tokenAnswer{}, err
		}
		if !known || !slices.ContainsFunc(g.Refresh, func(k grant.Refresh) bool { return k.Hash.Is(cmd.Presented) }) {
			return tokenAnswer{}, errToken
		}
	}
	access, refresh, pair := s.pair(presented.grant)
	cmd.Pair = pair
	actor, err := s.agent(r.Context(), presented.grant, cmd.Client)
	if err != nil {
		return tokenAnswer{}, err
	}
	out, err := s.grants.Do(r.Context(), presented.grant, cmd, s.meta(actor))
	if err != nil {
		return tokenAnswer{}, err
	}
	return s.settle(r.Context(), out, access, refresh)
}

// narrowed reads the scope of a refresh, which may only narrow: a word that we
// do not know was never granted. offline_access means nothing here either.
func narrowed(scope string) ([]string, error) {
	words := strings.Fields(scope)
	words = slices.DeleteFunc(words, func(w string) bool { return w == offline })
	for _, w := range words {
		if !slices.Contains(grant.Scopes(), w) {
			return nil, grant.ErrScope
		}
	}
	if len(words) == 0 {
		return nil, nil
	}
	return grant.Choose(words, true), nil
}
