package authz

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"till/domain/eventlog"
	"till/domain/grant"
)

// revoke is token revocation (RFC 7009). One token ends its whole grant, its
// siblings included. A token that is unknown or another client's gets the same
// 200 and nothing happens. A 503 means that the revocation is on the log but
// not known to have reached every node; the client may ask again.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := s.wireForm(w, r)
	if err != nil {
		return err
	}
	if form.Get("token") == "" {
		return refuse(400, "invalid_request", "token is missing.")
	}
	if err := s.knownClient(r, form); err != nil {
		return err
	}
	t, err := parseText(form.Get("token"))
	if err == nil && t.kind != codeKind {
		err = s.revokeOne(r.Context(), t, form.Get("client_id"))
	}
	if err != nil && !errors.Is(err, errToken) {
		return err
	}
	writeJSON(w, http.StatusOK, struct{}{})
	return nil
}

func (s *Server) revokeOne(ctx context.Context, t text, client string) error {
	g, err := s.grant(ctx, t)
	if err != nil {
		return err
	}
	if g.Client != client || !belongs(g, t, s.keys.ours(t)) {
		return errToken
	}
	return s.Disconnect(ctx, t.grant, grant.ByClient, eventlog.Actor{Kind: eventlog.Agent, User: g.User, Client: client})
}

// belongs is whether the token is or was one of the grant's.
func belongs(g grant.State, t text, ours bool) bool {
	h := t.hash()
	return ours ||
		slices.ContainsFunc(g.Access, func(a grant.Access) bool { return a.Hash.Is(h) }) ||
		slices.ContainsFunc(g.Refresh, func(r grant.Refresh) bool { return r.Hash.Is(h) })
}

// grant finds the grant of a token. The token's generation shows when the
// views are behind: then, and only for tokens that carry our mark, the log
// itself is read.
func (s *Server) grant(ctx context.Context, t text) (grant.State, error) {
	g, _, known, err := s.cfg.Views.Grant(ctx, t.grant)
	if err != nil {
		return grant.State{}, err
	}
	if known && t.generation <= g.Generation {
		return g, nil
	}
	if !s.keys.ours(t) {
		return grant.State{}, errToken
	}
	if _, ok := s.limits.staleFrom.take(t.grant, s.now()); !ok {
		return grant.State{}, errUnavailable
	}
	return s.grantFromLog(ctx, t.grant)
}

// grantFromLog folds a grant from its own stream. It stands apart from grant,
// whose fast way would otherwise pay for this one's closures.
func (s *Server) grantFromLog(ctx context.Context, id string) (grant.State, error) {
	var g grant.State
	for e, err := range s.cfg.Log.Read(ctx, eventlog.Stream{Category: grant.Category, ID: id}) {
		if err != nil {
			return grant.State{}, err
		}
		event, err := s.cfg.Types.Decode(e)
		if err != nil {
			return grant.State{}, err
		}
		g = grant.Evolve(g, event.(grant.Event))
	}
	if g.ID == "" {
		return grant.State{}, errToken
	}
	return g, nil
}
