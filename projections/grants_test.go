package projections_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/projections"
)

func (s *shop) authorize(id, user string) {
	s.t.Helper()
	s.now = s.now.Add(time.Minute)
	do(s, s.grants, id, grant.Command(grant.Authorize{ID: id, User: user, Client: "cli", Resource: "r", Redirect: "u",
		Scopes: grant.Shopping(), Challenge: "c", Code: "code", CodeExpires: s.now.Add(time.Hour), Until: s.now.Add(24 * time.Hour), At: s.now}))
	do(s, s.grants, id, grant.Command(grant.Redeem{Code: "code", Client: "cli", Challenge: "c",
		Pair: grant.Pair{Access: "access-" + grant.Hash(id), Expires: s.now.Add(time.Hour), Refresh: "refresh", At: s.now}}))
}

func TestGrants(t *testing.T) {
	s := newShop(t)
	for i := range 5 {
		s.authorize(fmt.Sprint("grt-", i), "alice")
	}
	s.authorize("grt-bob", "bob")
	do(s, s.grants, "grt-3", grant.Command(grant.Revoke{Reason: grant.ByUser, At: s.now}))

	check := func() {
		t.Helper()
		g, v, ok, err := s.views.Grant(t.Context(), "grt-1")
		if err != nil || !ok || v.Number != 2 || g.User != "alice" || len(g.Access) != 1 || g.Access[0].Hash != "access-grt-1" {
			t.Errorf("%+v %+v %t %v", g, v, ok, err)
		}
		if g, _, ok, err := s.views.Grant(t.Context(), "grt-3"); err != nil || !ok || g.Revoked.IsZero() || len(g.Access) != 0 {
			t.Errorf("the revoked one: %+v %t %v", g, ok, err)
		}
		if _, _, ok, err := s.views.Grant(t.Context(), "grt-9"); err != nil || ok {
			t.Errorf("an unknown one: %t %v", ok, err)
		}
		all, err := s.views.GrantsOf(t.Context(), "alice")
		var ids []string
		for _, g := range all {
			ids = append(ids, g.ID)
		}
		if err != nil || !slices.Equal(ids, []string{"grt-4", "grt-2", "grt-1", "grt-0"}) {
			t.Errorf("alice's: %v %v", ids, err)
		}
	}
	check()
	s.reopen()
	check()
}

// A revocation that was waited for is in force for everybody.
func TestARevokedGrantIsNeverGoodAgain(t *testing.T) {
	s := newShop(t)
	for i := range 50 {
		id := fmt.Sprint("grt-", i)
		s.authorize(id, "alice")
		do(s, s.grants, id, grant.Command(grant.Revoke{Reason: grant.ByUser, At: s.now}))
		if g, _, ok, err := s.views.Grant(t.Context(), id); err != nil || !ok || g.Revoked.IsZero() {
			t.Fatalf("%+v %t %v", g, ok, err)
		}
	}
}

// A name can be read while its key is there, and from no file in any case.
func TestPerson(t *testing.T) {
	key := make([]byte, eventlog.SealKeySize)
	sealed, err := eventlog.Seal(key, "usr-1", "alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t)
	do(s, s.accounts, "usr-1", account.Command(account.Open{User: "usr-1", Login: sealed, Role: account.Admin, Credential: "c", At: s.now}))
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the keys cannot be read now")
	keys := map[string]func() ([]byte, error){
		"there": func() ([]byte, error) { return key, nil },
		"gone":  func() ([]byte, error) { return nil, nil },
		"away":  func() ([]byte, error) { return nil, broken },
	}
	for name, get := range keys {
		views, err := projections.Open(t.Context(), projections.Options{Dir: s.dir, Log: s.log, Types: s.types,
			Keys: func(_ context.Context, of string) ([]byte, error) {
				if of != "usr-1" {
					t.Errorf("asked for the key of %s", of)
				}
				return get()
			}})
		if err != nil {
			t.Fatal(err)
		}
		p, ok, err := views.Person(t.Context(), "usr-1")
		switch name {
		case "there":
			if err != nil || !ok || p.Name != "alice@example.org" || p.Erased || p.Role != account.Admin {
				t.Errorf("%+v %t %v", p, ok, err)
			}
		case "gone":
			if err != nil || !ok || p.Name != "" || !p.Erased {
				t.Errorf("erased: %+v %t %v", p, ok, err)
			}
		case "away":
			if !errors.Is(err, broken) {
				t.Errorf("%v", err)
			}
		}
		if _, ok, err := views.Person(t.Context(), "nobody"); ok || err != nil {
			t.Errorf("nobody: %t %v", ok, err)
		}
		_ = views.Close()
	}
}
