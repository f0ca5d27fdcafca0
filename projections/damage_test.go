package projections_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"till/domain/eventlog"
	"till/projections"
)

// copyFolder copies a folder as a crash leaves it: while it is in use.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// caughtUp waits until the views include all of the log.
func caughtUp(t testing.TB, v *projections.Views, log eventlog.Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	head, err := log.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(v.Ready(ctx), v.Wait(ctx, head)); err != nil {
		t.Fatal(err)
	}
}

func openFile(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// scribble fills a part of a file, given in hundredths of its size, with noise.
func scribble(t *testing.T, path string, from, to int64) {
	t.Helper()
	f := openFile(t, path)
	defer f.Close()
	info, _ := f.Stat()
	start, end := info.Size()*from/100, info.Size()*to/100
	noise := make([]byte, end-start)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(noise)
	if _, err := f.WriteAt(noise, start); err != nil {
		t.Fatal(err)
	}
}

func cutShort(t *testing.T, path string, percent int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()*percent/100); err != nil {
		t.Fatal(err)
	}
}

// flip turns one bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	f := openFile(t, path)
	defer f.Close()
	info, _ := f.Stat()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// execSQL changes a file with SQLite's own means, and seals it as if nothing
// had happened.
func execSQL(t *testing.T, path, statement string) {
	t.Helper()
	poke(t, path, statement)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := crc32.Checksum(whole, crc32.MakeTable(crc32.Castagnoli))
	if err := os.WriteFile(path+".seal", fmt.Appendf(nil, "%d %08x\n", len(whole), sum), 0o600); err != nil {
		t.Fatal(err)
	}
}

// poke changes a file with SQLite's own means, also one that is in use.
func poke(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Whatever happens to the file, the views come back as they were, and somebody
// is told why.
func TestDamage(t *testing.T) {
	h := newHistory(t, manyDamaged, 200, 20)
	source := t.TempDir()
	s := openShop(t, h.log, source)
	caughtUp(t, s.views, h.log)
	crashed := copyFolder(t, source) // before it was closed
	want := dump(t, source)
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		name    string
		from    string
		harm    func(t *testing.T, db string)
		because string // what is told; empty if the file is to be used as it is
	}{
		{"nothing", source, func(*testing.T, string) {}, ""},
		{"killed", crashed, func(*testing.T, string) {}, ""},
		{"lost", source, func(t *testing.T, db string) { os.Remove(db) }, "there are none yet"},
		{"empty", source, func(t *testing.T, db string) { cutShort(t, db, 0) }, "not as it was closed"},
		{"cut in half", source, func(t *testing.T, db string) { cutShort(t, db, 50) }, "not as it was closed"},
		{"a page short", source, func(t *testing.T, db string) { cutShort(t, db, 99) }, "not as it was closed"},
		{"noise in front", source, func(t *testing.T, db string) { scribble(t, db, 0, 2) }, "not as it was closed"},
		{"noise in the middle", source, func(t *testing.T, db string) { scribble(t, db, 40, 60) }, "not as it was closed"},
		{"all noise", source, func(t *testing.T, db string) { scribble(t, db, 0, 100) }, "not as it was closed"},
		{"not a database", source, func(t *testing.T, db string) {
			os.WriteFile(db, []byte("Dear diary, today I was a file."), 0o600)
		}, "not as it was closed"},
		{"a table gone", source, func(t *testing.T, db string) { execSQL(t, db, "DROP TABLE meta") }, "cannot be read"},
		{"other layout", source, func(t *testing.T, db string) { execSQL(t, db, "UPDATE meta SET layout = 'old'") }, "another version"},
		{"other tables of a view", source, func(t *testing.T, db string) {
			execSQL(t, db, "UPDATE versions SET shape = 'old' WHERE view = 'carts'")
		}, "the view carts of another version of till has other tables"},
		{"a view too few", source, func(t *testing.T, db string) { execSQL(t, db, "DELETE FROM versions WHERE view = 'stock'") }, "the view stock of another version"},
		{"a view too many", source, func(t *testing.T, db string) { execSQL(t, db, "INSERT INTO versions VALUES ('wishes', 1, 'x')") }, "a view wishes of another version"},
		{"other shop", source, func(t *testing.T, db string) { execSQL(t, db, "UPDATE meta SET epoch = 'else'") }, "another log"},
		{"ahead of the log", source, func(t *testing.T, db string) {
			execSQL(t, db, "UPDATE meta SET position = position + 1")
		}, "the log ends at"},
		{"another past", source, func(t *testing.T, db string) { execSQL(t, db, "UPDATE meta SET mark = 'x'") }, "another event"},
		{"the seal lost", source, func(t *testing.T, db string) { os.Remove(db + ".seal") }, "was not closed"},
		{"the seal broken", source, func(t *testing.T, db string) { scribble(t, db+".seal", 0, 100) }, "not as it was closed"},
		{"one bit", source, func(t *testing.T, db string) { flip(t, db) }, "not as it was closed"},
		{"killed, cut in half", crashed, func(t *testing.T, db string) { cutShort(t, db, 50) }, "damaged"},
		{"killed, a page short", crashed, func(t *testing.T, db string) { cutShort(t, db, 99) }, "damaged"},
		{"killed, noise in front", crashed, func(t *testing.T, db string) { scribble(t, db, 0, 2) }, "cannot be read"},
		{"killed, noise in the middle", crashed, func(t *testing.T, db string) { scribble(t, db, 40, 60) }, "damaged"},
		{"killed, WAL lost", crashed, func(t *testing.T, db string) { os.Remove(db + "-wal") }, "was not closed"},
		{"killed, WAL emptied", crashed, func(t *testing.T, db string) { cutShort(t, db+"-wal", 0) }, "was not closed"},
		{"killed, WAL all noise", crashed, func(t *testing.T, db string) { scribble(t, db+"-wal", 0, 100) }, "was not closed"},
		{"a directory in its place", source, func(t *testing.T, db string) {
			os.Remove(db)
			os.Mkdir(db, 0o700)
		}, "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, c.from)
			c.harm(t, filepath.Join(dir, "views.db"))
			again := openShop(t, h.log, dir)
			caughtUp(t, again.views, h.log)
			if diff := cmp.Diff(want, dump(t, dir)); diff != "" {
				t.Errorf("the views differ (-want +got):\n%.2000s", diff)
			}
			_ = again.views.Close()
			told := again.warned.String()
			if c.because == "" && told != "" || !strings.Contains(told, c.because) {
				t.Errorf("told %q, want %q", told, c.because)
			}
		})
	}
}

