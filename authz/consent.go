package authz

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"till/authz/cimd"
	"till/authz/redirect"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
)

// consentPage is what the consent page shows: who asks, who vouches for it,
// where the answer goes, as whom, what for and for how long.
type consentPage struct {
	frame
	Tx, Form, Logout string
	App, Verified    string
	Destination      string
	Local            bool // the answer goes to a program on the person's machine
	Scheme           bool // … by a private scheme
	Login            string
	Allowed          []permission
	Lasts            string
	Rules            *ruleForm // nil where nothing can be bought
}

// permission is a scope in plain words.
type permission struct {
	Text   string
	Detail string
	Spends bool // deserves a warning
}

func permissions(scopes []string) []permission {
	words := []struct {
		scope string
		permission
	}{
		{grant.CatalogRead, permission{Text: "Browse the catalogue", Detail: "Products, prices and stock."}},
		{grant.CartWrite, permission{Text: "See and change your cart", Detail: "Add, change and remove what is in it."}},
		{grant.OrdersRead, permission{Text: "See your orders", Detail: "What you bought, when, and for how much."}},
		{grant.OrdersWrite, permission{Text: "Place and pay for orders", Detail: "It can spend your money and sees your orders.", Spends: true}},
		{grant.ShopAdmin, permission{Text: "Run the shop", Detail: "Change products and stock and see everybody’s orders.", Spends: true}},
	}
	var all []permission
	for _, w := range words {
		if w.scope == grant.CatalogRead || slices.Contains(scopes, w.scope) {
			all = append(all, w.permission)
		}
	}
	return all
}

// consent shows the consent page and takes the person's answer.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	sealed := r.URL.Query().Get("tx")
	if r.Method == http.MethodPost {
		if err := parseForm(w, r); err != nil {
			return err
		}
		sealed = r.PostForm.Get("tx")
	}
	tx, browser, err := s.transaction(r, at, sealed)
	if err != nil {
		return err
	}
	if tx.Client == "" {
		return errTransaction
	}
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	if who.User == "" || (tx.Login && who.Since.Before(tx.After)) {
		seeOther(w, "/login?tx="+sealed)
		return nil
	}
	if r.Method == http.MethodPost {
		return s.decide(w, r, tx, sealed, browser, who)
	}
	rules, err := s.consentRules(r.Context(), tx, who)
	if err != nil {
		return err
	}
	return s.showConsent(w, r, 200, tx, sealed, browser, who, rules)
}

// consentRules is the form for what the agent may spend, as it stands by an
// earlier consent; nil for one that cannot buy.
func (s *Server) consentRules(ctx context.Context, tx transaction, who visitor) (*ruleForm, error) {
	if !slices.Contains(grant.Choose(tx.Scopes, who.admin()), grant.OrdersWrite) {
		return nil, nil
	}
	state, err := s.spendable(ctx, who.User, tx.Client)
	if err != nil {
		return nil, err
	}
	form := s.formOf(state.Rules)
	if state.Rules.Any() {
		return &form, nil
	}
	// An app that registers anew, with another port perhaps, is another one to the
	// shop; to the person it is the one that they have limited before.
	grants, err := s.cfg.Views.GrantsOf(ctx, who.User)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g.Client == tx.Client || g.ClientName != tx.Name || g.Verified != tx.Verified {
			continue
		}
		other, err := s.spendable(ctx, who.User, g.Client)
		if err != nil {
			return nil, err
		}
		if other.Rules.Any() {
			form.ruleFields, form.Set, form.Other = s.fieldsOf(other.Rules), true, true
			break
		}
	}
	return &form, nil
}

func (s *Server) showConsent(w http.ResponseWriter, r *http.Request, status int, tx transaction, sealed, browser string, who visitor, rules *ruleForm) error {
	login, err := s.accounts.people.Open(r.Context(), who.Account.Login)
	if err != nil {
		return err
	}
	return s.show(w, status, "consent", consentPage{
		frame: frame{Title: "Connect an app", anyForm: true},
		Tx:    sealed, Form: s.formToken("consent", tx.ID, browser, who.Session), Logout: s.formToken("logout", "", browser, who.Session),
		App: appName(tx.Name, tx.Client), Verified: tx.Verified,
		Destination: redirect.Destination(tx.Redirect), Local: redirect.Loopback(tx.Redirect),
		Scheme: !redirect.Loopback(tx.Redirect) && !redirect.Web(tx.Redirect),
		Login:  login, Allowed: permissions(grant.Choose(tx.Scopes, who.admin())), Lasts: s.lasts(tx.Refresh),
		Rules: rules,
	})
}

