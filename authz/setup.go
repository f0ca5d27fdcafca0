package authz

import (
	"errors"
	"net/http"

	"till/domain/account"
)

// setupPage is what the page shows on which an invited person chooses a password.
type setupPage struct {
	frame
	Link    string
	Login   string // that they have or had in mind
	Choose  bool   // whether the name is theirs to choose
	Again   bool   // whether the account exists
	Admin   bool
	Problem string
	// OpenID is the provider at which they may log in instead, empty for none.
	OpenID, Form string
}

var errSetup = &pageError{status: 400, title: "This link cannot be used", text: "It was used before, is older than a day, or was not copied whole.",
	hint: "Ask whoever runs the shop for a new one: till user reset, or till user add. A shop that nobody can log in to yet prints one at each start."}

// setup shows the page that an invitation leads to and takes its form. The link is
// the right to do so, whatever browser it is opened in.
func (s *Server) setup(w http.ResponseWriter, r *http.Request) error {
	at, _ := s.sites.of(r)
	if r.Method != http.MethodPost {
		in, err := s.invited(r, r.URL.Query().Get("link"))
		if err != nil {
			return err
		}
		return s.showSetup(w, r, 200, in, r.URL.Query().Get("link"), in.Login, "")
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	sealed := r.PostForm.Get("link")
	in, err := s.invited(r, sealed)
	if err != nil {
		return err
	}
	login, password := shorten(r.PostForm.Get("username"), 64), r.PostForm.Get("password")
	if password != r.PostForm.Get("again") {
		return s.showSetup(w, r, 400, in, sealed, login, "The two passwords are not the same.")
	}
	who, err := s.accept(r.Context(), in, login, password)
	switch {
	case errors.Is(err, ErrPassword), errors.Is(err, ErrLogin), errors.Is(err, ErrTaken):
		return s.showSetup(w, r, 400, in, sealed, login, capital(err.Error())+".")
	case errors.Is(err, ErrInvitation):
		return errSetup
	case err != nil:
		return err
	}
	if err := s.startSession(w, r, at, who); err != nil {
		return err
	}
	seeOther(w, "/account/connections")
	return nil
}

func (s *Server) invited(r *http.Request, sealed string) (invitation, error) {
	in, err := s.invitation(r.Context(), sealed)
	if errors.Is(err, ErrInvitation) {
		return in, errSetup
	}
	return in, err
}

func (s *Server) showSetup(w http.ResponseWriter, r *http.Request, status int, in invitation, sealed, login, problem string) error {
	if in.User != "" {
		var err error
		if login, err = s.accounts.Login(r.Context(), in.User); err != nil {
			return err
		}
	}
	if in.ID != firstID && in.User == "" {
		login = in.Login
	}
	name, form := s.openidInvite(w, r, in)
	return s.show(w, status, "setup", setupPage{OpenID: name, Form: form,
		frame: frame{Title: "Choose a password"}, Link: sealed, Login: login, Choose: in.ID == firstID, Again: in.User != "",
		Admin: in.Role == account.Admin, Problem: problem,
	})
}

// capital is a text with its first letter in upper case.
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
