package authz

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"

	"till/domain/account"
	"till/domain/eventlog"
)

// passkeyRefusal is why a passkey is not added, for the person.
type passkeyRefusal struct{ text string }

func (e *passkeyRefusal) Error() string { return "authz: no passkey: " + e.text }

// addPasskey keeps what the authenticator made, and then lets it count. If the
// second fails the first is undone; if nobody is left to do that, what was kept
// opens nothing.
func (s *Server) addPasskey(r *http.Request, at site, who visitor, browser string) (name string, err error) {
	ctx, party := r.Context(), s.relying[at.issuer]
	c, err := s.ceremony(r.PostForm.Get("ceremony"), at, toAdd, browser)
	if err != nil || party == nil || c.Session != who.Session {
		return "", &passkeyRefusal{capital(errCeremony.Error()) + ". Try again."}
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(answered(r))
	if err != nil {
		return "", &passkeyRefusal{"The passkey could not be read. Try again, or use another authenticator."}
	}
	made, err := party.CreateCredential(keyholder{user: who.User}, c.Data, answer)
	if err != nil {
		s.cfg.Logger.Info("a passkey was not accepted", "user", who.User, "error", err)
		return "", &passkeyRefusal{"The passkey was made for another page or without checking that it is you. Try again, or use another authenticator."}
	}
	now := s.now()
	if name = shorten(plainName(r.PostForm.Get("name")), maxPasskeyName); name == "" {
		name = "Passkey of " + now.Format("2 January 2006")
	}
	key := passkey{
		ID: "psk_" + random(9), Name: name, Host: at.name(), Credential: made.ID, Public: made.PublicKey,
		Count: made.Authenticator.SignCount, Flags: byte(made.Flags.ProtocolValue()), Transports: transports(made.Transport), Added: now,
	}
	err = s.accounts.addPasskey(ctx, who.Account, key, account.AddPasskey{ID: key.ID, Credential: who.Account.Credential, After: c.After, At: now},
		s.meta(eventlog.Actor{Kind: eventlog.User, User: who.User}))
	switch {
	case errors.Is(err, errTwice), errors.Is(err, account.ErrOutdated):
		return "", &passkeyRefusal{"Your passkeys changed since this page was opened; here they are as they are now."}
	case errors.Is(err, account.ErrPasskeys):
		return "", &passkeyRefusal{"You have as many passkeys as fit. Remove one first."}
	}
	return name, err
}

// errTwice: the ring holds the credential.
var errTwice = errors.New("authz: that credential is kept already")

func (a *Accounts) addPasskey(ctx context.Context, who account.State, key passkey, cmd account.AddPasskey, meta eventlog.Meta) error {
	err := a.changeKeyring(ctx, who.User, func(ring *keyring) error {
		ring.keep(who, cmd.At.Add(-orphanLife))
		if len(ring.Keys) >= 2*account.MaxPasskeys { // some of them not yet on the log
			return account.ErrPasskeys
		}
		if slices.ContainsFunc(ring.Keys, func(p passkey) bool { return string(p.Credential) == string(key.Credential) }) {
			return errTwice
		}
		ring.Keys = append(ring.Keys, key)
		return nil
	})
	if err != nil {
		return err
	}
	out, err := a.handler.Do(ctx, who.User, cmd, meta)
	switch {
	case errors.Is(err, account.ErrForgotten): // just now
		return errors.Join(err, a.forgetPasskeys(ctx, who.User))
	case errors.Is(err, account.ErrOutdated), errors.Is(err, account.ErrPasskeys):
		return errors.Join(err, a.dropPasskey(ctx, who.User, key.ID))
	case err != nil: // it may stand on the log all the same
		return err
	}
	return a.views.Wait(ctx, out.Position)
}

// transports are those that there are of the named; an authenticator may name anything.
func transports(named []protocol.AuthenticatorTransport) []protocol.AuthenticatorTransport {
	var all []protocol.AuthenticatorTransport
	for _, t := range named {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}
