package authz

import (
	"context"
	"errors"
	"fmt"
	"time"

	"till/domain/account"
	"till/domain/eventlog"
)

// invitationLife is how long a link lets somebody choose a password.
const invitationLife = 24 * time.Hour

// invitation lets whoever holds its link choose a password, once: for a new
// account, for an account whose password is forgotten, or for the first
// administrator of a shop. It travels sealed in the link; what is kept of it is
// that it was used.
type invitation struct {
	ID string `json:"i"`
	// Login is the name of the account to be opened; empty for the first
	// administrator, who chooses one.
	Login string       `json:"l,omitempty"`
	Role  account.Role `json:"r,omitempty"`
	// User is whose password is to be replaced, Credential the one that counts
	// now: another link for it is dead once it has changed.
	User       string    `json:"u,omitempty"`
	Credential string    `json:"c,omitempty"`
	Expires    time.Time `json:"e"`
}

// firstID is the id of every invitation for the first administrator, so that one
// of them is used at most.
const firstID = "first"

var (
	// ErrInvitation: the link cannot be used, whatever the reason.
	ErrInvitation = errors.New("the link was used before, has expired or is damaged")
)

// InviteFirst returns the link by which the shop's first account is opened, an
// administrator's.
func (s *Server) InviteFirst() (link string, err error) {
	return s.invite(invitation{ID: firstID, Role: account.Admin})
}

// Invite returns the link by which somebody opens an account under the login
// name, once and within a day. It returns ErrLogin, ErrTaken or account.ErrRole.
func (s *Server) Invite(ctx context.Context, login string, role account.Role) (link string, err error) {
	if login, err = normalLogin(login); err != nil {
		return "", err
	}
	if role != account.Customer && role != account.Admin {
		return "", account.ErrRole
	}
	switch _, err := s.accounts.user(ctx, login); {
	case err == nil:
		return "", ErrTaken
	case !errors.Is(err, ErrNobody):
		return "", err
	}
	return s.invite(invitation{ID: random(16), Login: login, Role: role})
}

// InviteAgain returns the link by which a person chooses a new password. It
// returns account.ErrUnknown for an id that is nobody's or was forgotten.
func (s *Server) InviteAgain(ctx context.Context, user string) (link string, err error) {
	who, err := s.accounts.state(ctx, user)
	if err != nil {
		return "", err
	}
	if who.User == "" || who.Forgotten {
		return "", account.ErrUnknown
	}
	return s.invite(invitation{ID: random(16), User: user, Credential: who.Credential})
}

func (s *Server) invite(in invitation) (string, error) {
	in.Expires = s.now().Add(invitationLife)
	sealed, err := seal(s.keys.invitation, in, "")
	return s.sites.main.issuer + "/setup?link=" + sealed, err
}

// invitation opens a link and looks whether it can be used.
func (s *Server) invitation(ctx context.Context, sealed string) (in invitation, err error) {
	if len(sealed) > 1024 || unseal(s.keys.invitation, sealed, &in, "") != nil || !s.now().Before(in.Expires) {
		return invitation{}, ErrInvitation
	}
	switch _, _, err := s.cfg.Credentials.Get(ctx, in.key()); {
	case err == nil:
		return invitation{}, ErrInvitation
	case !errors.Is(err, eventlog.ErrNoKey):
		return invitation{}, err
	}
	if in.User == "" {
		return in, nil
	}
	who, err := s.accounts.state(ctx, in.User)
	if err == nil && (who.Credential != in.Credential || who.Forgotten) {
		err = ErrInvitation
	}
	return in, err
}

func (in invitation) key() string { return "invitation." + in.ID }

// accept uses the invitation: of two at the same time one fails. A password or a
// name that will not do leaves it as it was.
func (s *Server) accept(ctx context.Context, in invitation, login, password string) (who account.State, err error) {
	if in.ID != firstID {
		login = in.Login
	}
	if in.User == "" {
		if login, err = normalLogin(login); err != nil {
			return who, err
		}
	}
	if !passwordFits(password) {
		return who, ErrPassword
	}
	err = s.cfg.Credentials.Create(ctx, in.key(), []byte("used"))
	if errors.Is(err, eventlog.ErrKeyExists) {
		return who, ErrInvitation
	}
	if err != nil {
		return who, err
	}
	user := in.User
	if user != "" {
		err = s.accounts.SetPassword(ctx, user, password)
	} else {
		user, err = s.accounts.OpenAccount(ctx, login, password, in.Role)
	}
	if err != nil {
		// Nothing came of it: it may be used again. If this fails as well, there is
		// another link to be had.
		return who, errors.Join(err, s.cfg.Credentials.Delete(context.WithoutCancel(ctx), in.key()))
	}
	who, err = s.accounts.state(ctx, user)
	if err == nil && !who.Active() {
		err = fmt.Errorf("%w: the account is disabled", ErrInvitation)
	}
	return who, err
}
