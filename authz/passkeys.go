package authz

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"till/domain/account"
	"till/domain/eventlog"
)

// passkeysPage lists the person's passkeys and lets them add one.
type passkeysPage struct {
	frame
	Form, Logout  string
	Login         string
	Done, Problem string
	Keys          []shownPasskey
	// Offer is nil where nothing can be added; then one of these says why: the
	// address where it could be, that the login is too long ago, that no more fit.
	Offer      *passkeyOffer
	Elsewhere  string
	Again      string // the address of that login
	Full       bool
	Impossible bool
}

type shownPasskey struct {
	ID, Name    string
	Added, Used string
	Elsewhere   string // the host where it works, if that is another one
	This        bool   // the session began with it
}

const passkeysPath = "/account/passkeys"

const (
	// freshLogin is how old a session may be that adds a passkey: who finds a
	// browser that somebody left open must not make it theirs for good.
	freshLogin = 15 * time.Minute
	// maxPasskeyName is in characters.
	maxPasskeyName = 40
)

// passkeys shows the person's passkeys, adds one and removes one.
func (s *Server) passkeys(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	if who.User == "" {
		login, err := s.loginTo(w, r, at, passkeysPath)
		if err != nil {
			return err
		}
		seeOther(w, login)
		return nil
	}
	browser := s.browser(w, r, at)
	if r.Method != http.MethodPost {
		return s.showPasskeys(w, r, 200, at, who, browser, "", "")
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	if err := s.checkForm(r, "passkeys", "", browser, who.Session); err != nil {
		return err
	}
	if id := r.PostForm.Get("remove"); id != "" {
		return s.removePasskey(w, r, at, who, browser, id)
	}
	name, err := s.addPasskey(r, at, who, browser)
	var no *passkeyRefusal
	if errors.As(err, &no) {
		return s.showPasskeys(w, r, 400, at, who, browser, "", no.text)
	}
	if err != nil {
		return err
	}
	if who, err = s.visitor(r, at); err != nil {
		return err
	}
	if who.User == "" { // logged out meanwhile
		seeOther(w, "/login")
		return nil
	}
	return s.showPasskeys(w, r, 200, at, who, browser, "“"+name+"” is added. You can log in with it from now on.", "")
}

func (a *Accounts) dropPasskey(ctx context.Context, user, id string) error {
	a.destroying.RLock()
	defer a.destroying.RUnlock()
	return a.changeKeyring(ctx, user, func(ring *keyring) error {
		before := len(ring.Keys)
		if ring.Keys = slices.DeleteFunc(ring.Keys, func(p passkey) bool { return p.ID == id }); len(ring.Keys) == before {
			return errSame
		}
		return nil
	})
}

// removePasskey ends a passkey and the sessions that began with it, on every node
// before it returns.
func (s *Server) removePasskey(w http.ResponseWriter, r *http.Request, at site, who visitor, browser, id string) error {
	if !who.Account.HasPasskey(id) {
		return s.showPasskeys(w, r, 200, at, who, browser, "It is removed.", "")
	}
	out, err := s.accounts.handler.Do(r.Context(), who.User, account.RemovePasskey{ID: id, At: s.now()}, s.meta(eventlog.Actor{Kind: eventlog.User, User: who.User}))
	if err != nil {
		return err
	}
	if err := s.applied(r.Context(), out.Position); err != nil {
		return err
	}
	if err := s.accounts.dropPasskey(r.Context(), who.User, id); err != nil {
		return err
	}
	if who, err = s.visitor(r, at); err != nil {
		return err
	}
	if who.User == "" { // this session was one of them
		seeOther(w, "/login")
		return nil
	}
	return s.showPasskeys(w, r, 200, at, who, browser, "Removed. It opens nothing any more, and sessions that began with it have ended.", "")
}

func (s *Server) showPasskeys(w http.ResponseWriter, r *http.Request, status int, at site, who visitor, browser, done, problem string) error {
	page := passkeysPage{
		frame: frame{Title: "Your passkeys"}, Done: done, Problem: problem,
		Form: s.formToken("passkeys", "", browser, who.Session), Logout: s.formToken("logout", "", browser, who.Session),
	}
	var err error
	if page.Login, err = s.accounts.people.Open(r.Context(), who.Account.Login); err != nil {
		return err
	}
	keys, err := s.accounts.counting(r.Context(), who.Account)
	if err != nil {
		return err
	}
	now := s.now()
	for _, p := range who.Account.Passkeys {
		shown := shownPasskey{ID: p.ID, Name: "A passkey without its key", Added: p.At.Format("2 January 2006"), This: p.ID == who.Passkey}
		for _, key := range keys {
			if key.ID != p.ID {
				continue
			}
			if shown.Name = key.Name; key.Host != at.name() {
				shown.Elsewhere = key.Host
			}
			if !key.Used.IsZero() {
				shown.Used = ago(now.Sub(key.Used))
			}
		}
		page.Keys = append(page.Keys, shown)
	}
	switch party := s.relying[at.issuer]; {
	case party == nil:
		page.Elsewhere, page.Impossible = s.relying.elsewhere(s.sites), true
	case len(page.Keys) >= account.MaxPasskeys:
		page.Full = true
	case now.Sub(who.Since) > freshLogin:
		if page.Again, err = s.loginTo(w, r, at, passkeysPath); err != nil {
			return err
		}
	default:
		page.Offer, err = s.offerToAdd(party, at, who, page.Login, keys, browser)
	}
	if err != nil {
		return err
	}
	page.scripted = page.Offer != nil
	return s.show(w, status, "passkeys", page)
}

// offerToAdd asks the authenticators of this browser for a passkey, except those
// that have one.
func (s *Server) offerToAdd(party *webauthn.WebAuthn, at site, who visitor, login string, keys []passkey, browser string) (*passkeyOffer, error) {
	var have []protocol.CredentialDescriptor
	for _, key := range keys {
		if key.Host == at.name() {
			credential := key.webauthn()
			have = append(have, credential.Descriptor())
		}
	}
	asked, data, err := party.BeginRegistration(keyholder{user: who.User, login: login}, webauthn.WithExclusions(have),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()))
	if err != nil {
		return nil, err
	}
	options, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	sealed, err := s.sealCeremony(ceremony{Data: *data, Session: who.Session, After: who.Account.PasskeyChanges}, at.issuer, toAdd, browser)
	return &passkeyOffer{string(options), sealed, s.formToken("passkeys", "", browser, who.Session)}, err
}

// elsewhere is the address under which the shop can have passkeys, empty if there
// is none.
func (p relying) elsewhere(all sites) string {
	for _, at := range all.all {
		if p[at.issuer] != nil {
			return at.issuer
		}
	}
	return ""
}
