package authz

import (
	"context"
	"errors"

	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/grant"
)

// ForgetAccount forgets a person for good: nobody logs in to the account, its
// agents are disconnected, its login name is free for another, and the key of
// what is sealed of the person is destroyed, so that it can be read nowhere any
// more. What they bought stays, as somebody's. It returns how many agents worked
// until now, and account.ErrUnknown if there is no such person.
//
// The event comes first and the key goes last: a call that was cut off in between
// can be made again, and the event says that it should be.
func (s *Server) ForgetAccount(ctx context.Context, user string, by eventlog.Actor) (disconnected int, err error) {
	a := s.accounts
	a.destroying.RLock()
	defer a.destroying.RUnlock()
	if err := a.change(ctx, user, account.Forget{At: s.now()}, s.meta(by)); err != nil {
		return 0, err
	}
	if disconnected, err = s.disconnectAll(ctx, user, grant.AccountClosed, by); err != nil {
		return disconnected, err
	}
	s.cfg.Logger.Info("a person was forgotten", "user", user)
	return disconnected, a.erase(ctx, user)
}

// Hold keeps keys, passkeys and password hashes from being destroyed until release is
// called, so that what the log says at a moment and what lies beside it fit
// together in a backup. Nothing else waits.
func (a *Accounts) Hold() (release func()) {
	a.destroying.Lock()
	return a.destroying.Unlock
}

// erase destroys what is kept of the person beside the log: the login name as it
// is looked up, every password hash that ever counted, the passkeys, and at last
// the key.
func (a *Accounts) erase(ctx context.Context, user string) error {
	for e, err := range a.log.Read(ctx, eventlog.Stream{Category: account.Category, ID: user}) {
		if err != nil {
			return err
		}
		event, err := a.types.Decode(e)
		if err != nil {
			return err
		}
		switch event := event.(type) {
		case account.Opened:
			err = errors.Join(a.freeLogin(ctx, user, event.Login), a.credentials.Delete(ctx, credentialKey(event.Credential)))
		case account.Linked:
			err = a.freeLink(ctx, user, event.Subject)
		case account.PasswordChanged:
			err = a.credentials.Delete(ctx, credentialKey(event.Credential))
		}
		if err != nil {
			return err
		}
	}
	if err := a.forgetPasskeys(ctx, user); err != nil {
		return err
	}
	return a.people.Forget(ctx, user)
}

// freeLogin gives the login name back, unless it is another's by now.
func (a *Accounts) freeLogin(ctx context.Context, user string, sealed eventlog.Sealed) error {
	return a.free(ctx, user, sealed, a.loginKey)
}

// freeLink does so with a login at another provider.
func (a *Accounts) freeLink(ctx context.Context, user string, sealed eventlog.Sealed) error {
	return a.free(ctx, user, sealed, a.linkKey)
}

func (a *Accounts) free(ctx context.Context, user string, sealed eventlog.Sealed, key func(string) string) error {
	opens, err := a.people.Key(ctx, user)
	if err != nil {
		return err
	}
	text, err := sealed.Open(opens)
	if errors.Is(err, eventlog.ErrErased) {
		return nil // the key goes last, so the name went before it
	}
	if err != nil {
		return err
	}
	switch owner, _, err := a.credentials.Get(ctx, key(text)); {
	case errors.Is(err, eventlog.ErrNoKey):
		return nil
	case err != nil || string(owner) != user:
		return err
	}
	return a.credentials.Delete(ctx, key(text))
}
