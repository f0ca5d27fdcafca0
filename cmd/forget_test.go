package cmd

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"till/authz"
	"till/domain/account"
	"till/domain/decider"
	"till/domain/eventlog"
)

// somebody is a login name that stands nowhere by chance.
const somebody = "zebediah-quux"

// holds are the folder's files that hold the bytes.
func holds(t *testing.T, dir string, what []byte) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the log's server replaces its files
		}
		if bytes.Contains(data, what) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func serveIn(t *testing.T, dir string) *Running {
	t.Helper()
	r, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	return r
}

// till runs the program and returns what it prints and its exit code.
func till(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e strings.Builder
	code = run(t.Context(), args, terminal{strings.NewReader(""), &o, &e})
	return o.String(), e.String(), code
}

func mustTill(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := till(t, args...)
	if code != 0 {
		t.Fatalf("till %s exits with %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// kept is what is kept of a person beside the log, as its bytes on the disk.
func kept(t *testing.T, a *App, login string) (user string, traces map[string][]byte) {
	t.Helper()
	user, err := a.authz.Accounts().Find(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	people, err1 := a.log.Bucket(t.Context(), "people", 0)
	credentials, err2 := a.log.Bucket(t.Context(), "credentials", 0)
	keys, err3 := credentials.Keys(t.Context())
	key, _, err4 := people.Get(t.Context(), user)
	state, _, err5 := a.views.State(t.Context(), eventlog.Stream{Category: account.Category, ID: user})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	traces = map[string][]byte{"wrapped key": key}
	for _, k := range keys {
		value, _, err := credentials.Get(t.Context(), k)
		switch {
		case err != nil:
			t.Fatal(err)
		case string(value) == user:
			traces["login name's place"] = []byte(k)
		case k == "password."+state.(account.State).Credential:
			traces["password's hash"] = value
		}
	}
	if len(traces) != 3 {
		t.Fatalf("only %d traces are known", len(traces))
	}
	return user, traces
}

// Whatever could lead back to the person is gone from the whole folder, at once
// and after a stop, and from what is written from then on.
func TestForgottenInTheWholeFolder(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	const password = "a long enough password"
	if err := shop.AddUser(t.Context(), somebody, password); err != nil {
		t.Fatal(err)
	}
	if _, err := Login(t.Context(), shop.Endpoint, somebody, password, shopping); err != nil {
		t.Fatal(err)
	}
	// Also what only a stop writes may hold something.
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	shop = serveIn(t, dir)
	user, traces := kept(t, shop.App, somebody)
	for what, bytes := range traces {
		if len(holds(t, dir, bytes)) == 0 {
			t.Fatalf("the %s is not even found before: the search finds nothing", what)
		}
	}
	if before := mustTill(t, "events", "--data", dir); !strings.Contains(before, somebody) {
		t.Fatalf("the name was not shown before:\n%s", before)
	}
	// What is made of the past while the shop runs is searched too.
	mustTill(t, "diff", "10", "--user", somebody, "--data", dir)
	mustTill(t, "rebuild", "--data", dir)
	traces["name"], traces["password"] = []byte(somebody), []byte(password)

	if _, errs, code := till(t, "forget", somebody, "--data", dir); code != 1 || !strings.Contains(errs, "--yes") {
		t.Errorf("forgotten without being asked: %d %s", code, errs)
	}
	if out := mustTill(t, "forget", somebody, "--yes", "--data", dir); !strings.Contains(out, user) || !strings.Contains(out, "1 agent disconnected") {
		t.Errorf("said %q", out)
	}
	gone := func(when string) {
		t.Helper()
		for what, bytes := range traces {
			files := holds(t, dir, bytes)
			// The server lists a bucket's keys in a file that it writes every two
			// minutes and when it stops. The place is a MAC, not a name.
			files = slices.DeleteFunc(files, func(f string) bool {
				return when == "at once" && what == "login name's place" && filepath.Base(f) == "index.db"
			})
			if len(files) > 0 {
				t.Errorf("%s the %s is still in %v", when, what, files)
			}
		}
	}
	gone("at once")
	after := mustTill(t, "events", "--data", dir)
	if strings.Contains(after, somebody) || !strings.Contains(after, "erased") || !strings.Contains(after, "account.forgotten") {
		t.Errorf("the events are now:\n%s", after)
	}
	if out := mustTill(t, "forget", user, "--yes", "--data", dir); !strings.Contains(out, "was forgotten before") {
		t.Errorf("a second time: %q", out)
	}
	if _, err := Login(t.Context(), shop.Endpoint, somebody, password, shopping); err == nil {
		t.Error("the forgotten person logs in")
	}
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	gone("after a stop")
	shop = serveIn(t, dir)
	gone("after a start")
	if name, err := shop.authz.Accounts().Login(t.Context(), user); name != "erased" || err != nil {
		t.Errorf("the name is %q: %v", name, err)
	}
	if err := shop.AddUser(t.Context(), somebody, password); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
}

// A demo user's name and password also stand in a file, and are not made again.
func TestForgottenDemoUser(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	password := []byte(shop.Users["bob"])
	if len(holds(t, dir, password)) == 0 {
		t.Fatal("bob's password is not even found before")
	}
	if out := mustTill(t, "forget", "bob", "--yes", "--data", dir); !strings.Contains(out, "0 agents") {
		t.Errorf("said %q", out)
	}
	if files := holds(t, dir, password); len(files) > 0 {
		t.Errorf("bob's password is still in %v", files)
	}
	_ = shop.Stop()
	shop = serveIn(t, dir)
	if _, err := shop.authz.Accounts().Find(t.Context(), "bob"); !errors.Is(err, authz.ErrNobody) || len(shop.Users) != 2 {
		t.Errorf("bob is back: %v, %d demo users", err, len(shop.Users))
	}
	var banner strings.Builder
	shop.banner(&banner)
	if strings.Contains(banner.String(), "bob") || !strings.Contains(banner.String(), "alice") {
		t.Error("the banner names bob, or alice no more")
	}
}

// A shop that was killed between the event and the key goes on at its next start,
// also if that is only a look at the folder.
func TestForgettingGoesOnAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	if err := a.AddUser(t.Context(), somebody, "a long enough password"); err != nil {
		t.Fatal(err)
	}
	user, traces := kept(t, a, somebody)
	// What ForgetAccount does first.
	accounts := decider.NewHandler(account.Decider(), a.types, a.log, a.views)
	if _, err := accounts.Do(t.Context(), user, account.Forget{At: time.Now()}, eventlog.Meta{Command: "c1", Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if len(holds(t, dir, traces["wrapped key"])) == 0 {
		t.Fatal("the key is gone already: the test would prove nothing")
	}
	_ = a.close()
	if out := mustTill(t, "events", "--data", dir); strings.Contains(out, somebody) || !strings.Contains(out, "erased") {
		t.Errorf("the events are:\n%s", out)
	}
	for what, bytes := range traces {
		if files := holds(t, dir, bytes); len(files) > 0 {
			t.Errorf("the %s is still in %v", what, files)
		}
	}
}
