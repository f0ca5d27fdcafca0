package authz

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"till/domain/account"
	"till/domain/eventlog"
)

// The addresses of a login at the provider. The second is the redirect URI that the
// provider has to know.
const (
	openidStart    = "/login/openid"
	openidCallback = "/login/openid/callback"
)

// upstreamState is a login on its way to the provider and back. It travels sealed as
// the state parameter, bound to the browser, so that nothing is kept here; nonce and
// verifier follow from its id.
type upstreamState struct {
	ID string `json:"i"`
	// Tx is what goes on after the login. Its end is the state's.
	Tx transaction `json:"t"`
	// Link is the session of a person who wants to link the login to their account.
	Link string `json:"l,omitempty"`
	// Invite is a sealed invitation that the login accepts.
	Invite string `json:"v,omitempty"`
}

// errUpstreamState: the callback belongs to no login of this browser.
var errUpstreamState = &pageError{status: 400, title: "This login has expired", text: "It began in another browser, more than ten minutes ago, or was used before. Nobody was logged in by it.",
	hint: "Go back to your app and connect again, or log in anew.", back: "/login"}

func (s *Server) proof(what string, st upstreamState, browser string) string {
	return b64(mac(s.keys.proof, what, st.ID, browser))
}

// openidStart sends the browser to the provider. Only links of the shop's own pages
// lead here: the login page's, which names who asks, carries a transaction of this
// browser; the others a form token.
func (s *Server) openidStart(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if wait, ok := s.limits.upstreamFrom.take(s.from(r), s.now()); !ok {
		return tooMany(wait)
	}
	q := r.URL.Query()
	st := upstreamState{ID: random(16)}
	browser, sealed := readCookie(r, at, "browser"), q.Get("tx")
	var err error
	switch {
	case q.Has("link"):
		who, err := s.visitor(r, at)
		if err != nil {
			return err
		}
		if who.User == "" || !same(q.Get("link"), s.formToken("openid link", "", browser, who.Session)) {
			return errUpstreamState
		}
		st.Link, st.Tx = who.Session, transaction{ID: st.ID, Issuer: at.issuer}
	case q.Has("invite"):
		in, err := s.invited(r, q.Get("invite"))
		if err != nil {
			return err
		}
		if !in.opensLinked() || !same(q.Get("form"), s.formToken("openid invite", in.ID, browser, "")) {
			return errUpstreamState
		}
		st.Invite, st.Tx = q.Get("invite"), transaction{ID: st.ID, Issuer: at.issuer}
	default:
		if st.Tx, browser, err = s.transaction(r, at, sealed); err != nil {
			return err
		}
	}
	if browser == "" {
		return errUpstreamState
	}
	p, err := s.upstream.provider(r.Context())
	if err != nil {
		return s.upstreamFailed(w, r, st, browser, err)
	}
	// Who types a password there has as long as who types it here.
	st.Tx.Expires = s.now().Add(transactionLife)
	state, err := seal(s.keys.upstream, st, browser)
	if err != nil {
		return err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(s.proof("verifier", st, browser)), oauth2.SetAuthURLParam("nonce", s.proof("nonce", st, browser))}
	if st.Tx.Login || st.Link != "" || st.Invite != "" {
		// What stays linked must be the login of who sits here, and not of somebody
		// who logged this browser in there before.
		options = append(options, oauth2.SetAuthURLParam("prompt", s.upstream.afresh()))
	}
	seeOther(w, s.upstream.oauth(p, at).AuthCodeURL(state, options...))
	return nil
}

// openidCallback takes the provider's answer.
func (s *Server) openidCallback(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if wait, ok := s.limits.upstreamFrom.take(s.from(r), s.now()); !ok {
		return tooMany(wait)
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > 2*maxQuery {
		return errUpstreamState
	}
	for _, values := range q {
		if len(values) > 1 {
			return errUpstreamState
		}
	}
	browser := readCookie(r, at, "browser")
	var st upstreamState
	if browser == "" || unseal(s.keys.upstream, q.Get("state"), &st, browser) != nil || st.Tx.Issuer != at.issuer || !s.now().Before(st.Tx.Expires) {
		return errUpstreamState
	}
	// What follows costs calls to the provider, which are not made for a guess.
	if wait, ok := s.limits.upstreamAll.take("", s.now()); !ok {
		return tooMany(wait)
	}
	// From here on the state is used up, whatever comes of it. The mark is made
	// before the code is spent, so that of many callbacks at once one goes on.
	err = s.cfg.Pending.Create(r.Context(), "openid."+st.ID, []byte("used"))
	if errors.Is(err, eventlog.ErrKeyExists) {
		return errUpstreamState
	}
	if err != nil {
		return err
	}
	who, id, err := s.upstreamPerson(r.Context(), at, st, browser, q)
	if err != nil {
		return s.upstreamFailed(w, r, st, browser, err)
	}
	if st.Link != "" {
		return s.linkVisitor(w, r, at, st, browser, id)
	}
	if !who.Active() {
		return s.upstreamFailed(w, r, st, browser, errShut)
	}
	if err := s.startSession(w, r, at, who); err != nil {
		return err
	}
	sealed, err := s.sealTransaction(st.Tx, browser)
	if err != nil {
		return err
	}
	onwards(w, st.Tx, sealed)
	return nil
}

// upstreamPerson checks the answer and returns whose login it is, opening an account
// where that is allowed.
func (s *Server) upstreamPerson(ctx context.Context, at site, st upstreamState, browser string, q url.Values) (who account.State, id identity, err error) {
	// Of which provider the answer is (RFC 9207) is asked before what it says.
	if q.Has("iss") && q.Get("iss") != s.upstream.Issuer {
		return who, id, errMixedUp
	}
	p, err := s.upstream.provider(ctx)
	switch {
	case err != nil:
		return who, id, err
	case p.Iss && !q.Has("iss"):
		return who, id, errMixedUp
	case q.Has("error"):
		return who, id, &upstreamError{known(q.Get("error"))}
	case q.Get("code") == "" || len(q.Get("code")) > 4096:
		return who, id, errUpstreamToken
	}
	id, err = s.upstream.redeem(ctx, p, at, q.Get("code"), s.proof("verifier", st, browser), s.proof("nonce", st, browser), func(id identity) (bool, error) {
		who, err = s.accounts.linked(ctx, id)
		if errors.Is(err, ErrNobody) {
			return st.Link == "" && st.Invite == "", nil
		}
		return false, err
	})
	if err != nil || who.User != "" || st.Link != "" {
		return who, id, err
	}
	if st.Invite != "" {
		who, err = s.acceptLinked(ctx, st.Invite, id)
		return who, id, err
	}
	if !s.upstream.admits(id.claims) {
		return who, id, errNotAdmitted
	}
	name, varies := id.loginName()
	if who, err = s.accounts.openLinked(ctx, id, name, varies, account.Customer); err == nil {
		s.cfg.Logger.Info("an account was opened through the provider", "provider", id.Provider, "user", who.User)
	}
	return who, id, err
}
