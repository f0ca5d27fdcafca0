package authz

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/eventlog"
)

// visitor is the person behind a browser. User is empty when nobody is logged in.
type visitor struct {
	User    string
	Session string // the hash under which the session stands on the log
	Passkey string // that it began with, empty for the password
	Since   time.Time
	Account account.State
}

func (v visitor) admin() bool { return v.Account.Role == account.Admin }

// sessionHash names a session's stream. The id itself is only in the cookie.
func sessionHash(id string) string {
	sum := sha256.Sum256([]byte(id))
	return b64(sum[:])
}

// visitor returns who is logged in in this browser.
func (s *Server) visitor(r *http.Request, at site) (visitor, error) {
	id := readCookie(r, at, "session")
	if id == "" {
		return visitor{}, nil
	}
	hash := sessionHash(id)
	state, err := stateOf[session.State](r.Context(), s.cfg.Views, session.Category, hash)
	if err != nil || state.User == "" {
		return visitor{}, err
	}
	who, err := s.accounts.state(r.Context(), state.User)
	if err != nil {
		return visitor{}, err
	}
	if !who.Active() || !state.Live(s.now(), who.Credential) || state.Passkey != "" && !who.HasPasskey(state.Passkey) {
		return visitor{}, nil
	}
	return visitor{User: state.User, Session: hash, Passkey: state.Passkey, Since: state.At, Account: who}, nil
}

// startSession logs the person in: always under a new id, so that nobody can
// have planted it, and the browser's old session ends.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, at site, who account.State) error {
	return s.startSessionAs(w, r, at, who, random(32), "", func() error { return nil })
}

// startSessionAs begins a session under an id that nobody can guess, by a passkey
// if one is named. check is asked once the log has the session and before the
// browser does: if it says no, the session ends before anybody knows its id.
func (s *Server) startSessionAs(w http.ResponseWriter, r *http.Request, at site, who account.State, id, passkey string, check func() error) error {
	ctx, now, by := r.Context(), s.now(), eventlog.Actor{Kind: eventlog.User, User: who.User}
	out, err := s.sessions.Do(ctx, sessionHash(id),
		session.Start{User: who.User, Credential: who.Credential, Passkey: passkey, At: now, Expires: now.Add(sessionLife)}, s.meta(by))
	if err != nil {
		return err
	}
	if err := check(); err != nil {
		_, ended := s.sessions.Do(context.WithoutCancel(ctx), sessionHash(id), session.End{At: now}, s.meta(by))
		return errors.Join(err, ended)
	}
	if err := s.endSession(r, at); err != nil {
		return err
	}
	if err := s.cfg.Views.Wait(ctx, out.Position); err != nil {
		return err
	}
	setCookie(w, at, "session", id, sessionLife)
	return nil
}

// endSession ends the browser's session, on every node before it returns.
func (s *Server) endSession(r *http.Request, at site) error {
	who, err := s.visitor(r, at)
	if err != nil || who.User == "" {
		return err
	}
	out, err := s.sessions.Do(r.Context(), who.Session, session.End{At: s.now()}, s.meta(eventlog.Actor{Kind: eventlog.User, User: who.User}))
	if err != nil {
		return err
	}
	return s.applied(r.Context(), out.Position)
}

// barrierTime bounds how long an answer waits for all nodes.
const barrierTime = 2 * time.Second

// applied returns when every node knows what happened up to the position.
func (s *Server) applied(ctx context.Context, at eventlog.Position) error {
	ctx, cancel := context.WithTimeout(ctx, barrierTime)
	defer cancel()
	return s.cfg.Barrier.Applied(ctx, at)
}
