package authz

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/grant"
)

// outcome is what a command on a grant led to.
type outcome = decider.Outcome[grant.State]

// redeem exchanges a code for tokens (RFC 6749 section 4.1.3, RFC 7636 section
// 4.6). Using the code up and issuing the tokens is one append.
func (s *Server) redeem(r *http.Request, form url.Values) (tokenAnswer, error) {
	if !form.Has("code") {
		return tokenAnswer{}, refuse(400, "invalid_request", "code is missing.")
	}
	verifier := form.Get("code_verifier")
	if !verifierForm(verifier) {
		return tokenAnswer{}, refuse(400, "invalid_request", "code_verifier must have 43 to 128 unreserved characters.")
	}
	code, err := parseText(form.Get("code"))
	if err != nil || code.kind != codeKind || code.generation != 0 || !s.keys.ours(code) {
		return tokenAnswer{}, errToken
	}
	resource, err := s.resource(form)
	if err != nil {
		return tokenAnswer{}, err
	}
	challenge := sha256.Sum256([]byte(verifier))
	access, refresh, pair := s.pair(code.grant)
	cmd := grant.Redeem{
		Code: code.hash(), Client: form.Get("client_id"), Redirect: form.Get("redirect_uri"),
		Challenge: b64(challenge[:]), Resource: resource, Pair: pair,
	}
	actor, err := s.agent(r.Context(), code.grant, cmd.Client)
	if err != nil {
		return tokenAnswer{}, err
	}
	out, err := s.grants.Do(r.Context(), code.grant, cmd, s.meta(actor))
	if err != nil {
		return tokenAnswer{}, err
	}
	return s.settle(r.Context(), out, access, refresh)
}

// agent is who acts with a code or token of the grant. It returns ErrRevoked
// when the person's account is shut: a grant that was being made while the
// account was shut must not outlive that.
func (s *Server) agent(ctx context.Context, grantID, client string) (eventlog.Actor, error) {
	actor := eventlog.Actor{Kind: eventlog.Agent, Client: client, Grant: grantID}
	g, _, known, err := s.cfg.Views.Grant(ctx, grantID)
	if err != nil || !known {
		return actor, err // a grant newer than the views: the command finds it
	}
	who, err := s.accounts.state(ctx, g.User)
	if err != nil {
		return actor, err
	}
	if !who.Active() {
		return actor, grant.ErrRevoked
	}
	actor.User = g.User
	return actor, nil
}

// pair mints the next tokens of a grant.
func (s *Server) pair(grantID string) (access, refresh text, p grant.Pair) {
	access, refresh = s.keys.mint(accessKind, grantID), s.keys.mint(refreshKind, grantID)
	now := s.now()
	return access, refresh, grant.Pair{Access: access.hash(), Expires: now.Add(s.cfg.AccessLife), Refresh: refresh.hash(), At: now}
}

// verifierForm is RFC 7636 section 4.1.
func verifierForm(v string) bool {
	if len(v) < 43 || len(v) > 128 {
		return false
	}
	for i := range len(v) {
		if c := v[i]; c != '.' && c != '~' && !base64url(v[i:i+1]) {
			return false
		}
	}
	return true
}
