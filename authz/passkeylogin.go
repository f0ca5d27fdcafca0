package authz

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"till/domain/account"
	"till/domain/account/session"
)

var (
	// errPasskey: nobody logs in with that. It never says what is at fault.
	errPasskey = errors.New("that passkey opens no account here")
	// errUsed: what was asked has been answered before.
	errUsed = errors.New("that page was used before")
	// errCopied: the authenticator's count did not go on, so two of them have the key.
	errCopied = errors.New("that passkey seems to have been copied: its counter went backwards")
)

// passkeyOffer is what the login page needs to let somebody in by passkey, nil
// where browsers know none.
func (s *Server) passkeyOffer(tx transaction, browser string) (*passkeyOffer, error) {
	party := s.relying[tx.Issuer]
	if party == nil {
		return nil, nil
	}
	asked, data, err := party.BeginDiscoverableLogin()
	if err != nil {
		return nil, err
	}
	options, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	sealed, err := s.sealCeremony(ceremony{Data: *data, Tx: tx.ID}, tx.Issuer, toLogIn, browser)
	return &passkeyOffer{string(options), sealed, s.formToken("passkey", tx.ID, browser, "")}, err
}

// passkeyLogin lets somebody in by the answer of their authenticator. Failures
// count against the address. An account whose password is being guessed at stays
// open for its passkeys, which nobody guesses.
func (s *Server) passkeyLogin(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if err := parseForm(w, r); err != nil {
		return err
	}
	sealed := r.PostForm.Get("tx")
	tx, browser, err := s.transaction(r, at, sealed)
	if err != nil {
		return err
	}
	if err := s.checkForm(r, "passkey", tx.ID, browser, ""); err != nil {
		return err
	}
	now, from := s.now(), s.from(r)
	if wait, empty := s.limits.loginFrom.empty(from, now); empty {
		retryAfter(w, wait)
		return s.showLogin(w, 429, tx, sealed, browser, "", "Too many failed tries. Wait "+inWords(wait)+", then try again.")
	}
	err = s.letIn(w, r, at, tx, browser)
	switch {
	case errors.Is(err, errCeremony), errors.Is(err, errUsed):
		return s.showLogin(w, 400, tx, sealed, browser, "", capital(err.Error())+". Try again.")
	case errors.Is(err, errPasskey):
		s.limits.loginFrom.take(from, now)
		s.cfg.Logger.Info("login failed", "from", from, "by", "passkey")
		return s.showLogin(w, 401, tx, sealed, browser, "", capital(err.Error())+". Use another one, or log in another way.")
	case errors.Is(err, errCopied):
		s.limits.loginFrom.take(from, now)
		return s.showLogin(w, 401, tx, sealed, browser, "", capital(err.Error())+". Log in another way and remove it.")
	case err != nil:
		return err
	}
	onwards(w, tx, sealed)
	return nil
}

// letIn begins the session to which the answer leads. The session's id follows from
// the challenge, so that however often and at whatever time it is answered, the log
// takes one session for it (session.ErrExists).
func (s *Server) letIn(w http.ResponseWriter, r *http.Request, at site, tx transaction, browser string) error {
	party := s.relying[at.issuer]
	c, err := s.ceremony(r.PostForm.Get("ceremony"), at, toLogIn, browser)
	if err != nil || party == nil || c.Tx != tx.ID {
		return errCeremony
	}
	id := b64(mac(s.keys.challenge, c.Data.Challenge))
	before, err := stateOf[session.State](r.Context(), s.cfg.Views, session.Category, sessionHash(id))
	if err != nil {
		return err
	}
	if before.User != "" {
		return errUsed
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(answered(r))
	if err != nil {
		return errPasskey
	}
	who, key, err := s.checkPasskey(r.Context(), party, c.Data, answer)
	if err == nil {
		err = s.startSessionAs(w, r, at, who, id, key.ID, func() error { return s.accounts.usedPasskey(r.Context(), who.User, key) })
	}
	switch {
	case errors.Is(err, session.ErrExists):
		return errUsed
	case errors.Is(err, errCopied):
		s.cfg.Logger.Warn("a passkey was refused: its counter went backwards, so there may be a copy of it", "user", who.User, "passkey", key.ID)
	}
	return err
}

// checkPasskey returns whose passkey answered, and the passkey as it is after it.
func (s *Server) checkPasskey(ctx context.Context, party *webauthn.WebAuthn, asked webauthn.SessionData, answer *protocol.ParsedCredentialAssertionData) (who account.State, key passkey, err error) {
	handle := string(answer.Response.UserHandle)
	if len(handle) > protocol.MaximumUserHandleLength || !base64url(handle) || handle == "" {
		return who, key, errPasskey
	}
	if who, err = s.accounts.state(ctx, handle); err != nil {
		return who, key, err
	}
	if !who.Active() {
		return who, key, errPasskey
	}
	keys, err := s.accounts.counting(ctx, who)
	if err != nil {
		return who, key, err
	}
	holder := func(_, _ []byte) (webauthn.User, error) { return keyholder{user: who.User, keys: keys}, nil }
	_, found, err := party.ValidatePasskeyLogin(holder, asked, answer)
	if err != nil {
		return who, key, errPasskey
	}
	for _, key := range keys {
		if string(key.Credential) != string(found.ID) {
			continue
		}
		if found.Authenticator.CloneWarning {
			return who, key, errCopied
		}
		key.Count, key.Flags, key.Used = answer.Response.AuthenticatorData.Counter, byte(found.Flags.ProtocolValue()), s.now()
		return who, key, nil
	}
	return who, key, errPasskey
}

// usedPasskey writes down the passkey's new count, and refuses one that did not go
// on: another answer with that count has been seen, so the key exists twice
// (WebAuthn, "Verifying an Authentication Assertion"). Authenticators that keep
// no count send 0. Of two that answer at the same moment one is behind the other
// here, whatever both have read before.
func (a *Accounts) usedPasskey(ctx context.Context, user string, key passkey) error {
	return a.changeKeyring(ctx, user, func(ring *keyring) error {
		for i, old := range ring.Keys {
			switch {
			case old.ID != key.ID:
				continue
			case key.Count <= old.Count && (key.Count > 0 || old.Count > 0):
				return errCopied
			case key.Count == 0 && key.Flags == old.Flags && key.Used.Sub(old.Used) < time.Minute:
				return errSame
			}
			old.Count, old.Flags, old.Used = key.Count, key.Flags, key.Used
			ring.Keys[i] = old
			return nil
		}
		return errPasskey // removed just now
	})
}
