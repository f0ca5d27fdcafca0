package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"till/authz"
	"till/domain/account"
)

// admission is an account to be opened or, with User, a password to be replaced:
// by a link, or by the password itself.
type admission struct {
	Login    string       `json:"login,omitempty"`
	Role     account.Role `json:"role,omitempty"`
	User     string       `json:"user,omitempty"`
	Password string       `json:"password,omitempty"`
}

type admitted struct {
	Login  string `json:"login"`
	Link   string `json:"link,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Closed is whether the shop does not run, so that nobody knows its address.
	Closed bool `json:"closed,omitempty"`
}

type listedUser struct {
	Login  string       `json:"login"`
	ID     string       `json:"id"`
	Role   account.Role `json:"role"`
	State  string       `json:"state"`
	Agents int          `json:"agents"`
	// Providers are the hosts of the providers at which they log in too.
	Providers []string  `json:"providers,omitempty"`
	Since     time.Time `json:"since"`
}

type shutting struct {
	User    string `json:"user"`
	Disable bool   `json:"disable"`
}

var (
	askAdmit = question[admission, admitted]{"admit", (*App).admit}
	askUsers = question[struct{}, listedUser]{"users", (*App).listUsers}
	askShut  = question[shutting, string]{"shut", (*App).shut}
)

func (a *App) admit(ctx context.Context, q admission, out reply[admitted]) error {
	user, err := q.User, error(nil)
	if user != "" {
		if user, err = a.knownUser(ctx, q.User); err != nil {
			return err
		}
	}
	done := admitted{Login: strings.ToLower(strings.TrimSpace(q.Login)), Origin: a.origin, Closed: !a.served}
	accounts := a.authz.Accounts()
	switch {
	case user == "" && q.Password == "":
		done.Link, err = a.authz.Invite(ctx, q.Login, q.Role)
	case user == "":
		_, err = accounts.OpenAccount(ctx, q.Login, q.Password, q.Role)
	case q.Password == "":
		done.Link, err = a.authz.InviteAgain(ctx, user)
	default:
		err = accounts.SetPassword(ctx, user, q.Password)
	}
	if errors.Is(err, authz.ErrTaken) {
		err = fmt.Errorf("%w; till user reset %s lets the person choose a new password", err, done.Login)
	}
	if err == nil && user != "" {
		done.Login, err = accounts.Login(ctx, user)
	}
	if err != nil {
		return err
	}
	return out.item(done)
}

// knownUser is the id of a person who has an account and was not forgotten.
func (a *App) knownUser(ctx context.Context, name string) (string, error) {
	user, err := a.userID(ctx, name)
	if err != nil {
		return "", err
	}
	p, ok, err := a.views.Person(ctx, user)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", fmt.Errorf("no account has the id %s; till user list shows them", short(user, 40))
	case p.Forgotten:
		return "", fmt.Errorf("%s was forgotten, which nothing undoes", user)
	}
	return user, nil
}

func (a *App) listUsers(ctx context.Context, _ struct{}, out reply[listedUser]) error {
	users, err := a.views.Users(ctx)
	if err != nil {
		return err
	}
	for _, id := range users {
		p, ok, err := a.views.Person(ctx, id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		grants, err := a.views.GrantsOf(ctx, id)
		if err != nil {
			return err
		}
		u := listedUser{Login: p.Name, ID: id, Role: p.Role, State: "open", Agents: len(grants), Since: p.At}
		for _, l := range p.Logins {
			if !slices.Contains(u.Providers, l.Provider) && !p.Forgotten {
				u.Providers = append(u.Providers, l.Provider)
			}
		}
		switch {
		case p.Forgotten:
			u.Login, u.State = "erased", "forgotten"
		case p.Disabled:
			u.State = "disabled"
		}
		if err := out.item(u); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) shut(ctx context.Context, q shutting, out reply[string]) error {
	user, err := a.knownUser(ctx, q.User)
	if err != nil {
		return err
	}
	if q.Disable {
		err = a.authz.DisableAccount(ctx, user)
	} else {
		err = a.authz.EnableAccount(ctx, user)
	}
	if err != nil {
		return err
	}
	return out.item(user)
}
