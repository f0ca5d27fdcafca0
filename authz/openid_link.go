package authz

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"till/domain/account"
	"till/domain/eventlog"
)

// openidPage is what a person's own page says of the provider.
type openidPage struct {
	Name   string
	Linked bool
	Token  string
	Unlink string // the form's token, empty where it is the only way in
}

// openidName is what the provider is called, empty if there is none.
func (s *Server) openidName() string {
	if s.upstream == nil {
		return ""
	}
	return s.upstream.Name
}

func (s *Server) openidPage(ctx context.Context, who visitor, browser string) (*openidPage, error) {
	if s.upstream == nil {
		return nil, nil
	}
	p := &openidPage{Name: s.upstream.Name, Token: s.formToken("openid link", "", browser, who.Session)}
	for _, l := range who.Account.Logins {
		subject, err := s.accounts.people.Open(ctx, l.Subject)
		if err != nil {
			return nil, err
		}
		// One host may be several issuers.
		p.Linked = p.Linked || strings.HasPrefix(subject, s.upstream.Issuer+" ")
	}
	if other, err := s.accounts.hasPassword(ctx, who.Account); err != nil {
		return nil, err
	} else if other && p.Linked {
		p.Unlink = s.formToken("openid unlink", "", browser, who.Session)
	}
	return p, nil
}

// linkVisitor links the login to the account of the session that asked for it. By
// then both are proven: the session in this browser, the login at the provider.
func (s *Server) linkVisitor(w http.ResponseWriter, r *http.Request, at site, st upstreamState, browser string, id identity) error {
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	if who.User == "" || who.Session != st.Link {
		return errUpstreamState
	}
	if err := s.accounts.link(r.Context(), who.User, id); err != nil {
		return s.upstreamFailed(w, r, st, browser, err)
	}
	s.cfg.Logger.Info("a login at the OpenID provider was linked", "provider", id.Provider, "user", who.User)
	seeOther(w, "/account/connections")
	return nil
}

// openidUnlink takes the provider's login off the visitor's account. Sessions that
// began by it go on to their end.
func (s *Server) openidUnlink(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if err := parseForm(w, r); err != nil {
		return err
	}
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	if err := s.checkForm(r, "openid unlink", "", readCookie(r, at, "browser"), who.Session); err != nil {
		return err
	}
	if who.User == "" {
		return errTransaction
	}
	if err := s.accounts.unlink(r.Context(), who.Account, s.upstream.Issuer); err != nil {
		if errors.Is(err, errLastLogin) {
			return &pageError{status: 409, title: "It is your only way in", text: "Your account has no password, so without this login nobody could open it.",
				hint: "Ask whoever runs the shop for a password first: till user reset.", back: "/account/connections"}
		}
		return err
	}
	seeOther(w, "/account/connections")
	return nil
}

// opensLinked is whether a login at the provider can accept the invitation in place
// of a password. An administrator's account begins with a password: what the
// provider says must not make one.
func (in invitation) opensLinked() bool {
	return in.ID != firstID && in.User == "" && in.Role == account.Customer
}

// openidInvite is what the page of an invitation needs for the link to the provider.
func (s *Server) openidInvite(w http.ResponseWriter, r *http.Request, in invitation) (name, form string) {
	if s.upstream == nil || !in.opensLinked() {
		return "", ""
	}
	at, _ := s.sites.of(r)
	return s.upstream.Name, s.formToken("openid invite", in.ID, s.browser(w, r, at), "")
}

// acceptLinked uses the invitation for an account that is logged in to through the
// provider. Whoever holds its link was chosen by the operator, so that the domains
// do not count.
func (s *Server) acceptLinked(ctx context.Context, sealed string, id identity) (who account.State, err error) {
	in, err := s.invitation(ctx, sealed)
	if err != nil {
		return who, err
	}
	if !in.opensLinked() {
		return who, ErrInvitation
	}
	err = s.cfg.Credentials.Create(ctx, in.key(), []byte("used"))
	if errors.Is(err, eventlog.ErrKeyExists) {
		return who, ErrInvitation
	}
	if err != nil {
		return who, err
	}
	if who, err = s.accounts.openLinked(ctx, id, in.Login, false, in.Role); err != nil {
		// Nothing came of it: it may be used again.
		err = errors.Join(err, s.cfg.Credentials.Delete(context.WithoutCancel(ctx), in.key()))
		return who, fmt.Errorf("an invitation: %w", err)
	}
	return who, nil
}
