package authz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"till/domain/account"
	"till/domain/eventlog"
)

// keyring is what is kept of a person's passkeys, beside the log as password
// hashes are: one entry for each person, so that forgetting is one deletion. The
// account's events say which of them count.
type keyring struct {
	Keys []passkey `json:"keys"`
}

// passkey is one credential: its public key, and what the person calls it.
type passkey struct {
	ID         string                            `json:"id"` // on the log
	Name       string                            `json:"name"`
	Host       string                            `json:"host"` // where it works
	Credential []byte                            `json:"credential"`
	Public     []byte                            `json:"public"`
	Count      uint32                            `json:"count,omitempty"`
	Flags      byte                              `json:"flags"`
	Transports []protocol.AuthenticatorTransport `json:"transports,omitempty"`
	Added      time.Time                         `json:"added"`
	Used       time.Time                         `json:"used,omitzero"`
}

func (p passkey) webauthn() webauthn.Credential {
	return webauthn.Credential{
		ID: p.Credential, PublicKey: p.Public, Transport: p.Transports,
		Flags:         webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(p.Flags)),
		Authenticator: webauthn.Authenticator{SignCount: p.Count},
	}
}

// keyholder is a person as the library knows them. The handle is the account's
// random id, which means nothing elsewhere and outlives a rotation of the secret.
// Whoever logs in is looked up by it and never by the credential, so that nobody
// gains by registering somebody else's credential id.
type keyholder struct {
	user, login string
	keys        []passkey
}

func (k keyholder) WebAuthnID() []byte          { return []byte(k.user) }
func (k keyholder) WebAuthnName() string        { return k.login }
func (k keyholder) WebAuthnDisplayName() string { return k.login }
func (k keyholder) WebAuthnCredentials() (all []webauthn.Credential) {
	for _, p := range k.keys {
		all = append(all, p.webauthn())
	}
	return all
}

func keyringKey(user string) string { return "passkeys." + user }

// keyring returns the person's passkeys and the entry's revision, 0 for none.
func (a *Accounts) keyring(ctx context.Context, user string) (ring keyring, revision uint64, err error) {
	data, revision, err := a.credentials.Get(ctx, keyringKey(user))
	if errors.Is(err, eventlog.ErrNoKey) {
		return keyring{}, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &ring)
	}
	return ring, revision, err
}

// counting are those of the person's passkeys that count.
func (a *Accounts) counting(ctx context.Context, who account.State) ([]passkey, error) {
	ring, _, err := a.keyring(ctx, who.User)
	return slices.DeleteFunc(ring.Keys, func(p passkey) bool { return !who.HasPasskey(p.ID) }), err
}

const (
	// keyringTries bounds how often a change steps behind others of the same ring.
	keyringTries = 30
	// orphanLife is how long a passkey may lie in the ring before the log says that
	// it counts; a process may have died in between.
	orphanLife = 10 * time.Minute
)

// errSame ends a change that need not be written.
var errSame = errors.New("authz: nothing to change")

// changeKeyring changes what is kept of a person's passkeys, whoever else does so
// at the same time: change may be called again, on a newer ring.
func (a *Accounts) changeKeyring(ctx context.Context, user string, change func(*keyring) error) error {
	for range keyringTries {
		ring, revision, err := a.keyring(ctx, user)
		if err != nil {
			return err
		}
		if err := change(&ring); err != nil {
			if errors.Is(err, errSame) {
				return nil
			}
			return err
		}
		data, err := json.Marshal(ring)
		if err != nil {
			return err
		}
		if revision == 0 {
			err = a.credentials.Create(ctx, keyringKey(user), data)
		} else {
			err = a.credentials.Update(ctx, keyringKey(user), data, revision)
		}
		if !errors.Is(err, eventlog.ErrConflict) && !errors.Is(err, eventlog.ErrKeyExists) {
			return err
		}
	}
	return fmt.Errorf("%w: the passkeys of %s change all the time", eventlog.ErrUnavailable, user)
}

// keepPasskeys destroys what is kept of passkeys that count no more. Those that
// were added since the moment may be about to.
func (a *Accounts) keepPasskeys(ctx context.Context, user string, since time.Time) error {
	who, err := a.state(ctx, user)
	if err != nil {
		return err
	}
	a.destroying.RLock()
	defer a.destroying.RUnlock()
	return a.changeKeyring(ctx, user, func(ring *keyring) error {
		before := len(ring.Keys)
		if ring.keep(who, since); len(ring.Keys) == before {
			return errSame
		}
		return nil
	})
}

func (ring *keyring) keep(who account.State, since time.Time) {
	ring.Keys = slices.DeleteFunc(ring.Keys, func(p passkey) bool { return !who.HasPasskey(p.ID) && !p.Added.After(since) })
}

// forgetPasskeys destroys all that is kept of the person's passkeys.
func (a *Accounts) forgetPasskeys(ctx context.Context, user string) error {
	_, _, err := a.credentials.Get(ctx, keyringKey(user))
	if errors.Is(err, eventlog.ErrNoKey) {
		return nil
	}
	return errors.Join(err, a.credentials.Delete(ctx, keyringKey(user)))
}
