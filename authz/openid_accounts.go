package authz

import (
	"context"
	"errors"
	"strings"

	"till/domain/account"
	"till/domain/eventlog"
)

// ErrLinked: the login at the provider is another account's.
var ErrLinked = errors.New("the login belongs to another account")

// subject is what is sealed of a login at a provider. An issuer holds no blank.
func (id identity) subject() string { return id.Issuer + " " + id.Subject }

// linkKey is the bucket key of a login at a provider, given what is sealed of it.
func (a *Accounts) linkKey(subject string) string {
	issuer, sub, _ := strings.Cut(subject, " ")
	return "openid." + b64(mac(a.keys.link, issuer, sub))
}

// linked returns the account that the login counts as, or ErrNobody. It is found
// by issuer and subject and by nothing else, and counts once the log says so.
func (a *Accounts) linked(ctx context.Context, id identity) (account.State, error) {
	user, _, err := a.linkOwner(ctx, id)
	if err != nil {
		return account.State{}, err
	}
	s, err := a.state(ctx, user)
	if err != nil {
		return s, err
	}
	if ok, err := a.counts(ctx, s, id); err != nil || ok {
		return s, err
	}
	// Views may lag. What is nobody's may be given away, so the log has to say so.
	if s, err = a.folded(ctx, user); err != nil {
		return s, err
	}
	if ok, err := a.counts(ctx, s, id); err != nil || ok {
		return s, err
	}
	return account.State{}, ErrNobody
}

// folded is the account as the log has it.
func (a *Accounts) folded(ctx context.Context, user string) (s account.State, err error) {
	for e, err := range a.log.Read(ctx, eventlog.Stream{Category: account.Category, ID: user}) {
		if err != nil {
			return s, err
		}
		event, err := a.types.Decode(e)
		if err != nil {
			return s, err
		}
		if event, ok := event.(account.Event); ok {
			s = account.Evolve(s, event)
		}
	}
	return s, nil
}

func (a *Accounts) linkOwner(ctx context.Context, id identity) (user string, revision uint64, err error) {
	value, revision, err := a.credentials.Get(ctx, a.linkKey(id.subject()))
	if errors.Is(err, eventlog.ErrNoKey) {
		err = ErrNobody
	}
	return string(value), revision, err
}

// counts is whether the account says of the login that it is its own.
func (a *Accounts) counts(ctx context.Context, s account.State, id identity) (bool, error) {
	if s.User == "" {
		return false, nil
	}
	key, err := a.people.Key(ctx, s.User)
	if err != nil || key == nil {
		return false, err
	}
	subject, err := eventlog.Seal(key, s.User, id.subject())
	return err == nil && s.Links(subject), err
}

// link makes the login at the provider count as the person's, who has an account
// and is logged in to it. It returns ErrLinked, account.ErrLogins or the log's errors.
func (a *Accounts) link(ctx context.Context, user string, id identity) error {
	key := a.linkKey(id.subject())
	err := a.credentials.Create(ctx, key, []byte(user))
	made := err == nil
	if errors.Is(err, eventlog.ErrKeyExists) {
		err = a.takeOver(ctx, user, id)
	}
	if err != nil {
		return err
	}
	err = a.record(ctx, user, id, eventlog.User)
	if made && (errors.Is(err, account.ErrLogins) || errors.Is(err, account.ErrForgotten)) {
		a.destroying.RLock()
		defer a.destroying.RUnlock()
		err = errors.Join(err, a.credentials.Delete(ctx, key))
	}
	return err
}

// takeOver gives the person a login that is kept for another who never got it.
func (a *Accounts) takeOver(ctx context.Context, user string, id identity) error {
	owner, revision, err := a.linkOwner(ctx, id)
	if err != nil || owner == user {
		return err
	}
	s, err := a.folded(ctx, owner)
	if err != nil {
		return err
	}
	switch ok, err := a.counts(ctx, s, id); {
	case err != nil:
		return err
	case ok:
		return ErrLinked
	}
	return a.credentials.Update(ctx, a.linkKey(id.subject()), []byte(user), revision)
}

// errLastLogin: nobody could log in to the account any more.
var errLastLogin = errors.New("the account has no password")

// hasPassword is whether a password opens the account.
func (a *Accounts) hasPassword(ctx context.Context, s account.State) (bool, error) {
	_, _, err := a.credentials.Get(ctx, credentialKey(s.Credential))
	if errors.Is(err, eventlog.ErrNoKey) {
		return false, nil
	}
	return err == nil, err
}

// unlink takes the logins of an issuer off the account. It returns errLastLogin or
// the log's errors. The event comes first: the login counts no more from then on.
func (a *Accounts) unlink(ctx context.Context, s account.State, issuer string) error {
	if ok, err := a.hasPassword(ctx, s); err != nil {
		return err
	} else if !ok {
		return errLastLogin
	}
	for _, l := range s.Logins {
		subject, err := a.people.Open(ctx, l.Subject)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(subject, issuer+" ") {
			continue
		}
		now := a.now()
		meta := a.meta(now, s.User)
		meta.Actor.Kind = eventlog.User
		if err := a.change(ctx, s.User, account.Unlink{Provider: l.Provider, Subject: l.Subject, At: now}, meta); err != nil {
			return err
		}
		if err := a.release(ctx, s.User, l.Subject); err != nil {
			return err
		}
	}
	return nil
}

// release gives the login at the provider back, unless it is another's by now.
func (a *Accounts) release(ctx context.Context, user string, subject eventlog.Sealed) error {
	a.destroying.RLock()
	defer a.destroying.RUnlock()
	return a.freeLink(ctx, user, subject)
}

// record puts the link on the log, if it does not stand there, and returns once
// the views show it.
func (a *Accounts) record(ctx context.Context, user string, id identity, by eventlog.ActorKind) error {
	key, err := a.people.Key(ctx, user)
	if err != nil {
		return err
	}
	if key == nil {
		return account.ErrForgotten
	}
	subject, err := eventlog.Seal(key, user, id.subject())
	if err != nil {
		return err
	}
	now := a.now()
	meta := a.meta(now, user)
	meta.Actor.Kind = by
	return a.change(ctx, user, account.Link{Provider: id.Provider, Subject: subject, At: now}, meta)
}
