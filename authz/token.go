package authz

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"till/authz/cimd"
	"till/domain/grant"
)

const maxTokenBody = 16 << 10

// tokenAnswer is RFC 6749 section 5.1. Scope is always there: it is what was
// granted, not what was asked for.
type tokenAnswer struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Refresh string `json:"refresh_token,omitempty"`
	Scope   string `json:"scope"`
}

// token is the token endpoint (RFC 6749 section 3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	form, err := s.wireForm(w, r)
	if err != nil {
		return err
	}
	if form.Get("grant_type") == "" {
		return refuse(400, "invalid_request", "grant_type is missing.")
	}
	if err := s.knownClient(r, form); err != nil {
		return err
	}
	var answer tokenAnswer
	switch form.Get("grant_type") {
	case "authorization_code":
		answer, err = s.redeem(r, form)
	case "refresh_token":
		answer, err = s.renew(r, form)
	default:
		return refuse(400, "unsupported_grant_type", "Use authorization_code or refresh_token.")
	}
	if err != nil {
		return grantError(err)
	}
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// wireForm reads the posted form of the token and revocation endpoints. What
// stands in the address is not read: it would end up in logs on the way.
func (s *Server) wireForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if wait, ok := s.limits.tokenFrom.take(s.from(r), s.now()); !ok {
		return nil, tooMany(wait)
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		return nil, refuse(400, "invalid_request", "The body must be application/x-www-form-urlencoded.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenBody)
	err := r.ParseForm()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, refuse(413, "invalid_request", "The body is larger than 16 KB.")
	}
	if err != nil {
		return nil, refuse(400, "invalid_request", "The body is not a well-formed form.")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, refuse(400, "invalid_request", "The parameter "+shorten(printable(name), 40)+" comes more than once.")
		}
	}
	return r.PostForm, nil
}

// knownClient refuses clients that we do not know with exactly the answer that
// makes them register again. A client whose id is a URL needs no document
// here: its grant knows it.
func (s *Server) knownClient(r *http.Request, form url.Values) error {
	id := form.Get("client_id")
	unknown := refuse(401, "invalid_client", "The shop does not know this client. Register again and connect anew.")
	if id == "" {
		return refuse(401, "invalid_client", "client_id is missing from the body. Clients of this shop are public ones and send no secret.")
	}
	if cimd.Is(id) {
		if cimd.CheckID(id) != nil {
			return unknown
		}
		return nil
	}
	if _, err := s.registered(r.Context(), id); errors.Is(err, errUnknownClient) {
		return unknown
	} else if err != nil {
		return err
	}
	return nil
}

// resource returns the canonical value of a resource that a client may name.
func (s *Server) resource(form url.Values) (string, error) {
	if !form.Has("resource") {
		return "", nil
	}
	resource, ok := s.sites.canonical(form.Get("resource"))
	if !ok {
		return "", grant.ErrTarget
	}
	return resource, nil
}

var errNoTokens = errors.New("authz: the grant is dead")

// settle turns a grant's outcome into tokens. A grant that died of the command
// is told on every node before the client hears no.
func (s *Server) settle(ctx context.Context, out outcome, access, refresh text) (tokenAnswer, error) {
	if !out.State.Revoked.IsZero() {
		s.cfg.Logger.Warn("a grant was revoked", "grant", out.State.ID, "client", out.State.Client, "reason", out.State.Reason)
		if err := s.applied(ctx, out.Position); err != nil {
			s.cfg.Logger.Warn("a revocation may not be known on every node", "grant", out.State.ID, "error", err)
		}
		return tokenAnswer{}, errNoTokens
	}
	// The next call with the token should find it in the views; if they are
	// late the check reads the log, so this wait must not fail the answer.
	wait, cancel := context.WithTimeout(ctx, barrierTime)
	defer cancel()
	if err := s.cfg.Views.Wait(wait, out.Position); err != nil {
		s.cfg.Logger.Warn("the views are late", "grant", out.State.ID, "error", err)
	}
	newest := out.State.Access[len(out.State.Access)-1]
	access.generation, refresh.generation = newest.Generation, newest.Generation
	answer := tokenAnswer{
		Access: access.String(), Type: "Bearer", Scope: strings.Join(newest.Scopes, " "),
		Expires: int(newest.Expires.Sub(s.now()) / time.Second),
	}
	if !out.State.Until.IsZero() {
		answer.Refresh = refresh.String()
	}
	return answer, nil
}

// grantError words why no tokens are issued (RFC 6749 section 5.2).
func grantError(err error) error {
	switch {
	case errors.Is(err, grant.ErrTarget):
		return refuse(400, "invalid_target", "The code or token is for another resource than the one named.")
	case errors.Is(err, grant.ErrScope):
		return refuse(400, "invalid_scope", "More was asked for than the person allowed. Connect anew to ask for more.")
	case errors.Is(err, errNoTokens), errors.Is(err, errToken), errors.Is(err, grant.ErrUnknown),
		errors.Is(err, grant.ErrRevoked), errors.Is(err, grant.ErrExpired):
		return refuse(400, "invalid_grant", "The code or token is unknown, expired, used or revoked. Connect anew.")
	}
	return err
}
