package decider_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

// The aggregate of these tests is a bounded counter.
type (
	add   int
	added struct {
		N int `json:"n"`
	}
)

var errFull = errors.New("full")

func counter() decider.Decider[int, add, added] {
	return decider.Decider[int, add, added]{
		Category: "counter",
		Decide: func(s int, c add) ([]added, error) {
			if s+int(c) > 10 {
				return nil, errFull
			}
			if c == 0 {
				return nil, nil
			}
			return []added{{int(c)}}, nil
		},
		Evolve: func(s int, e added) int { return s + e.N },
	}
}

type shop struct {
	log     *memlog.Log
	types   *eventlog.Types
	handler *decider.Handler[int, add, added]
}

func open(log *memlog.Log) *shop {
	types := eventlog.NewTypes()
	eventlog.Register[added](types, "counter.added", 1)
	source := decider.NewFromLog(log, types)
	decider.Know(source, counter())
	return &shop{log, types, decider.NewHandler(counter(), types, log, source)}
}

func (s *shop) head() eventlog.Position {
	at, _ := s.log.Head(context.Background())
	return at
}

func TestDo(t *testing.T) {
	s := open(memlog.New("e"))
	out, err := s.handler.Do(context.Background(), "a", 3, eventlog.Meta{Command: "1"})
	if err != nil || out.State != 3 || out.Number != 1 || out.Position != 1 || !out.Changed {
		t.Fatalf("%+v, %v", out, err)
	}
	out, err = s.handler.Do(context.Background(), "a", 0, eventlog.Meta{Command: "2"})
	if err != nil || out.Changed || out.State != 3 || s.head() != 1 {
		t.Fatalf("nothing to do: %+v, %v, head %d", out, err, s.head())
	}
	out, err = s.handler.Do(context.Background(), "a", 8, eventlog.Meta{Command: "3"})
	if !errors.Is(err, errFull) || out.State != 3 || s.head() != 1 {
		t.Fatalf("a rule: %+v, %v, head %d", out, err, s.head())
	}
}

func TestACommandIsDoneOnce(t *testing.T) {
	ctx, meta := context.Background(), eventlog.Meta{Command: "k", Fingerprint: "f"}
	log := memlog.New("e")
	if out, err := open(log).handler.Do(ctx, "a", 3, meta); err != nil || out.Replayed {
		t.Fatalf("%+v, %v", out, err)
	}
	restarted := open(log)
	out, err := restarted.handler.Do(ctx, "a", 3, meta)
	if err != nil || !out.Replayed || out.State != 3 || restarted.head() != 1 {
		t.Errorf("the same again: %+v, %v, head %d", out, err, restarted.head())
	}
	meta.Fingerprint = "other arguments"
	if _, err := restarted.handler.Do(ctx, "a", 4, meta); !errors.Is(err, decider.ErrReused) {
		t.Errorf("other arguments: %v", err)
	}
	meta.Fingerprint = "f"
	if _, err := restarted.handler.Do(ctx, "b", 3, meta); !errors.Is(err, decider.ErrReused) {
		t.Errorf("another aggregate: %v", err)
	}
}

// Two processes on one log: each keeps a state that the other makes stale.
func TestStaleStatesAreDecidedAnew(t *testing.T) {
	ctx, log := context.Background(), memlog.New("e")
	one, two := open(log), open(log)
	do := func(s *shop, n add, want int) {
		t.Helper()
		if out, err := s.handler.Do(ctx, "a", n, eventlog.Meta{}); err != nil || out.State != want {
			t.Fatalf("%+v, %v; want %d", out, err, want)
		}
	}
	do(one, 5, 5)
	do(two, 4, 9) // two loads
	do(one, 1, 10)
	if _, err := two.handler.Do(ctx, "a", 1, eventlog.Meta{}); !errors.Is(err, errFull) {
		t.Fatalf("two's stale state would have allowed it: %v", err)
	}
	do(two, -9, 1)
	do(one, 9, 10) // one's stale state would have refused it
}

// slow is a source whose answer to the first question comes late.
type slow struct {
	decider.Source
	asked, answer chan struct{}
	later         atomic.Bool
}

func (s *slow) State(ctx context.Context, stream eventlog.Stream) (any, decider.Version, error) {
	state, v, err := s.Source.State(ctx, stream)
	if !s.later.Swap(true) {
		close(s.asked)
		<-s.answer
	}
	return state, v, err
}

// A state that is only looked at must not replace what a command has cached
// meanwhile: "set to what it was" would be taken for done.
func TestALookDoesNotSetTheCacheBack(t *testing.T) {
	log, types := memlog.New("e"), eventlog.NewTypes()
	eventlog.Register[added](types, "counter.added", 1)
	fromLog := decider.NewFromLog(log, types)
	decider.Know(fromLog, counter())
	source := &slow{Source: fromLog, asked: make(chan struct{}), answer: make(chan struct{})}
	h := decider.NewHandler(counter(), types, log, source)
	var looked sync.WaitGroup
	looked.Go(func() { _, _, _ = h.State(context.Background(), "a") })
	<-source.asked
	if out, err := h.Do(context.Background(), "a", 3, eventlog.Meta{}); err != nil || out.State != 3 {
		t.Fatalf("%+v, %v", out, err)
	}
	close(source.answer)
	looked.Wait()
	if out, err := h.Do(context.Background(), "a", 0, eventlog.Meta{}); err != nil || out.State != 3 {
		t.Errorf("after the look the state is %+v, %v", out, err)
	}
}

func TestRacersFillTheCounterExactly(t *testing.T) {
	log := memlog.New("e")
	shops := []*shop{open(log), open(log), open(log)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i := range 60 {
		wg.Go(func() {
			_, err := shops[i%3].handler.Do(context.Background(), "a", 1, eventlog.Meta{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case !errors.Is(err, errFull) && !errors.Is(err, decider.ErrBusy):
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	if done != int(shops[0].head()) || done > 10 {
		t.Errorf("%d succeeded, %d events", done, shops[0].head())
	}
}

func TestAWaiterGivesUpWithItsContext(t *testing.T) {
	var locks decider.Locks
	unlock, err := locks.Lock(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := locks.Lock(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	unlock()
	if again, err := locks.Lock(context.Background(), "a"); err != nil {
		t.Error(err)
	} else {
		again()
	}
}

// Another handler of the same log, as another machine has, changes what this one has
// cached. A command that then finds nothing to do is checked by no append: it has to
// find it on what is so now.
func TestNothingIsDecidedOnAnOldState(t *testing.T) {
	log := memlog.New("e")
	here, there := open(log), open(log)
	for want := range 3 {
		out, err := here.handler.Do(t.Context(), "a", 0, eventlog.Meta{Command: "look"})
		if err != nil || out.State != want || out.Changed {
			t.Fatalf("%+v, %v; want %d", out, err, want)
		}
		if s, v, err := here.handler.State(t.Context(), "a"); err != nil || s != want || v.Number != uint64(want) {
			t.Fatalf("%d at %+v, %v; want %d", s, v, err, want)
		}
		if _, err := there.handler.Do(t.Context(), "a", 1, eventlog.Meta{Command: "add"}); err != nil {
			t.Fatal(err)
		}
	}
}