// lasts says how long the access goes on.
func (s *Server) lasts(refresh bool) string {
	if !refresh {
		return "For " + inWords(s.cfg.AccessLife) + ", then it has to ask again."
	}
	days := int(s.cfg.RefreshLife / (24 * time.Hour))
	if days < 1 {
		return "For less than a day, then it has to ask again."
	}
	return "For " + count(days, "day") + ", then it has to ask again."
}

// decide takes the person's answer.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, tx transaction, sealed, browser string, who visitor) error {
	if err := s.checkForm(r, "consent", tx.ID, browser, who.Session); err != nil {
		return err
	}
	switch r.PostForm.Get("decision") {
	case "check":
		// Enter in a field presses the form's first button, which must neither
		// allow nor deny.
		rules, err := s.consentRules(r.Context(), tx, who)
		if err != nil {
			return err
		}
		if rules == nil {
			return errTransaction
		}
		rules.ruleFields, rules.Set = typed(r.PostForm, rules.Currency), true
		if _, err := rules.rules(); err != nil {
			rules.Problem = string(err.(errRules))
		}
		return s.showConsent(w, r, 200, tx, sealed, browser, who, rules)
	case "allow":
		var no errRules
		rules, err := s.takeRules(r, tx, who)
		if errors.As(err, &no) {
			rules.Problem = string(no)
			return s.showConsent(w, r, 400, tx, sealed, browser, who, rules)
		} else if err != nil {
			return err
		}
		return s.allow(w, r, tx, who)
	case "deny":
		return &errorRedirect{tx.Redirect, tx.State, tx.Issuer, wireError{"access_denied", "The person said no."}}
	}
	return errTransaction
}

// takeRules sets what the agent may spend before it can, so that no token is ever
// without its limits. What was typed comes back with what is wrong with it.
func (s *Server) takeRules(r *http.Request, tx transaction, who visitor) (*ruleForm, error) {
	form, err := s.consentRules(r.Context(), tx, who)
	if err != nil || form == nil || !r.PostForm.Has("per_order") {
		return form, err
	}
	// A page that has led to a grant before must not lift what was set since.
	if g, _, known, err := s.cfg.Views.Grant(r.Context(), tx.ID); err != nil || known && g.ID != "" {
		return form, errors.Join(err, errTransaction)
	}
	return form, s.take(r, who.User, tx.Client, form)
}

// allow puts the consent on the log and sends the code to the client.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, tx transaction, who visitor) error {
	if !cimd.Is(tx.Client) {
		if err := s.keepClient(r.Context(), tx, who); err != nil {
			return err
		}
	}
	code, err := s.issueCode(r, tx, who)
	if err != nil {
		return err
	}
	s.cfg.Logger.Info("an agent was connected", "user", who.User, "client", tx.Client, "grant", tx.ID)
	redirectBack(w, tx.Redirect, "code", code, "state", tx.State, "iss", tx.Issuer)
	return nil
}

// keepClient puts the registration on the log at the client's first consent.
func (s *Server) keepClient(ctx context.Context, tx transaction, who visitor) error {
	c, err := s.registered(ctx, tx.Client)
	if err != nil {
		return askerPage(err)
	}
	out, err := s.clients.Do(ctx, c.ID, client.RegisterClient(c), s.meta(eventlog.Actor{Kind: eventlog.User, User: who.User, Client: c.ID}))
	if err != nil || !out.Changed {
		return err
	}
	return s.cfg.Views.Wait(ctx, out.Position)
}

// remembered is whether the person has agreed to the same before and need not
// be asked: only for clients whose host vouches for them and whose answers go
// to https, for others cannot be told from an impostor (oauth.md section 6).
func (s *Server) remembered(ctx context.Context, tx transaction, who visitor) (bool, error) {
	if tx.Verified == "" || !redirect.Web(tx.Redirect) {
		return false, nil
	}
	grants, err := s.cfg.Views.GrantsOf(ctx, who.User)
	if err != nil {
		return false, err
	}
	asked := grant.Choose(tx.Scopes, who.admin())
	for _, g := range grants {
		if g.Client == tx.Client && g.Redirect == tx.Redirect && g.Live(s.now()) && grant.Covers(g.Scopes, asked...) {
			return true, nil
		}
	}
	return false, nil
}
