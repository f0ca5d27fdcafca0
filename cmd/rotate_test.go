package cmd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func rotated(t *testing.T, dir string, more ...string) (said string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"secret", "rotate", "--data", dir}, more...), terminal{strings.NewReader(""), &out, &errs})
	return out.String() + errs.String(), code
}

func TestRotateTheSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	addr := "127.0.0.1:0"
	start := func() *Running {
		t.Helper()
		shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: addr, Demo: true})
		if err != nil {
			t.Fatal(err)
		}
		return shop
	}
	shop := start()
	addr = shop.listening // tokens are for this address
	token, err := Login(t.Context(), shop.Endpoint, "alice", shop.Users["alice"], shopping)
	if err != nil {
		t.Fatal(err)
	}
	if said, code := rotated(t, dir, "--yes"); code != 1 || !strings.Contains(said, "stop it, then rotate") {
		t.Errorf("of a running shop: %d %s", code, said)
	}
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, secretName))
	if said, code := rotated(t, dir); code != 1 || !strings.Contains(said, "--yes") {
		t.Errorf("without a yes: %d %s", code, said)
	}
	if said, code := rotated(t, dir, "--yes"); code != 0 || !strings.Contains(said, "3 names are kept under it") {
		t.Fatalf("%d %s", code, said)
	}
	after, _ := os.ReadFile(filepath.Join(dir, secretName))
	if len(after) != secretSize || bytes.Equal(before, after) {
		t.Error("the secret is the old one")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*secret*")); len(files) != 1 {
		t.Errorf("the folder holds %v", files)
	}
	shop = start()
	if _, err := Login(t.Context(), shop.Endpoint, "alice", shop.Users["alice"], shopping); err != nil {
		t.Errorf("alice cannot log in: %v", err)
	}
	if _, _, err := shop.authz.Check(t.Context(), token); err != nil {
		t.Errorf("a token from before: %v", err)
	}
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}

	// Cut off in the middle: no start, and the next call goes on.
	if err := os.WriteFile(filepath.Join(dir, nextSecretName), bytes.Repeat([]byte{9}, secretSize), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0"}); !errors.Is(err, errHalfRotated) {
		t.Errorf("a start in the middle: %v", err)
	}
	if said, code := rotated(t, dir, "--yes"); code != 0 {
		t.Fatalf("%d %s", code, said)
	}
	if now, _ := os.ReadFile(filepath.Join(dir, secretName)); !bytes.Equal(now, bytes.Repeat([]byte{9}, secretSize)) {
		t.Error("it did not go on with the secret that it had begun with")
	}
	shop = start()
	defer shop.Stop()
	if _, err := Login(t.Context(), shop.Endpoint, "bob", shop.Users["bob"], shopping); err != nil {
		t.Errorf("bob cannot log in: %v", err)
	}
}

// A secret from the environment is replaced by another one from there.
func TestRotateASecretFromTheEnvironment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	long := strings.Repeat("ab", 64) // more than is needed
	t.Setenv("TILL_SECRET", long)
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	password := shop.Users["alice"]
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	if said, code := rotated(t, dir, "--yes"); code != 1 || !strings.Contains(said, "TILL_SECRET_NEW") {
		t.Errorf("without a new one: %d %s", code, said)
	}
	t.Setenv("TILL_SECRET_NEW", strings.Repeat("cd", 32))
	if said, code := rotated(t, dir, "--yes"); code != 0 || !strings.Contains(said, "as TILL_SECRET from now on") || strings.Contains(said, "cdcd") {
		t.Fatalf("%d %s", code, said)
	}
	t.Setenv("TILL_SECRET", strings.Repeat("cd", 32))
	if shop, err = Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0", Demo: true}); err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	if _, err := shop.authz.Accounts().CheckPassword(t.Context(), "alice", password); err != nil {
		t.Error(err)
	}
}
