package authz

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"till/domain/account"
	"till/domain/eventlog"
)

// openLinked opens an account that is logged in to through the provider only, and
// returns it. The name must be free, unless it may vary. It returns ErrLogin,
// ErrTaken or the log's errors, and may be called again after an error: the login
// keeps the person's id from the first try on.
func (a *Accounts) openLinked(ctx context.Context, id identity, name string, varies bool, role account.Role) (account.State, error) {
	var none account.State
	if normal, err := normalLogin(name); err != nil || normal != name {
		return none, ErrLogin
	}
	names := []string{name}
	if varies {
		// The same for every try of the same person, so that no try keeps a second.
		more := hex.EncodeToString(mac(a.keys.link, "name", id.Issuer, id.Subject))
		names = append(names, shorten(name, 59)+"-"+more[:4], shorten(name, 55)+"-"+more[:8])
	}
	user, err := a.reserve(ctx, id, names)
	if err != nil {
		return none, err
	}
	login, err := a.claim(ctx, user, names)
	if errors.Is(err, ErrTaken) {
		a.destroying.RLock()
		defer a.destroying.RUnlock()
		return none, errors.Join(err, a.credentials.Delete(ctx, a.linkKey(id.subject())))
	}
	if err != nil {
		return none, err
	}
	key, err := a.people.Make(ctx, user)
	if err != nil {
		return none, err
	}
	sealed, err := eventlog.Seal(key, user, login)
	if err != nil {
		return none, err
	}
	now := a.now()
	_, err = a.handler.Do(ctx, user, account.Open{User: user, Login: sealed, Role: role, Credential: noPassword(user), At: now}, a.meta(now, user))
	if errors.Is(err, account.ErrExists) {
		// Somebody opened it with a password at the same moment: the name is theirs,
		// and a name links nothing.
		return none, ErrTaken
	}
	if err != nil {
		return none, err
	}
	if err := a.record(ctx, user, id, eventlog.System); err != nil {
		return none, err
	}
	return a.state(ctx, user)
}

// noPassword is the credential of an account without one: sessions need it to end
// with, and no hash lies under it. It follows from the id, so that whoever opens the
// account twice does the same twice.
func noPassword(user string) string { return "crd_" + strings.TrimPrefix(user, "usr_") }

// reserve returns the id of the person whom the login is to open an account for.
func (a *Accounts) reserve(ctx context.Context, id identity, names []string) (user string, err error) {
	fresh, key := "usr_"+random(16), a.linkKey(id.subject())
	owner, revision, err := a.linkOwner(ctx, id)
	if errors.Is(err, ErrNobody) {
		if taken, err := a.taken(ctx, names); err != nil {
			return "", err
		} else if taken {
			return "", ErrTaken
		}
		err = a.credentials.Create(ctx, key, []byte(fresh))
		if !errors.Is(err, eventlog.ErrKeyExists) {
			return fresh, err
		}
		owner, revision, err = a.linkOwner(ctx, id) // at the same moment
	}
	if err != nil {
		return "", err
	}
	s, err := a.folded(ctx, owner)
	if err != nil || s.User == "" || s.Credential == noPassword(owner) {
		return owner, err
	}
	return fresh, a.credentials.Update(ctx, key, []byte(fresh), revision)
}

// taken is whether all the names are somebody's.
func (a *Accounts) taken(ctx context.Context, names []string) (bool, error) {
	for _, name := range names {
		if _, err := a.user(ctx, name); errors.Is(err, ErrNobody) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// claim takes the first of the names that is free, or the user's already.
func (a *Accounts) claim(ctx context.Context, user string, names []string) (string, error) {
	for _, name := range names {
		err := a.credentials.Create(ctx, a.loginKey(name), []byte(user))
		if errors.Is(err, eventlog.ErrKeyExists) {
			owner, err := a.user(ctx, name)
			if err != nil && !errors.Is(err, ErrNobody) {
				return "", err
			}
			if owner == user {
				return name, nil
			}
			continue
		}
		return name, err
	}
	return "", ErrTaken
}

// loginName is the name of an account that the person opens by logging in. A
// verified address is theirs and must be free; any other name may be anybody's, so
// that it carries the provider's and varies.
func (id identity) loginName() (name string, varies bool) {
	if mail, err := normalLogin(id.email()); err == nil {
		return mail, false
	}
	name = id.Username
	if name == "" {
		name = id.Subject
	}
	clean := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(id.Provider+"-"+name))
	return shorten(clean, 64), true
}
