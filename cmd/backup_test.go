package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/eventlog/archive"
	"till/domain/eventlog/jslog"
	"till/domain/stock"
)

// unpackAll is the text of a backup.
func unpackAll(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	text, err := z.DecodeAll(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A backup that is made while people join, change their passwords and are
// forgotten is whole: whoever has an account at its position logs in, whoever is
// forgotten by then has no key, and the log is the running shop's to the byte.
func TestBackupOfABusyShop(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	accounts := shop.authz.Accounts()
	const people = 4
	passwords := map[string]map[string]bool{} // by user: all that were ever set
	var mu sync.Mutex
	know := func(user, password string) {
		mu.Lock()
		defer mu.Unlock()
		if passwords[user] == nil {
			passwords[user] = map[string]bool{}
		}
		passwords[user][password] = true
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range people {
		group.Go(func() {
			for n := 0; ; n++ {
				name, password := fmt.Sprintf("busy-%d-%d", i, n), fmt.Sprintf("password %d %d", i, n)
				user, err := accounts.OpenAccount(t.Context(), name, password, account.Customer)
				if err != nil {
					t.Error(err)
					return
				}
				know(user, password)
				for change := range 2 {
					password := fmt.Sprintf("%s %d", password, change)
					know(user, password)
					if err := accounts.SetPassword(t.Context(), user, password); err != nil {
						t.Error(err)
						return
					}
				}
				if n%2 == 0 {
					if _, err := shop.authz.ForgetAccount(t.Context(), user, eventlog.Actor{Kind: eventlog.Admin}); err != nil {
						t.Error(err)
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	files := filepath.Join(t.TempDir(), "b")
	for i := range 4 {
		passed(t, shop.App, 8)
		mustTill(t, "backup", files+fmt.Sprint(i), "--data", dir, "--with-secret")
	}
	close(stop)
	group.Wait()
	mustTill(t, "export", files+".jsonl", "--data", dir)
	all, err := os.ReadFile(files + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}

	last := 0
	for i := range 4 {
		back := t.TempDir()
		mustTill(t, "restore", files+fmt.Sprint(i), "--data", back)
		copied := strings.SplitAfter(mustTill(t, "export", "--data", back), "\n")
		copied = copied[1 : len(copied)-2]
		if text := strings.Join(copied, ""); !strings.Contains(string(all), text) || len(copied) < last {
			t.Errorf("backup %d of %d events is no beginning of the log", i, len(copied))
		}
		last = len(copied)
		a, err := Open(t.Context(), Options{Dir: back})
		if err != nil {
			t.Fatal(err)
		}
		active, gone := 0, 0
		for user, known := range passwords {
			p, ok, err := a.views.Person(t.Context(), user)
			switch {
			case err != nil:
				t.Error(err)
			case !ok: // came later
			case p.Forgotten:
				if gone++; !p.Erased {
					t.Errorf("backup %d: %s is forgotten and still has a name", i, user)
				}
			default:
				if active++; p.Name == "" {
					t.Errorf("backup %d: %s has no name", i, user)
				}
				hash, _, err := a.buckets["credentials"].Get(t.Context(), "password."+p.Credential)
				if err != nil || len(hash) == 0 {
					t.Errorf("backup %d: %s cannot log in: %v", i, user, err)
				}
				// Hashing is slow: try one of them.
				if active == 1 && !logsIn(t, a, p.Name, known) {
					t.Errorf("backup %d: none of %s's passwords is right", i, user)
				}
			}
		}
		t.Logf("backup %d: %d events, %d people, %d forgotten", i, len(copied), active, gone)
		_ = a.close()
	}
}

// passed waits until the log has grown by some events.
func passed(t *testing.T, a *App, events eventlog.Position) {
	t.Helper()
	begin, err := a.log.Head(t.Context())
	for head := begin; err == nil && head < begin+events; time.Sleep(time.Millisecond) {
		head, err = a.log.Head(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// early is a bucket that lets something happen before its keys are listed.
type early struct {
	eventlog.Bucket
	first func()
}

func (e early) Keys(ctx context.Context) ([]string, error) {
	e.first()
	return e.Bucket.Keys(ctx)
}

// A password that is changed after the backup's position and before its hash is
// read is the old one in the backup.
func TestPasswordChangedDuringABackup(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	accounts := shop.authz.Accounts()
	user, err := accounts.OpenAccount(t.Context(), somebody, "the old password", account.Customer)
	if err != nil {
		t.Fatal(err)
	}
	changed := make(chan error, 1)
	// In order of their names this one is read first.
	shop.buckets["charges"] = early{shop.buckets["charges"], func() {
		go func() { changed <- accounts.SetPassword(t.Context(), user, "the new password") }()
		passed(t, shop.App, 1)
		time.Sleep(100 * time.Millisecond) // nothing is to happen meanwhile
	}}
	file := filepath.Join(t.TempDir(), "b")
	mustTill(t, "backup", file, "--data", dir, "--with-secret")
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	back := t.TempDir()
	mustTill(t, "restore", file, "--data", back)
	a, err := Open(t.Context(), Options{Dir: back})
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if _, err := a.authz.Accounts().CheckPassword(t.Context(), somebody, "the old password"); err != nil {
		t.Errorf("in the backup: %v", err)
	}
	if _, err := accounts.CheckPassword(t.Context(), somebody, "the new password"); err != nil {
		t.Errorf("in the shop: %v", err)
	}
}

func logsIn(t *testing.T, a *App, name string, passwords map[string]bool) bool {
	t.Helper()
	for password := range passwords {
		if _, err := a.authz.Accounts().CheckPassword(t.Context(), name, password); err == nil {
			return true
		}
	}
	return false
}

// What a backup or export made after somebody was forgotten holds of them is
// only what was sealed; one made before still brings the name back, and it can
// be forgotten again.
func TestBackupsAndTheForgotten(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	if err := shop.AddUser(t.Context(), somebody, "a long enough password"); err != nil {
		t.Fatal(err)
	}
	user, traces := kept(t, shop.App, somebody)
	file := filepath.Join(t.TempDir(), "b")
	mustTill(t, "backup", file+"1", "--data", dir, "--with-secret")
	mustTill(t, "forget", somebody, "--yes", "--data", dir)
	mustTill(t, "backup", file+"2", "--data", dir, "--with-secret")
	mustTill(t, "export", file+"3", "--data", dir)
	// Values stand in a backup in base64, as in the lines of entries.
	lines := func(text []byte) (all string) {
		r, err := archive.NewReader(bytes.NewReader(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		for item, err := range r.Items() {
			if err != nil {
				t.Fatal(err)
			}
			if item.Entry != nil {
				all += item.Entry.Key + " " + string(item.Entry.Value) + "\n"
			}
		}
		return all + string(text)
	}
	exported, err := os.ReadFile(file + "3")
	if err != nil {
		t.Fatal(err)
	}
	before, after, export := lines(unpackAll(t, file+"1")), lines(unpackAll(t, file+"2")), lines(exported)
	for what, trace := range traces {
		if !strings.Contains(before, string(trace)) {
			t.Errorf("the backup made before lacks the %s: the test would prove nothing", what)
		}
		if strings.Contains(after, string(trace)) || strings.Contains(export, string(trace)) {
			t.Errorf("what was made afterwards holds the %s", what)
		}
	}
	for _, text := range []string{before, after, export} {
		if strings.Contains(text, somebody) {
			t.Error("the name stands there in clear")
		}
	}
	for i, want := range map[string]string{"1": somebody, "2": "erased"} {
		back := t.TempDir()
		mustTill(t, "restore", file+i, "--data", back)
		if out := mustTill(t, "events", "--data", back, "--user", user, "--type", "account."); !strings.Contains(out, want) {
			t.Errorf("restored from backup %s, the events are:\n%s", i, out)
		}
		mustTill(t, "forget", user, "--yes", "--data", back)
		if out := mustTill(t, "events", "--data", back); strings.Contains(out, somebody) {
			t.Errorf("forgotten again, the name still shows")
		}
	}
}

// A backup that was cut short or changed anywhere is refused, before anything
// is written.
func TestRestoreOfADamagedBackup(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.AddUser(t.Context(), somebody, "a long enough password"), a.close()); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "b")
	mustTill(t, "backup", good, "--data", dir, "--with-secret")
	file, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	bad, none := filepath.Join(t.TempDir(), "bad"), filepath.Join(t.TempDir(), "none")
	for i := range 60 {
		harmed, what := bytes.Clone(file), ""
		if at := dice.IntN(len(file)); i%2 == 0 {
			harmed, what = file[:at], fmt.Sprintf("cut to %d of %d bytes", at, len(file))
		} else {
			harmed[at] ^= 1 << dice.IntN(8)
			what = fmt.Sprintf("byte %d changed", at)
		}
		if err := os.WriteFile(bad, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, code := till(t, "restore", bad, "--data", none)
		if code != 1 || !strings.HasSuffix(errs, "; nothing was written\n") || strings.Count(errs, "\n") != 1 {
			// A bit of the packing that changes nothing of what is packed is none.
			if code == 0 && i%2 == 1 && bytes.Equal(unpackAll(t, bad), unpackAll(t, good)) {
				if err := os.RemoveAll(none); err != nil {
					t.Fatal(err)
				}
				continue
			}
			t.Errorf("%s: exit %d, %q", what, code, errs)
		}
		if _, err := os.Stat(none); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%s: something was written", what)
		}
	}
}

// A damaged log makes no backup and no export that looks good: neither of a
// folder nor of a shop that has not noticed yet, because its views are up to date
// and nothing had to be read.
func TestBackupOfADamagedLog(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "*", "streams", "till", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no blocks: %v", err)
	}
	data, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	data[bytes.Index(data, []byte(`"on_hand"`))+1] ^= 1
	if err := os.WriteFile(blocks[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	refused := func() {
		t.Helper()
		for _, args := range [][]string{{"backup", filepath.Join(folder, "b")}, {"export", filepath.Join(folder, "e")}, {"export"}} {
			out, errs, code := till(t, append(args, "--data", dir)...)
			if code != 1 || !strings.Contains(errs, "damaged") || strings.Contains(out, "sha256") {
				t.Errorf("till %s: exit %d, %q", args[0], code, errs)
			}
		}
		if left, _ := os.ReadDir(folder); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	refused()
	if shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0"}); err == nil {
		refused()
		_ = shop.Stop()
	}
	if err := os.RemoveAll(filepath.Join(dir, "views.db")); err != nil { // now the whole log is read at the start
		t.Fatal(err)
	}
	refused()
}

// pastOf writes an export of count events that no shop made.
func pastOf(t testing.TB, path string, count int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeHistory(f, count); err != nil {
		t.Fatal(err)
	}
}

func writeHistory(to io.Writer, count int) error {
	w, err := archive.NewWriter(to, archive.Head{Kind: archive.Log, Epoch: "0123456789abcdef0123456789abcdef", Events: eventlog.Position(count)}, nil)
	if err != nil {
		return err
	}
	types, streams := Types(), max(count/20, 1)
	for i := range count {
		at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
		name, version, data, err := types.Encode(stock.Counted{OnHand: i})
		if err != nil {
			return err
		}
		err = w.Event(eventlog.Envelope{
			Position: eventlog.Position(i + 1), Stream: eventlog.Stream{Category: stock.Category, ID: fmt.Sprintf("SKU-%d", i%streams)}, Number: uint64(i/streams + 1),
			Type: name, Version: version, Data: data,
			Meta: eventlog.Meta{Command: fmt.Sprintf("import:%026d", i), Actor: eventlog.Actor{Kind: eventlog.Admin}, Causation: "catalog import", Time: at},
		})
		if err != nil {
			return err
		}
	}
	return w.Close()
}

// A folder whose import was cut off is no shop, says so, and can be filled anew.
func TestAnImportThatWasCutOff(t *testing.T) {
	file := filepath.Join(t.TempDir(), "e.jsonl")
	pastOf(t, file, 2_000)
	dir := filepath.Join(t.TempDir(), "shop")
	folder, err := beginFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := openFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	quiet := terminal{strings.NewReader(""), io.Discard, io.Discard}
	found, err := examine(t.Context(), f, nil, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := fillFolder(t.Context(), quiet, folder, f, found, nil); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := till(t, "import", file, "--data", dir); code != 1 || !strings.Contains(errs, "in use") {
		t.Errorf("two imports at once: %d %s", code, errs)
	}
	if err := folder.Close(); err != nil { // killed: everything is there but the last step
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		for _, args := range [][]string{{"events"}, {"serve", "--addr", "127.0.0.1:0"}, {"backup", filepath.Join(t.TempDir(), "b")}} {
			if _, errs, code := till(t, append(args, "--data", dir)...); code != 1 || !strings.Contains(errs, "is no whole shop") || !strings.Contains(errs, "run that again, or remove the folder") {
				t.Errorf("till %s: exit %d, %q", args[0], code, errs)
			}
		}
	}
	refused()
	// Also between the last two steps.
	if f, err := beginFolder(dir); err != nil || f.claim() != nil || f.Close() != nil {
		t.Fatal(err)
	}
	refused()
	mustTill(t, "import", file, "--data", dir)
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustTill(t, "export", "--data", dir); got != string(want) {
		t.Error("what came in anew is not what was in the file")
	}
}

// The reactors of a restored shop go on where they were.
func TestReactorsGoOnAfterARestore(t *testing.T) {
	dir := t.TempDir()
	shop := serveIn(t, dir)
	head, err := shop.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var before []jslog.Reached
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		// Each counted SKU is an event for the reservations.
		if before, err = shop.log.Reached(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(before, func(r jslog.Reached) bool { return r.Topic == stock.Category && r.At > head/2 }); i >= 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the reactors stand at %v of %d", before, head)
		}
	}
	file, back := filepath.Join(t.TempDir(), "b"), t.TempDir()
	mustTill(t, "backup", file, "--data", dir, "--with-secret")
	mustTill(t, "restore", file, "--data", back)
	a, err := Open(t.Context(), Options{Dir: back})
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	after, err := a.log.Reached(t.Context())
	if err != nil || len(after) != len(before) {
		t.Fatalf("%v, %v; before the backup %v", after, err, before)
	}
	for i := range after {
		if after[i].Name != before[i].Name || after[i].Topic != before[i].Topic || after[i].At < before[i].At {
			t.Errorf("restored at %v; before the backup %v", after[i], before[i])
		}
	}
}

// What a backup holds beside the log must have its place here.
func TestBackupsWithStrangeThings(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, secretSize)
	none := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		entry archive.Entry
		says  string // empty: it is taken
	}{
		"a bucket of a newer till":  {archive.Entry{In: "wishes", Key: "a"}, `line 2: not as till writes it: this till has no place for the wishes "a"`},
		"a way out of the folder":   {archive.Entry{In: filesIn, Key: "../../etc/passwd"}, "no place"},
		"the lock":                  {archive.Entry{In: filesIn, Key: lockName}, "no place"},
		"another shop's secret":     {archive.Entry{In: filesIn, Key: secretName, Value: bytes.Repeat([]byte{8}, secretSize)}, "no place"},
		"a reactor from the future": {archive.Entry{In: reactorsIn, Key: "checkouts/order", Value: []byte("1")}, "the place of the reactor"},
		"a reactor of nothing":      {archive.Entry{In: reactorsIn, Key: "checkouts", Value: []byte("0")}, "the place of the reactor"},
		"a key of no bucket":        {archive.Entry{In: "people", Key: "a b"}, "line 2: invalid change"},
		"its own secret":            {archive.Entry{In: filesIn, Key: secretName, Value: secret}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "b")
			f, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			w, err := archive.NewWriter(f, archive.Head{Kind: archive.Backup, Epoch: "e1", Made: time.Unix(0, 0).UTC(), Check: secretCheck(secret)}, nil)
			if err := errors.Join(err, w.Entry(c.entry), w.Close(), f.Close()); err != nil {
				t.Fatal(err)
			}
			_, errs, code := till(t, "restore", file, "--data", none)
			if _, err := os.Stat(none); (code == 0) != (c.says == "") || !strings.Contains(errs, c.says) || (err == nil) != (c.says == "") {
				t.Errorf("exit %d, %q, %v", code, errs, err)
			}
			_ = os.RemoveAll(none)
		})
	}
}
