package projections_test

import (
	gocmp "cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/projections"
)

func untold(eventlog.Position, eventlog.Position) {}

// filesOf waits until the folder holds one file of views and returns its name.
func filesOf(t testing.TB, dir string) string {
	t.Helper()
	var found []string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		found = found[:0]
		names, err := filepath.Glob(filepath.Join(dir, "views*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") && !strings.HasSuffix(name, ".seal") {
				found = append(found, filepath.Base(name))
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	t.Fatalf("the folder holds %v", found)
	return ""
}

// busy is a shop with some of everything.
func busy(t testing.TB) *shop {
	s := newShop(t)
	s.sell(mouse(), 100)
	for i := range 20 {
		s.add(fmt.Sprint("usr_", i%5), "MOUSE-CATNIP", 1)
	}
	s.buy("usr_0")
	s.buy("usr_1")
	return s
}

// A rebuild takes the place of what serves, whatever was wrong with that, and
// the next start finds it under the usual name.
func TestRebuild(t *testing.T) {
	for _, names := range [][]string{nil, {"carts"}, {"orders", "stock"}, {"products"}, {"commands"}} {
		t.Run(gocmp.Or(strings.Join(names, "+"), "all"), func(t *testing.T) {
			s := busy(t)
			want := dump(t, s.dir)
			tables := map[string]string{"carts": "carts", "orders": "history", "products": "names", "stock": "stock", "commands": "commands"}
			rebuilt := names
			if names == nil {
				rebuilt = []string{"carts", "orders", "products", "stock", "commands"}
			}
			for _, name := range rebuilt {
				poke(t, filepath.Join(s.dir, "views.db"), "DELETE FROM "+tables[name])
			}
			for round, file := range []string{"views.2.db", "views.db", "views.2.db"} {
				var told eventlog.Position
				err := s.views.Rebuild(t.Context(), names, func(at, of eventlog.Position) {
					if told = at; at > of {
						t.Errorf("%d of %d", at, of)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if told == 0 {
					t.Error("nothing was told")
				}
				if got := filesOf(t, s.dir); got != file {
					t.Fatalf("round %d serves from %s", round, got)
				}
				s.add("usr_9", "MOUSE-CATNIP", 1) // it is followed
			}
			caughtUp(t, s.views, s.log)
			s.read(func(r *projections.Reader) {
				if c, _, err := r.Cart(t.Context(), "usr_9"); err != nil || c.Pieces() != 3 {
					t.Errorf("%+v %v", c, err)
				}
			})
			s.reopen()
			caughtUp(t, s.views, s.log)
			if got := filesOf(t, s.dir); got != "views.db" {
				t.Errorf("after a restart it is %s", got)
			}
			if told := s.warned.String(); told != "" {
				t.Errorf("the restart was told %s", told)
			}
			other := openShop(t, s.log, t.TempDir())
			caughtUp(t, other.views, s.log)
			if diff := cmp.Diff(dump(t, other.dir), dump(t, s.dir)); diff != "" || want == dump(t, s.dir) {
				t.Errorf("the rebuilt views differ from new ones (-new +rebuilt):\n%s", diff)
			}
		})
	}
}

func TestRebuildRefuses(t *testing.T) {
	s := busy(t)
	err := s.views.Rebuild(t.Context(), []string{"carts", "wishes"}, untold)
	if !errors.Is(err, projections.ErrNoView) || !strings.Contains(err.Error(), `"wishes"; there are carts, orders`) {
		t.Error(err)
	}
	if _, err := s.views.Verify(t.Context(), []string{"x"}, untold, nil); !errors.Is(err, projections.ErrNoView) {
		t.Error(err)
	}
	inside := errors.New("not called")
	if err := s.views.Rebuild(t.Context(), nil, func(eventlog.Position, eventlog.Position) {
		inside = s.views.Rebuild(t.Context(), nil, untold)
	}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(inside, projections.ErrRebuilding) {
		t.Error(inside)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = s.views.Rebuild(ctx, nil, func(eventlog.Position, eventlog.Position) { cancel() })
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	filesOf(t, s.dir)
}

// While views are rebuilt over and over, every reader gets an answer, it is
// right, and it never goes back.
func TestRebuildIsNotNoticed(t *testing.T) {
	s := busy(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var answers atomic.Int64
	for i := range 4 {
		wg.Go(func() {
			user, seen := fmt.Sprint("usr_r", i), 0
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				out, err := s.process.Carts.Do(context.Background(), user, cart.Add{Item: cart.Item{SKU: fmt.Sprint("S", n%40), Price: mouse().Variants[0].Price}, Quantity: 1},
					eventlog.Meta{Command: fmt.Sprint(user, n), Fingerprint: "f", Time: began})
				if err != nil {
					if _, err = s.process.Carts.Do(context.Background(), user, cart.Clear{}, eventlog.Meta{Command: fmt.Sprint("c", user, n), Time: began}); err != nil {
						t.Errorf("clear: %v", err)
						return
					}
					seen = 0
					continue
				}
				seen++
				err = s.views.Read(context.Background(), out.Position, func(r *projections.Reader) error {
					c, v, err := r.Cart(context.Background(), user)
					if err == nil && (c.Pieces() != seen || v.Position != out.Position || r.At() < out.Position) {
						t.Errorf("%s has %d pieces at %d, want %d at %d", user, c.Pieces(), v.Position, seen, out.Position)
					}
					return err
				})
				if err != nil {
					t.Errorf("a reader got %v", err)
					return
				}
				answers.Add(1)
			}
		})
	}
	for i := range manyRebuilds {
		names := [][]string{nil, {"carts"}, {"orders", "commands"}}[i%3]
		if err := s.views.Rebuild(t.Context(), names, untold); err != nil {
			t.Error(err)
		}
		if at, err := s.views.Verify(t.Context(), nil, untold, func(d projections.Difference) error { return fmt.Errorf("%+v", d) }); err != nil || at == 0 {
			t.Errorf("verified at %d: %v", at, err)
		}
	}
	close(stop)
	wg.Wait()
	filesOf(t, s.dir)
	t.Logf("%d answers", answers.Load())
}

// A process that is killed right after the swap leaves two files, one that is
// killed before it an unfinished one beside the old.
func TestRebuildCutOff(t *testing.T) {
	s := busy(t)
	caughtUp(t, s.views, s.log)
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}
	want := dump(t, s.dir)
	db := filepath.Join(s.dir, "views.db")
	spare := filepath.Join(s.dir, "views.2.db")
	clone := func(from, to string) {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(){
		"unfinished":     func() { clone(db, spare+".new") },
		"verified":       func() { clone(db, db+".verify") },
		"both good":      func() { clone(db, spare); clone(db+".seal", spare+".seal") },
		"the spare torn": func() { clone(db, spare); clone(db+".seal", spare+".seal"); execSQL(t, spare, "DELETE FROM carts") },
		"the old torn": func() {
			clone(db, spare)
			clone(db+".seal", spare+".seal")
			if err := os.Truncate(db, 5000); err != nil {
				t.Fatal(err)
			}
		},
		"the old gone": func() {
			clone(db+".seal", spare+".seal")
			if err := os.Rename(db, spare); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			change()
			s.warned.text.Reset()
			s.open()
			caughtUp(t, s.views, s.log)
			_ = s.views.Close()
			if got := filesOf(t, s.dir); got != "views.db" {
				t.Errorf("it goes on with %s", got)
			}
			if diff := cmp.Diff(want, dump(t, s.dir)); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(s.warned.String(), "built") {
				t.Errorf("a good file was there: %s", s.warned.String())
			}
		})
	}
}

func TestVerifyShowsWhatDiffers(t *testing.T) {
	s := busy(t)
	for _, change := range []struct{ table, query, view, key string }{
		{"carts", `UPDATE carts SET state = '{"revision":7}' WHERE id = 'usr_2'`, "carts", "usr_2"},
		{"history", "DELETE FROM history WHERE user = 'usr_1'", "orders", "usr_1/1"},
		{"history", "INSERT INTO history VALUES ('usr_7', 1, 'CS-X', 0, '[]', 1, 'USD')", "orders", "usr_7/1"},
		{"names", "INSERT INTO names VALUES ('x', 0, 0, 'p', 's')", "products", "x/0/0/p/s"},
		{"stock", "UPDATE stock SET available = 1 WHERE id = 'MOUSE-CATNIP'", "stock", "MOUSE-CATNIP"},
	} {
		poke(t, filepath.Join(s.dir, "views.db"), change.query)
		var found []projections.Difference
		at, err := s.views.Verify(t.Context(), nil, untold, func(d projections.Difference) error {
			found = append(found, d)
			return nil
		})
		if head, _ := s.log.Head(t.Context()); err != nil || at != head {
			t.Fatalf("at %d: %v", at, err)
		}
		if len(found) != 1 || found[0].View != change.view || found[0].Table != change.table || found[0].Key != change.key {
			t.Errorf("%s: %+v", change.query, found)
		}
		if _, err := s.views.Verify(t.Context(), []string{"sessions"}, untold, func(d projections.Difference) error { return fmt.Errorf("%+v", d) }); err != nil {
			t.Errorf("of another view: %v", err)
		}
		if err := s.views.Rebuild(t.Context(), []string{change.view}, untold); err != nil {
			t.Fatal(err)
		}
		if filesOf(t, s.dir) != "views.db" {
			s.reopen()
			caughtUp(t, s.views, s.log)
		}
	}
	user := func(d projections.Difference, u string) bool { return d.Concerns(u) }
	if d := (projections.Difference{Before: map[string]any{"id": "usr_1"}}); !user(d, "usr_1") || user(d, "usr_2") {
		t.Error("whom a row concerns")
	}
}

// A file that an older fold has filled serves until the new one is built beside.
func TestAnOlderFoldServesWhileItIsReplaced(t *testing.T) {
	s := busy(t)
	caughtUp(t, s.views, s.log)
	want := dump(t, s.dir)
	db := filepath.Join(s.dir, "views.db")
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, db, "UPDATE versions SET version = 0 WHERE view = 'carts'")
	execSQL(t, db, `UPDATE carts SET state = '{"revision":77}' WHERE id = 'usr_2'`)
	s.warned.text.Reset()
	s.open()
	if err := s.views.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.warned.String(), "the views are rebuilt"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("told: %s", s.warned.String())
		}
	}
	if told := s.warned.String(); !strings.Contains(told, "views=[carts]") {
		t.Error(told)
	}
	filesOf(t, s.dir)
	s.reopen()
	caughtUp(t, s.views, s.log)
	if diff := cmp.Diff(want, dump(t, s.dir)); diff != "" {
		t.Error(diff)
	}
}

// The past at any position is what a shop would have said whose log ended there.
func TestPast(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		log := memlog.New("epoch")
		l := &life{shop: openShop(t, log, tempDir(r)), r: r}
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			l.step()
		}
		head, _ := log.Head(t.Context())
		at := eventlog.Position(rapid.IntRange(0, int(head)).Draw(r, "at"))
		past, err := projections.OpenPast(t.Context(), "", log, l.types, at, untold)
		if err != nil {
			r.Fatal(err)
		}
		defer past.Close()
		short := memlog.New("epoch")
		for e := range upTo(t, log, at) {
			if _, err := short.Append(t.Context(), eventlog.Change{Stream: e.Stream, Expected: before(log, e), Events: []eventlog.Envelope{e}}); err != nil {
				r.Fatal(err)
			}
		}
		then, err := projections.OpenPast(t.Context(), "", short, l.types, at, untold)
		if err != nil {
			r.Fatal(err)
		}
		defer then.Close()
		none := func(what string) func(projections.Difference) error {
			return func(d projections.Difference) error { return fmt.Errorf("%s: %+v", what, d) }
		}
		if err := past.Diff(t.Context(), then, none("a log that ends there")); err != nil {
			r.Fatal(err)
		}
		// Forked and advanced it is the present; stepped through, too.
		fork, err := past.Fork(t.Context(), nil)
		if err != nil {
			r.Fatal(err)
		}
		defer fork.Close()
		if err := fork.Advance(t.Context(), head, untold); err != nil || fork.At() != head {
			r.Fatal(fork.At(), err)
		}
		now, err := projections.OpenPast(t.Context(), "", log, l.types, head, untold)
		if err != nil {
			r.Fatal(err)
		}
		defer now.Close()
		if err := now.Diff(t.Context(), fork, none("advanced at once")); err != nil {
			r.Fatal(err)
		}
		for p := at + 1; p <= head; p++ {
			if err := past.Advance(t.Context(), p, untold); err != nil {
				r.Fatal(err)
			}
		}
		if err := now.Diff(t.Context(), past, none("advanced step by step")); err != nil {
			r.Fatal(err)
		}
		if err := past.Advance(t.Context(), head+1, untold); !errors.Is(err, eventlog.ErrBeyond) {
			r.Fatal(err)
		}
		_ = l.views.Close()
	})
}

