package authz_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"till/authz"
	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

// cut is a bucket that fails after so many writes, as for a process that is killed.
type cut struct {
	eventlog.Bucket
	left *int
}

var errCut = errors.New("cut off")

func (c cut) write(do func() error) error {
	if *c.left == 0 {
		return errCut
	}
	*c.left--
	return do()
}

func (c cut) Create(ctx context.Context, key string, value []byte) error {
	return c.write(func() error { return c.Bucket.Create(ctx, key, value) })
}

func (c cut) Update(ctx context.Context, key string, value []byte, revision uint64) error {
	return c.write(func() error { return c.Bucket.Update(ctx, key, value, revision) })
}

func (c cut) Delete(ctx context.Context, key string) error {
	return c.write(func() error { return c.Bucket.Delete(ctx, key) })
}

// Wherever a rotation is cut off, the next one finishes it, and everybody has their
// name and password as before.
func TestRekeyCutOffAnywhere(t *testing.T) {
	old, new := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)
	for writes := 0; ; writes++ {
		people, credentials, log, ts := &memlog.Bucket{}, &memlog.Bucket{}, memlog.New("test"), types()
		views := newMemViews(log, ts)
		server := func(secret []byte) *authz.Server {
			srv, err := authz.New(authz.Config{
				Currency:  "USD",
				PublicURL: "http://127.0.0.1:8000", Secret: secret, Log: log, Types: ts, Views: views,
				Credentials: credentials, Pending: &memlog.Bucket{}, People: people,
			})
			if err != nil {
				t.Fatal(err)
			}
			return srv
		}
		srv := server(old)
		var accounts []account.State
		for i := range 3 {
			user, err := srv.Accounts().OpenAccount(t.Context(), fmt.Sprint("person", i), fmt.Sprint("a password ", i), account.Customer)
			if err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				if _, err := srv.ForgetAccount(t.Context(), user, eventlog.Actor{Kind: eventlog.Admin}); err != nil {
					t.Fatal(err)
				}
			}
			state, _, err := views.State(t.Context(), eventlog.Stream{Category: account.Category, ID: user})
			if err != nil {
				t.Fatal(err)
			}
			accounts = append(accounts, state.(account.State))
		}
		left := writes
		_, err := authz.Rekey(t.Context(), cut{people, &left}, cut{credentials, &left}, accounts, old, new)
		if err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		whole := err == nil
		if n, err := authz.Rekey(t.Context(), people, credentials, accounts, old, new); err != nil || n != 2 {
			t.Fatalf("after %d writes: %d %v", writes, n, err)
		}
		srv = server(new)
		for i := range 2 {
			login := fmt.Sprint("person", i)
			who, err := srv.Accounts().CheckPassword(t.Context(), login, fmt.Sprint("a password ", i))
			if err != nil || who.User != accounts[i].User {
				t.Errorf("after %d writes %s: %v %v", writes, login, who.User, err)
			}
			if name, err := srv.Accounts().Login(t.Context(), accounts[i].User); name != login || err != nil {
				t.Errorf("after %d writes the name is %q %v", writes, name, err)
			}
		}
		if name, err := srv.Accounts().Login(t.Context(), accounts[2].User); name != "erased" || err != nil {
			t.Errorf("the forgotten one is %q %v", name, err)
		}
		if _, err := server(old).Accounts().Login(t.Context(), accounts[0].User); err == nil {
			t.Error("a name opens under the old secret")
		}
		if _, err := server(old).Accounts().Find(t.Context(), "person0"); !errors.Is(err, authz.ErrNobody) {
			t.Errorf("a login name is found under the old secret: %v", err)
		}
		if whole {
			if writes < 6 {
				t.Errorf("%d writes were all", writes)
			}
			return
		}
	}
}
