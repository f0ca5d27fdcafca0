package authz_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"till/authz"
	"till/domain/account"
	"till/domain/eventlog"
)

var byAdmin = eventlog.Actor{Kind: eventlog.Admin}

func TestForgottenAccount(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	accounts := s.srv.Accounts()
	user, err := accounts.Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := accounts.SetPassword(t.Context(), user, "another password"); err != nil {
		t.Fatal(err)
	}
	before := s.keys()
	n, err := s.srv.ForgetAccount(t.Context(), user, byAdmin)
	if err != nil || n != 1 {
		t.Fatalf("%d agents disconnected: %v", n, err)
	}
	if s.works(tok.Access) {
		t.Error("the agent goes on")
	}
	s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
	if a := b.get("/account/connections"); a.StatusCode != 303 {
		t.Error("the session goes on")
	}
	for _, password := range []string{s.users["alice"], "another password"} {
		if _, err := accounts.CheckPassword(t.Context(), "alice", password); !errors.Is(err, authz.ErrWrong) {
			t.Errorf("the password %q: %v", password, err)
		}
	}
	if name, err := accounts.Login(t.Context(), user); name != "erased" || err != nil {
		t.Errorf("the name is %q: %v", name, err)
	}
	if _, err := accounts.Find(t.Context(), "alice"); !errors.Is(err, authz.ErrNobody) {
		t.Errorf("the name leads to somebody: %v", err)
	}
	if after := s.keys(); len(after) != len(before)-2 {
		t.Errorf("%d of alice's two entries are left beside the log: %q", len(after)-len(before)+2, after)
	}
	if key, err := accounts.People().Key(t.Context(), user); key != nil || err != nil {
		t.Errorf("the key is still there: %v", err)
	}
	// Nothing undoes it, and once more changes nothing.
	head, _ := s.log.Head(t.Context())
	if n, err := s.srv.ForgetAccount(t.Context(), user, byAdmin); n != 0 || err != nil {
		t.Errorf("a second time: %d, %v", n, err)
	}
	if err := s.srv.EnableAccount(t.Context(), user); !errors.Is(err, account.ErrForgotten) {
		t.Errorf("enabled: %v", err)
	}
	if err := accounts.SetPassword(t.Context(), user, "a third password"); !errors.Is(err, account.ErrForgotten) {
		t.Errorf("a new password: %v", err)
	}
	if now, _ := s.log.Head(t.Context()); now != head {
		t.Errorf("%d events more", now-head)
	}
	if after := s.keys(); len(after) != len(before)-2 {
		t.Errorf("something came back beside the log: %q", after)
	}
	// The name is free, and its new owner is left alone.
	again, err := accounts.OpenAccount(t.Context(), "alice", "a fourth password", account.Customer)
	if err != nil || again == user {
		t.Fatalf("the name's new owner is %s: %v", again, err)
	}
	if _, err := s.srv.ForgetAccount(t.Context(), user, byAdmin); err != nil {
		t.Error(err)
	}
	if _, err := accounts.CheckPassword(t.Context(), "alice", "a fourth password"); err != nil {
		t.Errorf("the new alice cannot log in: %v", err)
	}
	if _, err := s.srv.ForgetAccount(t.Context(), "usr_nobody", byAdmin); !errors.Is(err, account.ErrUnknown) {
		t.Error(err)
	}
	if strings.Contains(s.lines.String(), "alice") {
		t.Error("the log tells the name")
	}
}

func (s *shop) keys() []string {
	s.t.Helper()
	keys, err := s.credentials.Keys(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// failing is a bucket that fails from some deletion on, as for a process that
// is killed there.
type failing struct {
	eventlog.Bucket
	left int
}

var errKilled = errors.New("killed")

func (f *failing) Delete(ctx context.Context, key string) error {
	if f.left--; f.left < 0 {
		return errKilled
	}
	return f.Bucket.Delete(ctx, key)
}

// However far it got, the next call brings it to its end.
func TestForgettingThatWasCutOff(t *testing.T) {
	for left := range 3 {
		var credentials *failing
		s := open(t, func(c *authz.Config) {
			credentials = &failing{c.Credentials, left}
			c.Credentials = credentials
		})
		user, err := s.srv.Accounts().Find(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.keys())
		_, err = s.srv.ForgetAccount(t.Context(), user, byAdmin)
		if cut := left < 2; errors.Is(err, errKilled) != cut {
			t.Fatalf("after %d deletions: %v", left, err)
		}
		if _, err := s.srv.Accounts().CheckPassword(t.Context(), "alice", s.users["alice"]); !errors.Is(err, authz.ErrWrong) {
			t.Errorf("after %d deletions she logs in: %v", left, err)
		}
		credentials.left = 99
		if _, err := s.srv.ForgetAccount(t.Context(), user, byAdmin); err != nil {
			t.Fatal(err)
		}
		if key, _ := s.srv.Accounts().People().Key(t.Context(), user); key != nil || len(s.keys()) != before-2 {
			t.Errorf("after %d deletions something stays: %q", left, s.keys())
		}
	}
}

// A backup holds what was there together until it has it.
func TestHold(t *testing.T) {
	s := open(t)
	user, err := s.srv.Accounts().Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	release := s.srv.Accounts().Hold()
	done := make(chan error, 1)
	go func() {
		_, err := s.srv.ForgetAccount(t.Context(), user, byAdmin)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("not held: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if key, err := s.srv.Accounts().People().Key(t.Context(), user); key == nil || err != nil {
		t.Errorf("the key is gone: %v", err)
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