// upTo are the log's events up to a position.
func upTo(t testing.TB, log *memlog.Log, at eventlog.Position) func(func(eventlog.Envelope) bool) {
	return func(yield func(eventlog.Envelope) bool) {
		for p := eventlog.Position(1); p <= at; p++ {
			e, err := log.Get(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(e) {
				return
			}
		}
	}
}

// before is the position of the event before this one in its stream.
func before(log *memlog.Log, e eventlog.Envelope) (at eventlog.Position) {
	for other := range log.Read(context.Background(), e.Stream) {
		if other.Number == e.Number-1 {
			at = other.Position
		}
	}
	return at
}

func TestPastAnswers(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 100)
	one := s.add("usr_1", "MOUSE-CATNIP", 1)
	s.add("usr_1", "MOUSE-CATNIP", 2)
	s.buy("usr_1")
	past, err := projections.OpenPast(t.Context(), t.TempDir(), s.log, s.types, one, untold)
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	err = past.Read(t.Context(), func(r *projections.Reader) error {
		c, _, err := r.Cart(t.Context(), "usr_1")
		if err != nil || c.Pieces() != 1 || r.At() != one {
			t.Errorf("%+v at %d: %v", c, r.At(), err)
		}
		found, err := r.Products(t.Context(), projections.ProductQuery{Text: "mouse"})
		if err != nil || found.Total != 1 {
			t.Errorf("%+v %v", found, err)
		}
		page, err := r.Orders(t.Context(), projections.OrderQuery{User: "usr_1"})
		if err != nil || page.Total != 0 {
			t.Errorf("%+v %v", page, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := projections.OpenPast(t.Context(), "", s.log, s.types, 1_000, untold); !errors.Is(err, eventlog.ErrBeyond) {
		t.Error(err)
	}
}
