package authz

import (
	"context"
	"errors"
	"fmt"

	"till/domain/account"
	"till/domain/eventlog"
)

// Rekey moves what rests under keys of an old secret to those of a new one: the
// wrapped keys of people, and the login names and linked logins of the accounts. Nobody may use either
// meanwhile. It may be called again after an error or a crash, with the same secrets,
// and returns how many people's keys stand under the new one.
//
// What is short-lived is let go: sealed pages, quotes, invitations. Tokens stay good,
// since the log knows them by their hashes; only one that was used up before can then
// no longer be told from a guess.
func Rekey(ctx context.Context, people, credentials eventlog.Bucket, accounts []account.State, old, new []byte) (n int, err error) {
	before, err := newKeys(old)
	if err != nil {
		return 0, err
	}
	after, err := newKeys(new)
	if err != nil {
		return 0, err
	}
	users, err := people.Keys(ctx)
	if err != nil {
		return 0, err
	}
	for _, user := range users {
		if err := rewrap(ctx, people, user, before, after); err != nil {
			return n, err
		}
		n++
	}
	owned := &People{people, after.people}
	for _, a := range accounts {
		if a.Forgotten {
			continue
		}
		key, err := owned.Key(ctx, a.User)
		if err != nil {
			return n, err
		}
		login, err := a.Login.Open(key)
		if errors.Is(err, eventlog.ErrErased) {
			continue // its key is lost, and its name with it
		}
		if err != nil {
			return n, err
		}
		from, to := Accounts{keys: before}, Accounts{keys: after}
		if err := move(ctx, credentials, from.loginKey(login), to.loginKey(login), a.User); err != nil {
			return n, err
		}
		for _, l := range a.Logins {
			subject, err := l.Subject.Open(key)
			if err != nil {
				return n, err
			}
			if err := move(ctx, credentials, from.linkKey(subject), to.linkKey(subject), a.User); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// rewrap wraps a person's key anew, unless that was done before.
func rewrap(ctx context.Context, people eventlog.Bucket, user string, before, after keys) error {
	wrapped, revision, err := people.Get(ctx, user)
	if err != nil {
		return err
	}
	if _, err := after.people.Open(nil, nil, wrapped, []byte(user)); err == nil {
		return nil
	}
	key, err := before.people.Open(nil, nil, wrapped, []byte(user))
	if err != nil {
		return fmt.Errorf("authz: the key of %s opens under neither the old secret nor the new one; nothing of it was changed", user)
	}
	return people.Update(ctx, user, after.people.Seal(nil, nil, key, []byte(user)), revision)
}

// move gives an entry another name. The new one is there before the old one goes.
func move(ctx context.Context, b eventlog.Bucket, from, to, user string) error {
	err := b.Create(ctx, to, []byte(user))
	if err != nil && !errors.Is(err, eventlog.ErrKeyExists) {
		return err
	}
	return b.Delete(ctx, from)
}