// A page of noise in a file that was not closed, wherever it lies, is noticed,
// or did no harm.
func TestDamageAnywhere(t *testing.T) {
	h := newHistory(t, 1_500, 50, 10)
	source := t.TempDir()
	s := openShop(t, h.log, source)
	caughtUp(t, s.views, h.log)
	want := dump(t, source)
	crashed := copyFolder(t, source)
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(crashed, "views.db"))
	if err != nil {
		t.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		dir := copyFolder(t, crashed)
		broken := bytes.Clone(whole)
		// As a disk that writes to the wrong place leaves it.
		at := dice.IntN(len(broken)/8192) * 8192
		for i := range 8192 {
			broken[at+i] = byte(dice.Uint32())
		}
		if err := os.WriteFile(filepath.Join(dir, "views.db"), broken, 0o600); err != nil {
			t.Fatal(err)
		}
		again := openShop(t, h.log, dir)
		caughtUp(t, again.views, h.log)
		got := dump(t, dir)
		_ = again.views.Close()
		if got != want {
			t.Fatalf("noise at %d of %d went unnoticed; told: %s", at, len(broken), again.warned.String())
		}
	}
}

// A file that breaks while the shop runs is replaced, and everybody gets right
// answers or is asked to wait.
func TestDamageWhileRunning(t *testing.T) {
	h := newHistory(t, 5_000, 100, 10)
	dir := t.TempDir()
	s := openShop(t, h.log, dir)
	caughtUp(t, s.views, h.log)
	want := dump(t, dir)
	f := openFile(t, filepath.Join(dir, "views.db"))
	info, _ := f.Stat()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xAA}, int(info.Size())-8192), 8192); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()

	for i := range 100 {
		who := user(i)
		err := s.views.Read(t.Context(), 0, func(r *projections.Reader) error {
			c, v, err := r.Cart(t.Context(), who)
			if err == nil && (v.Number != h.carts[who].Number || c.Total() != h.carts[who].state.Total()) {
				t.Errorf("a wrong cart: %+v %+v", c, v)
			}
			return err
		})
		if err != nil && !errors.Is(err, projections.ErrCatchingUp) {
			t.Errorf("cart %d: %v", i, err)
		}
	}
	caughtUp(t, s.views, h.log)
	if told := s.warned.String(); strings.Count(told, "the views are built from the log") != 2 {
		t.Errorf("told %q", told)
	}
	if diff := cmp.Diff(want, dump(t, dir)); diff != "" {
		t.Errorf("the views differ (-want +got):\n%.2000s", diff)
	}
}
