package authz

import (
	"errors"
	"log/slog"
	"net/http"

	"till/domain/account"
)

var (
	// errMixedUp: the callback names another issuer, or none where one was promised.
	errMixedUp     = errors.New("the callback is not of the issuer that was asked (iss)")
	errNotAdmitted = errors.New("the person may not open an account")
	errShut        = errors.New("the account is shut")
)

// upstreamError is an error that the provider sent the browser back with.
type upstreamError struct{ code string }

func (e *upstreamError) Error() string { return "it sends the browser back with an error " + e.code }

// upstreamFailed tells the person why they are not logged in, on the login page
// where the other ways in are, and the operator what was wrong.
func (s *Server) upstreamFailed(w http.ResponseWriter, r *http.Request, st upstreamState, browser string, err error) error {
	if outage(err) && r.Context().Err() != nil {
		return err
	}
	status, text := s.upstreamWords(st, err)
	if status == 0 {
		return err
	}
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelWarn // the person has done nothing wrong
	}
	s.cfg.Logger.Log(r.Context(), level, "a login at the OpenID provider failed", "provider", s.upstream.host(), "why", err, "from", s.from(r))
	if st.Link != "" {
		return &pageError{status: status, title: "The login was not linked", text: text, back: "/account/connections"}
	}
	if st.Invite != "" {
		return &pageError{status: status, title: "The account was not opened", text: text, back: "/setup?link=" + st.Invite}
	}
	sealed, err := s.sealTransaction(st.Tx, browser)
	if err != nil {
		return err
	}
	return s.showLogin(w, status, st.Tx, sealed, browser, "", text)
}

// upstreamWords are the status and the words for an error; 0 if it is the shop's own.
func (s *Server) upstreamWords(st upstreamState, err error) (status int, text string) {
	name := s.upstream.Name
	var sent *upstreamError
	var cannot *providerError
	switch {
	case errors.As(err, &sent) && sent.code == "access_denied":
		return 403, name + " did not log you in: it was cancelled or refused there."
	case errors.As(err, &sent):
		return 502, name + " could not log you in. Try again; if it stays so, tell whoever runs the shop."
	case errors.As(err, &cannot) && cannot.refused:
		return 502, name + " did not accept this login. Try again; if it stays so, tell whoever runs the shop."
	case errors.As(err, &cannot):
		return 503, name + " cannot be reached just now. Other ways to log in go on; or try again in a minute."
	case errors.Is(err, errMixedUp), errors.Is(err, errUpstreamToken):
		return 502, "The answer of " + name + " cannot be accepted, so nobody was logged in. Try again; if it stays so, tell whoever runs the shop."
	case errors.Is(err, errNotAdmitted):
		return 403, "You are known to " + name + ", but not to this shop. If you have an account here, log in with its password and link " + name + " under your connections; otherwise ask whoever runs the shop."
	case errors.Is(err, ErrTaken):
		return 409, "There is an account under your name already. Log in to it with its password and link " + name + " under your connections; if it is not yours, ask whoever runs the shop."
	case errors.Is(err, ErrLinked):
		return 409, "This login at " + name + " belongs to another account of the shop."
	case errors.Is(err, account.ErrLogins):
		return 409, "Your account has as many linked logins as it may."
	case errors.Is(err, errShut):
		return 403, "Your account is shut. Ask whoever runs the shop."
	case errors.Is(err, ErrInvitation):
		return 400, errSetup.text + " " + errSetup.hint
	}
	return 0, ""
}
