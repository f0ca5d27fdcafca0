package authz

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"till/domain/grant"
)

// Caller is who makes a call: an agent with a person's consent.
type Caller struct {
	User   string
	Client string
	Grant  string
	// Name is the client's name as the person saw it when consenting.
	Name   string
	Scopes []string
}

// May is whether the caller's scopes include all those needed.
func (c Caller) May(scopes ...string) bool { return grant.Covers(c.Scopes, scopes...) }

const (
	callerKey = "till.caller"
	checkKey  = "till.check"
)

// CallerFrom returns the caller that [Server.Middleware] planted.
func CallerFrom(info *auth.TokenInfo) (Caller, bool) {
	if info == nil {
		return Caller{}, false
	}
	c, ok := info.Extra[callerKey].(Caller)
	return c, ok
}

// Still is whether the token behind what [Server.Middleware] planted is good now: it
// has neither expired nor been revoked since. While the shop cannot check, it is.
func Still(ctx context.Context, info *auth.TokenInfo) bool {
	if info == nil {
		return false
	}
	check, ok := info.Extra[checkKey].(func(context.Context) error)
	return ok && !errors.Is(check(ctx), errToken)
}

// Middleware stands before the MCP endpoint. It lets a request through that
// carries one good access token for this resource with all scopes that need
// names for it (nil: any token will do), and plants the [Caller] where
// [auth.TokenInfoFromContext] and the SDK's sessions find it. All others get
// the answers of RFC 6750 section 3 and RFC 9728 section 5.1; a shop that
// cannot check gets 503, never a 401, for which clients throw tokens away.
//
// A request for which one of the pass functions is true goes through without a
// look at its token: a GET without session that next answers with 405.
func (s *Server) Middleware(next http.Handler, need func(*http.Request) []string, pass ...func(*http.Request) bool) http.Handler {
	// The token has been checked against our clock; theirs must not differ.
	options := &auth.RequireBearerTokenOptions{ClockSkew: 100 * 365 * 24 * time.Hour}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, ok := s.sites.of(r)
		if !ok {
			s.misdirected(w, r)
			return
		}
		for _, p := range pass {
			if p(r) {
				next.ServeHTTP(w, r)
				return
			}
		}
		bearer, ok := bearerOf(r)
		if !ok {
			s.challenge(w, at, http.StatusUnauthorized, "", "Authorization is needed: send a bearer token.", grant.Shopping())
			return
		}
		caller, expires, err := s.Check(r.Context(), bearer)
		switch {
		case errors.Is(err, errToken):
			s.challenge(w, at, http.StatusUnauthorized, "invalid_token", "The token is unknown, expired or revoked.", grant.Shopping())
			return
		case err != nil:
			no := s.answer(r, err)
			retryAfter(w, no.after)
			writeJSON(w, no.status, no.wireError)
			return
		}
		s.uses.note(caller.Grant, s.cfg.Clock())
		if need != nil {
			if scopes := need(r); !caller.May(scopes...) {
				s.Insufficient(w, r, caller, scopes)
				return
			}
		}
		info := &auth.TokenInfo{
			Scopes: caller.Scopes, Expiration: expires,
			// Sessions are bound to the user *and* the client: one vendor's
			// client serves many users, one user has many clients. Not to the
			// grant: a person who logs in again goes on in the same session.
			UserID: caller.User + "/" + caller.Client,
			Extra: map[string]any{callerKey: caller, checkKey: func(ctx context.Context) error {
				_, _, err := s.Check(ctx, bearer)
				return err
			}},
		}
		// Only the SDK can plant it, since its context key is its own.
		auth.RequireBearerToken(func(context.Context, string, *http.Request) (*auth.TokenInfo, error) {
			return info, nil
		}, options)(next).ServeHTTP(w, r)
	})
}

// Check returns who may call with the access token and until when. It returns
// an error that is not an outage only for a token that is not good.
func (s *Server) Check(ctx context.Context, token string) (Caller, time.Time, error) {
	t, err := parseText(token)
	if err != nil || t.kind != accessKind {
		return Caller{}, time.Time{}, errToken
	}
	if err := s.cfg.Views.Check(); err != nil {
		return Caller{}, time.Time{}, errors.Join(errUnavailable, err)
	}
	g, err := s.grant(ctx, t)
	if err != nil {
		return Caller{}, time.Time{}, err
	}
	access, err := g.Check(t.generation, t.hash(), s.cfg.Clock())
	if err != nil || g.Resource != s.sites.main.resource {
		return Caller{}, time.Time{}, errToken
	}
	return Caller{User: g.User, Client: g.Client, Grant: g.ID, Name: g.ClientName, Scopes: access.Scopes}, access.Expires, nil
}

// bearerOf returns the request's bearer token, and false if it has none or
// more than one header for it. A token in the address is not looked at.
func bearerOf(r *http.Request) (string, bool) {
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "", false
	}
	fields := strings.Fields(headers[0])
	if len(fields) != 2 || !strings.EqualFold(fields[0], "Bearer") {
		return "", false
	}
	return fields[1], true
}

// Insufficient answers a call whose token lacks a scope (RFC 6750 section 3.1).
// It names all that the client should ask for: what it has and what it needs,
// since a client that asks for only the new would lose the old.
func (s *Server) Insufficient(w http.ResponseWriter, r *http.Request, c Caller, need []string) {
	at, ok := s.sites.of(r)
	if !ok {
		at = s.sites.main
	}
	scopes := grant.Choose(append(slices.Clone(c.Scopes), need...), true)
	s.challenge(w, at, http.StatusForbidden, "insufficient_scope",
		"The person has not allowed this: it needs "+strings.Join(need, " ")+".", scopes)
}

// challenge is the one writer of WWW-Authenticate. Without a code it is the
// answer to a request that carried no token (RFC 6750 section 3).
func (s *Server) challenge(w http.ResponseWriter, at site, status int, code, description string, scopes []string) {
	var b strings.Builder
	b.WriteString("Bearer ")
	if code != "" {
		b.WriteString(`error="` + code + `", error_description="` + description + `", `)
	}
	b.WriteString(`scope="` + strings.Join(scopes, " ") + `", `)
	b.WriteString(`resource_metadata="` + at.issuer + `/.well-known/oauth-protected-resource/mcp"`)
	w.Header().Set("WWW-Authenticate", b.String())
	if code == "" {
		code = "unauthorized"
	}
	writeJSON(w, status, wireError{code, description})
}
