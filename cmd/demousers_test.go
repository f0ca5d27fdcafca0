package cmd

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"till/authz"
)

// Demo users work on this machine only: a shop that gets a public URL shuts them,
// and opens them again once it is back.
func TestDemoUsersStayAtHome(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	serve := func(public string, demo bool) (*Running, error) {
		return Serve(t.Context(), ServeOptions{Options: Options{Dir: dir, PublicURL: public, Logger: slog.New(slog.DiscardHandler)}, Addr: "127.0.0.1:0", Demo: demo})
	}
	served := func(public string, demo bool) *Running {
		t.Helper()
		r, err := serve(public, demo)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const public = "https://shop.till-test.net"
	if _, err := serve(public, true); !errors.Is(err, errPublicDemo) {
		t.Fatalf("demo users on a public URL: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("a refused start made the folder")
	}
	shop := served("", true)
	password := shop.Users["alice"]
	if shop.Setup != "" || password == "" {
		t.Errorf("with demo users: %q %q", shop.Setup, password)
	}
	bob, err := shop.authz.Accounts().Find(t.Context(), "bob")
	if err == nil {
		err = errors.Join(shop.authz.Accounts().SetPassword(t.Context(), bob, "a password of his own"), shop.Stop())
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second start finds it done
		shop = served(public, false)
		if _, err := shop.authz.Accounts().CheckPassword(t.Context(), "alice", password); !errors.Is(err, authz.ErrWrong) {
			t.Errorf("alice logs in to a public shop: %v", err)
		}
		if _, err := shop.authz.Accounts().CheckPassword(t.Context(), "bob", "a password of his own"); err != nil {
			t.Errorf("bob, who has a password of his own: %v", err)
		}
		if err := shop.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	shop = served("", true)
	defer shop.Stop()
	if _, err := shop.authz.Accounts().CheckPassword(t.Context(), "alice", password); err != nil || shop.Users["alice"] != password {
		t.Errorf("back at home alice has %q: %v", shop.Users["alice"], err)
	}
}

// A shop without accounts prints a link until somebody has used it.
func TestASetupLinkUntilThereIsAnAccount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	for range 2 {
		shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		if shop.Setup == "" {
			t.Error("no link")
		}
		if err := shop.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(shop.AddUser(t.Context(), "carol", "a fine password"), shop.Stop()); err != nil {
		t.Fatal(err)
	}
	if shop, err = Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	if shop.Setup != "" {
		t.Errorf("a link although there is an account: %s", shop.Setup)
	}
}
