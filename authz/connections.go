package authz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"till/authz/redirect"
	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/grant"
)

// connectionsPage lists the agents that act for the person.
type connectionsPage struct {
	frame
	Form, Logout string
	Login        string
	Done         string
	Connections  []connection
	OpenID       *openidPage // nil without a provider
}

type connection struct {
	Grant       string
	App         string
	Verified    string
	Destination string
	Allowed     []permission
	Since, Last string
	Until       string
	Allowance   *allowance // nil for one that cannot buy
}

// connections shows the person's agents and disconnects one or all of them.
func (s *Server) connections(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	if who.User == "" {
		seeOther(w, "/login")
		return nil
	}
	browser := s.browser(w, r, at)
	page := connectionsPage{
		frame: frame{Title: "Your connections"},
		Form:  s.formToken("connections", "", browser, who.Session), Logout: s.formToken("logout", "", browser, who.Session),
	}
	var wrong *ruleForm
	if r.Method == http.MethodPost {
		if err := parseForm(w, r); err != nil {
			return err
		}
		if s.checkForm(r, "connections", "", browser, who.Session) != nil {
			return expired("/account/connections")
		}
		if of := r.PostForm.Get("rules"); of != "" {
			if wrong, err = s.limit(r, who, of); err != nil {
				return err
			} else if wrong == nil {
				page.Done = "Saved. It holds from now on."
			}
		} else {
			n, err := s.disconnect(r.Context(), who, r.PostForm.Get("grant"))
			if err != nil {
				return err
			}
			page.Done = "Disconnected. Its tokens no longer work."
			if n != 1 {
				page.Done = fmt.Sprintf("%s disconnected.", count(n, "app"))
			}
		}
	}
	if page.Login, err = s.accounts.people.Open(r.Context(), who.Account.Login); err != nil {
		return err
	}
	grants, err := s.cfg.Views.GrantsOf(r.Context(), who.User)
	if err != nil {
		return err
	}
	now := s.now()
	for _, g := range grants {
		if !g.Live(now) {
			continue
		}
		c := connection{
			Grant: g.ID, App: cmp.Or(g.ClientName, "An app without a name"), Verified: g.Verified,
			Destination: redirect.Destination(g.Redirect), Allowed: permissions(g.Scopes),
			Since: g.At.Format("2 January 2006"), Last: ago(now.Sub(s.uses.last(g.ID, g.Last))),
		}
		if c.Allowance, err = s.allowanceOf(r.Context(), g, now); err != nil {
			return err
		}
		if wrong != nil && wrong.At == g.ID && c.Allowance != nil {
			c.Allowance.Form = *wrong
		}
		if !g.Until.IsZero() {
			c.Until = g.Until.Format("2 January 2006")
		}
		page.Connections = append(page.Connections, c)
	}
	if page.OpenID, err = s.openidPage(r.Context(), who, browser); err != nil {
		return err
	}
	status := 200
	if wrong != nil {
		status = 400
	}
	return s.show(w, status, "connections", page)
}

// limit sets what the agent of one of the person's grants may spend. What cannot
// be taken comes back with what is wrong with it.
func (s *Server) limit(r *http.Request, who visitor, id string) (wrong *ruleForm, err error) {
	g, _, ok, err := s.cfg.Views.Grant(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if !ok || g.User != who.User || !g.Live(s.now()) || !r.PostForm.Has("per_order") {
		return nil, errGone
	}
	state, err := s.spendable(r.Context(), g.User, g.Client)
	if err != nil {
		return nil, err
	}
	form := s.formOf(state.Rules)
	form.At = g.ID
	err = s.take(r, g.User, g.Client, &form)
	var no errRules
	if errors.As(err, &no) {
		form.Problem = string(no)
		return &form, nil
	}
	return nil, err
}

var errGone = &pageError{status: 404, title: "That app is not connected", text: "It was disconnected meanwhile, so there is nothing to limit.", hint: "Go back to your connections and look again."}

// disconnect revokes one of the person's grants, or all with id "all", and
// returns how many of them worked until now.
func (s *Server) disconnect(ctx context.Context, who visitor, id string) (n int, err error) {
	by := eventlog.Actor{Kind: eventlog.User, User: who.User}
	if id == "all" {
		return s.disconnectAll(ctx, who.User, grant.ByUser, by)
	}
	g, _, ok, err := s.cfg.Views.Grant(ctx, id)
	if err != nil || !ok || g.User != who.User || !g.Revoked.IsZero() {
		return 0, err
	}
	if err := s.Disconnect(ctx, id, grant.ByUser, by); err != nil || !g.Live(s.now()) {
		return 0, err
	}
	return 1, nil
}

// disconnectAll revokes every grant of the person and returns how many of them
// worked until now. The views list only so many at once, so they are asked
// again until they list none; each revocation is seen by them before the next.
func (s *Server) disconnectAll(ctx context.Context, user string, why grant.Reason, by eventlog.Actor) (n int, err error) {
	for {
		grants, err := s.cfg.Views.GrantsOf(ctx, user)
		if err != nil || len(grants) == 0 {
			return n, err
		}
		for _, g := range grants {
			live := g.Live(s.now())
			if err := s.Disconnect(ctx, g.ID, why, by); err != nil {
				return n, err
			}
			if live {
				n++
			}
		}
	}
}

// Disconnect revokes a grant and returns once none of its tokens works on any
// node; an error means that this cannot be said.
func (s *Server) Disconnect(ctx context.Context, grantID string, why grant.Reason, by eventlog.Actor) error {
	by.Grant = grantID
	out, err := s.grants.Do(ctx, grantID, grant.Revoke{Reason: why, At: s.now()}, s.meta(by))
	if err != nil {
		return err
	}
	s.cfg.Logger.Info("a grant was revoked", "grant", grantID, "reason", why)
	return s.applied(ctx, out.Position)
}

// DisableAccount shuts a person's account: nobody logs in to it, its sessions
// end, and all its agents are disconnected before it returns.
func (s *Server) DisableAccount(ctx context.Context, user string) error {
	if err := s.accounts.disable(ctx, user, account.Disable{At: s.now()}); err != nil {
		return err
	}
	_, err := s.disconnectAll(ctx, user, grant.AccountClosed, eventlog.Actor{Kind: eventlog.Admin})
	return err
}

// EnableAccount undoes DisableAccount; agents have to be connected anew.
func (s *Server) EnableAccount(ctx context.Context, user string) error {
	return s.accounts.disable(ctx, user, account.Enable{At: s.now()})
}

func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour") + " ago"
	}
	return count(int(d/(24*time.Hour)), "day") + " ago"
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
