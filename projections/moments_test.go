package projections_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/projections"
)

// gated is a log whose followers wait at a gate.
type gated struct {
	eventlog.Log
	gate chan struct{}
}

func (g *gated) Follow(ctx context.Context, after eventlog.Position, most int) iter.Seq2[[]eventlog.Envelope, error] {
	return func(yield func([]eventlog.Envelope, error) bool) {
		for batch, err := range g.Log.Follow(ctx, after, 1) {
			select {
			case <-g.gate:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

func TestMoments(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 1000)
	var at []eventlog.Position
	for range 10 {
		at = append(at, s.add("usr_1", "MOUSE-CATNIP", 1))
	}
	dir := t.TempDir()
	log := &gated{s.log, make(chan struct{})}
	m, err := projections.NewMoments(dir, log, s.types)
	if err != nil {
		t.Fatal(err)
	}
	pieces := func(ctx context.Context, at eventlog.Position) (n int, err error) {
		err = m.Read(ctx, at, func(r *projections.Reader) error {
			c, _, err := r.Cart(ctx, "usr_1")
			n = c.Pieces()
			if r.At() != at {
				t.Errorf("it reads at %d, not at %d", r.At(), at)
			}
			return err
		})
		return n, err
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	var replaying *projections.Replaying
	if _, err := pieces(short, at[4]); !errors.As(err, &replaying) || replaying.At != at[4] || !errors.Is(err, context.Canceled) || !errors.Is(err, decider.ErrNoState) {
		t.Fatalf("it is not there yet: %v", err)
	}
	if _, err := pieces(t.Context(), at[2]); !errors.As(err, &replaying) || replaying.At != at[4] {
		t.Fatalf("another is being folded: %v", err)
	}
	if !m.Has(at[4]) || m.Has(at[2]) {
		t.Error("only the one that is being folded is to be had")
	}
	close(log.gate) // the one that was asked for first is folded although nobody waits
	if n, err := pieces(t.Context(), at[4]); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	for i := range at { // more than are kept, from nothing and on from another
		if n, err := pieces(t.Context(), at[len(at)-1-i]); n != len(at)-i || err != nil {
			t.Errorf("%d pieces at %d, %v", n, at[len(at)-1-i], err)
		}
		if n, err := pieces(t.Context(), at[i]); n != i+1 || err != nil {
			t.Errorf("%d pieces at %d, %v", n, at[i], err)
		}
	}
	if kept, _ := os.ReadDir(filepath.Join(dir, "past")); len(kept) > 5 {
		t.Errorf("%d moments are kept", len(kept))
	}
	if n, err := pieces(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("before everything: %d %v", n, err)
	}
	if _, err := pieces(t.Context(), 1_000_000); !errors.Is(err, eventlog.ErrBeyond) {
		t.Errorf("the future: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := pieces(t.Context(), at[0]); !errors.Is(err, projections.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "past")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestMomentsAreReadByManyAtOnce(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 1000)
	var at []eventlog.Position
	for range 8 {
		at = append(at, s.add("usr_1", "MOUSE-CATNIP", 1))
	}
	m, err := projections.NewMoments(t.TempDir(), s.log, s.types)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for n := 0; n < 20; {
				which := (i + n*7) % len(at)
				err := m.Read(context.Background(), at[which], func(r *projections.Reader) error {
					c, _, err := r.Cart(context.Background(), "usr_1")
					if c.Pieces() != which+1 {
						t.Errorf("%d pieces at %d", c.Pieces(), at[which])
					}
					return err
				})
				var replaying *projections.Replaying
				switch {
				case err == nil:
					n++
				case !errors.As(err, &replaying):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
