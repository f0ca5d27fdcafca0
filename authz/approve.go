package authz

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/spending"
)

// approvePage asks a person about a purchase that an agent wants to make.
type approvePage struct {
	frame
	Request    string // the agent, a point and the purchase
	Form       string
	Tx, Logout string
	Login      string
	// Known is whether there is such a request; the rest is empty without.
	Known             bool
	App, Verified     string
	Connected         bool
	Lines             []approveLine
	Total, Ago, Above string
	// Subtotal and Less are what the lines cost and what a discount code takes off
	// them; empty without one.
	Subtotal, Less string
	Always         bool // the person wants to be asked before every order
	// Answer is "approved", "denied", "bought" or "late", empty while there is none.
	Answer string
	Until  string
}

type approveLine struct {
	Quantity    int
	Title       string
	Price, Cost string
}

// approvalPath has no ampersand, which is spelled otherwise in JSON and is lost
// where a model copies the address from there.
func approvalPath(client, purchase string) string {
	return "/account/approve?request=" + spending.Agent(client) + "." + purchase
}

// ApprovalURL is where a person answers what the client asked to buy. It proves
// nothing and opens nothing: the person has to be logged in.
func (s *Server) ApprovalURL(client, purchase string) string {
	return s.sites.main.issuer + approvalPath(client, purchase)
}

// ConnectionsURL is where a person sees their agents and says what they may spend.
func (s *Server) ConnectionsURL() string { return s.sites.main.issuer + "/account/connections" }

// approve shows a purchase that needs the person's yes, and takes the answer. It
// is the only place where one is given: no token opens it.
func (s *Server) approve(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	asked := ""
	if r.Method == http.MethodPost {
		if err := parseForm(w, r); err != nil {
			return err
		}
		asked = r.PostForm.Get("request")
	} else if len(r.URL.RawQuery) <= maxQuery {
		asked = r.URL.Query().Get("request")
	}
	agent, purchase, ok := strings.Cut(asked, ".")
	if !ok || len(asked) > 128 || agent == "" || purchase == "" || !base64url(agent) || !base64url(purchase) {
		return errNoRequest
	}
	page := approvePage{frame: frame{Title: "Approve a purchase"}, Request: asked}
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	tx, browser := s.ownTransaction(w, r, at, "/account/approve?request="+asked)
	if page.Tx, err = s.sealTransaction(tx, browser); err != nil {
		return err
	}
	if who.User == "" {
		seeOther(w, "/login?tx="+page.Tx)
		return nil
	}
	if r.Method == http.MethodPost {
		if s.checkForm(r, "approve", asked, browser, who.Session) != nil {
			return expired("/account/approve?request=" + asked)
		}
		if err := s.answerRequest(r.Context(), who, agent, purchase, r.PostForm.Get("decision")); err != nil {
			return err
		}
	}
	page.Form, page.Logout = s.formToken("approve", asked, browser, who.Session), s.formToken("logout", "", browser, who.Session)
	if page.Login, err = s.accounts.people.Open(r.Context(), who.Account.Login); err != nil {
		return err
	}
	if err := s.fillRequest(r.Context(), who.User, agent, purchase, &page); err != nil {
		return err
	}
	status := 200
	if !page.Known {
		status = 404
	}
	return s.show(w, status, "approve", page)
}

// expired is a form of a person's own page that is used no more.
func expired(page string) error {
	return &pageError{status: 400, title: "This page has expired", text: "It was opened in another browser or before you logged in again.",
		hint: "Open it again and look once more.", back: page}
}

var errNoRequest = &pageError{status: 404, title: "There is no such request", text: "The link is not complete.", hint: "Open it again as your app shows it."}

// answerRequest takes the person's yes or no.
func (s *Server) answerRequest(ctx context.Context, who visitor, agent, purchase, decision string) error {
	meta := s.meta(eventlog.Actor{Kind: eventlog.User, User: who.User})
	var cmd spending.Command
	switch decision {
	case "approve":
		cmd = spending.Approve{Purchase: purchase, At: meta.Time}
	case "deny":
		cmd = spending.Deny{Purchase: purchase, At: meta.Time}
	default:
		return errTransaction
	}
	out, err := s.spending.Do(ctx, who.User+"."+agent, cmd, meta)
	if errors.Is(err, spending.ErrNoRequest) {
		return nil // the page says so
	}
	if err != nil {
		return err
	}
	s.cfg.Logger.Info("a person answered an agent's request to buy", "user", who.User, "decision", decision)
	return s.applied(ctx, out.Position)
}

// fillRequest puts the request on the page, as it stands.
func (s *Server) fillRequest(ctx context.Context, user, agent, purchase string, page *approvePage) error {
	state, _, err := s.spending.State(ctx, user+"."+agent)
	if err != nil {
		return err
	}
	req, ok := state.Find(purchase)
	if !ok {
		return nil
	}
	now := s.now()
	page.Known, page.Total, page.Ago = true, req.Total.String(), ago(now.Sub(req.At))
	before := money.Of(0, req.Total.Currency)
	for _, l := range req.Lines {
		before.Minor += l.Subtotal().Minor
		title := l.Title
		if l.Variant != "" {
			title += " (" + l.Variant + ")"
		}
		page.Lines = append(page.Lines, approveLine{l.Quantity, title, l.Price.String(), l.Subtotal().String()})
	}
	if less := req.Total.Minor - before.Minor; less < 0 {
		page.Subtotal, page.Less = before.String(), money.Of(less, req.Total.Currency).String()
	}
	switch above := state.Rules.AskAbove; {
	case above == nil:
	case above.Minor == 0:
		page.Always = true
	default:
		page.Above = above.String()
	}
	switch {
	case !req.Bought.IsZero():
		page.Answer = "bought"
	case !req.Denied.IsZero():
		page.Answer = "denied"
	case now.Before(req.Approved):
		page.Answer, page.Until = "approved", inWords(req.Approved.Sub(now))
	case !req.Open(now):
		page.Answer = "late"
	}
	grants, err := s.cfg.Views.GrantsOf(ctx, user)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if g.Client == state.Client && g.Live(now) {
			page.App, page.Verified, page.Connected = appName(g.ClientName, g.Client), g.Verified, true
			break
		}
	}
	return nil
}
