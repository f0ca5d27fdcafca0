package authz_test

import (
	"errors"
	"strings"
	"testing"

	"till/authz"
	"till/domain/account"
)

func TestDisabledAccount(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	code := s.browser().code("alice", s.request(client)).Get("code")
	user, err := s.srv.Accounts().Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.srv.DisableAccount(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if s.works(tok.Access) {
		t.Error("the agent goes on")
	}
	s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
	s.postForm("/token", s.redeemForm(client, code)).wants(t, 400, "invalid_grant")
	if a := b.get("/account/connections"); a.StatusCode != 303 {
		t.Error("the session goes on")
	}
	if a := b.login(b.get("/login"), "alice", s.users["alice"]); a.StatusCode != 401 || !strings.Contains(a.body, "user name or the password is wrong") {
		t.Errorf("login: %d", a.StatusCode)
	}
	if err := s.srv.EnableAccount(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if a := b.login(b.get("/login"), "alice", s.users["alice"]); a.StatusCode != 303 {
		t.Errorf("login after enabling: %d", a.StatusCode)
	}
	if s.works(tok.Access) {
		t.Error("the old agent is back")
	}
	if err := s.srv.DisableAccount(t.Context(), "usr_nobody"); !errors.Is(err, account.ErrUnknown) {
		t.Error(err)
	}
}

func TestAccounts(t *testing.T) {
	s := open(t)
	accounts := s.srv.Accounts()
	for name, c := range map[string]struct {
		login, password string
		role            account.Role
		want            error
	}{
		"taken":              {"Alice", "long enough", account.Customer, authz.ErrTaken},
		"a blank in it":      {"a b", "long enough", account.Customer, authz.ErrLogin},
		"empty":              {"", "long enough", account.Customer, authz.ErrLogin},
		"markup":             {"<b>", "long enough", account.Customer, authz.ErrLogin},
		"too long":           {strings.Repeat("a", 65), "long enough", account.Customer, authz.ErrLogin},
		"short password":     {"carol", "short", account.Customer, authz.ErrPassword},
		"long password":      {"carol", strings.Repeat("x", 257), account.Customer, authz.ErrPassword},
		"a role of her own ": {"carol", "long enough", "owner", account.ErrRole},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := accounts.OpenAccount(t.Context(), c.login, c.password, c.role); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	// The call that was refused for its role had taken the name already; the
	// next one goes on from there.
	user, err := accounts.OpenAccount(t.Context(), "carol", "long enough", account.Customer)
	if err != nil || !strings.HasPrefix(user, "usr_") {
		t.Fatal(user, err)
	}
	if login, err := accounts.Login(t.Context(), user); err != nil || login != "carol" {
		t.Errorf("%q %v", login, err)
	}
	if err := accounts.People().Forget(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if login, err := accounts.Login(t.Context(), user); err != nil || login != "erased" {
		t.Errorf("%q %v", login, err)
	}
	if err := accounts.SetPassword(t.Context(), "usr_nobody", "long enough"); !errors.Is(err, account.ErrUnknown) {
		t.Error(err)
	}
	if _, err := accounts.Find(t.Context(), "nobody"); !errors.Is(err, authz.ErrNobody) {
		t.Error(err)
	}
}
