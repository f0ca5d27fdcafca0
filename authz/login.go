package authz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"till/domain/account"
)

// loginPage is what the login page shows.
type loginPage struct {
	frame
	Tx, Form string
	App      string // who asks, empty on the person's own account
	Verified string
	Login    string
	Problem  string
	Demo     bool
	OpenID   string        // the name of the provider, empty without one
	Passkey  *passkeyOffer // nil where there are none
}

// login shows the login page and takes its form. Without a transaction it
// begins one that leads to the person's own connections.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if r.Method == http.MethodPost {
		return s.tryLogin(w, r, at)
	}
	sealed := r.URL.Query().Get("tx")
	if sealed == "" {
		return s.ownLogin(w, r, at)
	}
	tx, browser, err := s.transaction(r, at, sealed)
	if err != nil {
		return err
	}
	return s.showLogin(w, 200, tx, sealed, browser, "", "")
}

// ownLogin begins a login that no app asked for.
func (s *Server) ownLogin(w http.ResponseWriter, r *http.Request, at site) error {
	tx, browser := s.ownTransaction(w, r, at, "")
	sealed, err := s.sealTransaction(tx, browser)
	if err != nil {
		return err
	}
	return s.showLogin(w, 200, tx, sealed, browser, "", "")
}

// loginTo is the address of a login that leads to one of the person's own pages.
func (s *Server) loginTo(w http.ResponseWriter, r *http.Request, at site, page string) (string, error) {
	tx, browser := s.ownTransaction(w, r, at, page)
	sealed, err := s.sealTransaction(tx, browser)
	return "/login?tx=" + sealed, err
}

// ownTransaction is a login that leads to one of the person's own pages.
func (s *Server) ownTransaction(w http.ResponseWriter, r *http.Request, at site, next string) (transaction, string) {
	return transaction{ID: random(16), Issuer: at.issuer, Expires: s.now().Add(transactionLife), Next: next}, s.browser(w, r, at)
}

func (s *Server) showLogin(w http.ResponseWriter, status int, tx transaction, sealed, browser, login, problem string) error {
	offer, err := s.passkeyOffer(tx, browser)
	if err != nil {
		return err
	}
	return s.show(w, status, "login", loginPage{
		frame: frame{Title: "Log in", scripted: offer != nil}, Passkey: offer, Tx: sealed, Form: s.formToken("login", tx.ID, browser, ""),
		App: appName(tx.Name, tx.Client), Verified: tx.Verified, Login: login, Problem: problem, Demo: s.cfg.Demo,
		OpenID: s.openidName(),
	})
}

// tryLogin checks a password. Failures count against the account and, widely,
// against the address; a right password counts against neither.
func (s *Server) tryLogin(w http.ResponseWriter, r *http.Request, at site) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	sealed := r.PostForm.Get("tx")
	tx, browser, err := s.transaction(r, at, sealed)
	if err != nil {
		return err
	}
	if err := s.checkForm(r, "login", tx.ID, browser, ""); err != nil {
		return err
	}
	login, password := strings.TrimSpace(r.PostForm.Get("username")), r.PostForm.Get("password")
	shown := shorten(login, 64)
	now, key := s.now(), ""
	if name, err := normalLogin(login); err == nil {
		key = s.accounts.loginKey(name)
	}
	for _, l := range []struct {
		limit *limiter
		key   string
	}{{s.limits.loginAs, key}, {s.limits.loginFrom, s.from(r)}} {
		if wait, empty := l.limit.empty(l.key, now); empty && l.key != "" {
			retryAfter(w, wait)
			return s.showLogin(w, 429, tx, sealed, browser, shown, "Too many failed tries. Wait "+inWords(wait)+", then try again.")
		}
	}
	who, err := s.accounts.CheckPassword(r.Context(), login, password)
	if errors.Is(err, ErrWrong) {
		if key != "" {
			s.limits.loginAs.take(key, now)
			if _, empty := s.limits.loginAs.empty(key, now); empty {
				// Beside the answer, which must take as long for a name that nobody has.
				go s.suspect(context.WithoutCancel(r.Context()), login)
			}
		}
		s.limits.loginFrom.take(s.from(r), now)
		s.cfg.Logger.Info("login failed", "from", s.from(r))
		return s.showLogin(w, 401, tx, sealed, browser, shown, "The user name or the password is wrong.")
	}
	if err != nil {
		return err
	}
	if err := s.startSession(w, r, at, who); err != nil {
		return err
	}
	onwards(w, tx, sealed)
	return nil
}

// onwards leads who has just logged in to where they were going.
func onwards(w http.ResponseWriter, tx transaction, sealed string) {
	if tx.Client == "" {
		seeOther(w, cmp.Or(tx.Next, "/account/connections"))
		return
	}
	seeOther(w, "/consent?tx="+sealed)
}

// suspect puts on the log that an account's logins are refused, if there is such an
// account. The person who is told that the password is wrong learns nothing of it.
func (s *Server) suspect(ctx context.Context, login string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	user, err := s.accounts.Find(ctx, login)
	if err == nil {
		now := s.now()
		_, err = s.accounts.handler.Do(ctx, user, account.Suspect{At: now}, s.accounts.meta(now, user))
	}
	if err != nil && !errors.Is(err, ErrNobody) {
		s.cfg.Logger.Warn("refused logins could not be noted on the log", "error", err)
	}
}

// logout ends the session and goes on where the page was.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if err := parseForm(w, r); err != nil {
		return err
	}
	who, err := s.visitor(r, at)
	if err != nil {
		return err
	}
	browser := readCookie(r, at, "browser")
	if err := s.checkForm(r, "logout", "", browser, who.Session); err != nil {
		return err
	}
	if err := s.endSession(r, at); err != nil {
		return err
	}
	setCookie(w, at, "session", "", -1)
	next := "/login"
	if sealed := r.PostForm.Get("tx"); sealed != "" {
		if tx, browser, err := s.transaction(r, at, sealed); err == nil {
			// A provider must not log the same person in again unasked.
			tx.Login, tx.After = true, s.now()
			if sealed, err = s.sealTransaction(tx, browser); err != nil {
				return err
			}
			next += "?tx=" + sealed
		}
	}
	seeOther(w, next)
	return nil
}

// appName is what a client is called on a page.
func appName(name, id string) string {
	if id != "" && name == "" {
		return "an app without a name"
	}
	return name
}

// inWords is a waiting time for a person.
func inWords(d time.Duration) string {
	if d <= 90*time.Second {
		return fmt.Sprintf("%d seconds", int((d+time.Second-1)/time.Second))
	}
	return fmt.Sprintf("%d minutes", int((d+time.Minute-1)/time.Minute))
}
