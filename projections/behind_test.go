package projections_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/projections"
)

// late is a log whose first follower gets nothing while the mutex is held.
type late struct {
	eventlog.Log
	sync.Mutex
	followers atomic.Int32
}

func (l *late) Follow(ctx context.Context, after eventlog.Position, most int) iter.Seq2[[]eventlog.Envelope, error] {
	if l.followers.Add(1) > 1 {
		return l.Log.Follow(ctx, after, most)
	}
	return func(yield func([]eventlog.Envelope, error) bool) {
		for batch, err := range l.Log.Follow(ctx, after, most) {
			if !l.pass() || !yield(batch, err) {
				return
			}
		}
	}
}

// pass waits until the mutex is free.
func (l *late) pass() bool {
	l.Lock()
	defer l.Unlock()
	return true
}

// A verification that has read more of the log than the views include yet waits
// for them.
func TestVerifyWaitsForTheViews(t *testing.T) {
	log := &late{Log: memlog.New("epoch-1")}
	s := openShop(t, log, t.TempDir())
	s.sell(mouse(), 10)
	s.add("usr_1", "MOUSE-CATNIP", 1)
	caughtUp(t, s.views, log)
	log.Lock()
	out, err := s.process.Carts.Do(t.Context(), "usr_1", cart.Clear{}, s.meta())
	if err != nil {
		t.Fatal(err)
	}
	last := out.Position
	var release sync.Once
	at, err := s.views.Verify(t.Context(), nil, func(at, _ eventlog.Position) {
		if at == last {
			release.Do(func() { time.AfterFunc(50*time.Millisecond, log.Unlock) })
		}
	}, func(d projections.Difference) error { return fmt.Errorf("%+v", d) })
	if at != last || err != nil {
		t.Fatalf("verified at %d of %d: %v", at, last, err)
	}
}

// Views that prove to be broken while they are rebuilt are built anew, and the
// rebuild says so instead of taking the place of what was built since.
func TestBrokenWhileRebuilding(t *testing.T) {
	h := newHistory(t, 5_000, 100, 10)
	dir := t.TempDir()
	s := openShop(t, h.log, dir)
	caughtUp(t, s.views, h.log)
	want := dump(t, dir)
	if err := s.views.Rebuild(t.Context(), nil, untold); err != nil { // so that the usual name is free
		t.Fatal(err)
	}
	var once sync.Once
	err := s.views.Rebuild(t.Context(), nil, func(eventlog.Position, eventlog.Position) {
		once.Do(func() {
			scribble(t, filepath.Join(dir, "views.2.db"), 5, 100)
			for i := 0; s.views.Readable(); i++ {
				_ = s.views.Read(t.Context(), 0, func(r *projections.Reader) error {
					_, _, err := r.Cart(t.Context(), user(i))
					return err
				})
			}
		})
	})
	if !errors.Is(err, projections.ErrBroken) {
		t.Errorf("the rebuild says %v", err)
	}
	caughtUp(t, s.views, h.log)
	if got := filesOf(t, dir); got != "views.db" {
		t.Errorf("it serves from %s", got)
	}
	if diff := cmp.Diff(want, dump(t, dir)); diff != "" {
		t.Errorf("the views differ (-want +got):\n%.2000s", diff)
	}
	if err := s.views.Rebuild(t.Context(), nil, untold); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
