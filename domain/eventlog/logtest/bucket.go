package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"till/domain/eventlog"
)

// RunBucket holds the buckets that open makes against the contract. Each call
// of open must give a new, empty bucket whose entries do not expire.
func RunBucket(t *testing.T, open func(t *testing.T) eventlog.Bucket) {
	ctx := context.Background()
	get := func(t *testing.T, b eventlog.Bucket, key, want string) uint64 {
		t.Helper()
		value, revision, err := b.Get(ctx, key)
		if err != nil || string(value) != want {
			t.Fatalf("Get(%q) = %q, %v; want %q", key, value, err, want)
		}
		return revision
	}
	gone := func(t *testing.T, b eventlog.Bucket, key string) {
		t.Helper()
		_, _, err := b.Get(ctx, key)
		wantErr(t, err, eventlog.ErrNoKey)
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keys := func(t *testing.T, b eventlog.Bucket, want ...string) {
		t.Helper()
		got, err := b.Keys(ctx)
		must(t, err)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Fatalf("Keys = %q, want %q", got, want)
		}
	}

	t.Run("AnEmptyBucket", func(t *testing.T) {
		b := open(t)
		gone(t, b, "a")
		keys(t, b)
		must(t, b.Delete(ctx, "a"))
	})
	t.Run("Put", func(t *testing.T) {
		b := open(t)
		must(t, b.Put(ctx, "a", []byte("one")))
		first := get(t, b, "a", "one")
		must(t, b.Put(ctx, "a", []byte("two")))
		if second := get(t, b, "a", "two"); second == first || first == 0 {
			t.Fatalf("revisions %d and %d", first, second)
		}
		must(t, b.Put(ctx, "b", nil))
		get(t, b, "b", "")
		keys(t, b, "a", "b")
	})
	t.Run("Create", func(t *testing.T) {
		b := open(t)
		must(t, b.Create(ctx, "a", []byte("one")))
		wantErr(t, b.Create(ctx, "a", []byte("two")), eventlog.ErrKeyExists)
		get(t, b, "a", "one")
		must(t, b.Delete(ctx, "a"))
		must(t, b.Create(ctx, "a", []byte("three")))
		get(t, b, "a", "three")
	})
	t.Run("Update", func(t *testing.T) {
		b := open(t)
		must(t, b.Create(ctx, "a", []byte("one")))
		first := get(t, b, "a", "one")
		must(t, b.Put(ctx, "other", []byte("x"))) // does not disturb
		must(t, b.Update(ctx, "a", []byte("two"), first))
		get(t, b, "a", "two")
		wantErr(t, b.Update(ctx, "a", []byte("stale"), first), eventlog.ErrConflict)
		wantErr(t, b.Update(ctx, "none", []byte("x"), first), eventlog.ErrConflict)
		get(t, b, "a", "two")
	})
	t.Run("Delete", func(t *testing.T) {
		b := open(t)
		must(t, b.Put(ctx, "a", []byte("one")))
		must(t, b.Put(ctx, "a", []byte("two")))
		must(t, b.Put(ctx, "ab", []byte("stays")))
		must(t, b.Delete(ctx, "a"))
		gone(t, b, "a")
		must(t, b.Delete(ctx, "a"))
		keys(t, b, "ab")
		get(t, b, "ab", "stays")
	})
	t.Run("Keys", func(t *testing.T) {
		b := open(t)
		want := []string{"A-Z_0/9=", "a.b.c", "a/b", strings.Repeat("k", eventlog.MaxBucketKey)}
		for _, k := range want {
			must(t, b.Put(ctx, k, []byte(k)))
		}
		for _, k := range want {
			get(t, b, k, k)
		}
		slices.Sort(want)
		keys(t, b, want...)
	})
	t.Run("Invalid", func(t *testing.T) {
		b := open(t)
		for _, k := range []string{"", ".", ".a", "a.", "a..b", "a b", "*", ">", "a.*", "ä", "a\x00", strings.Repeat("k", eventlog.MaxBucketKey+1)} {
			wantErr(t, b.Put(ctx, k, nil), eventlog.ErrInvalid)
			wantErr(t, b.Create(ctx, k, nil), eventlog.ErrInvalid)
			wantErr(t, b.Update(ctx, k, nil, 1), eventlog.ErrInvalid)
			gone(t, b, k)
			must(t, b.Delete(ctx, k))
		}
		wantErr(t, b.Put(ctx, "a", make([]byte, eventlog.MaxBucketValue+1)), eventlog.ErrInvalid)
		must(t, b.Put(ctx, "a", make([]byte, eventlog.MaxBucketValue)))
	})
	t.Run("ValuesAreCopies", func(t *testing.T) {
		b := open(t)
		value := []byte("one")
		must(t, b.Put(ctx, "a", value))
		value[0] = 'X'
		got, _, err := b.Get(ctx, "a")
		must(t, err)
		got[1] = 'X'
		get(t, b, "a", "one")
	})
	t.Run("OneCreatesOfTwenty", func(t *testing.T) {
		b := open(t)
		created := contest(t, func(r int) error { return b.Create(ctx, "a", fmt.Append(nil, r)) }, eventlog.ErrKeyExists)
		if len(created) != 1 {
			t.Fatalf("%d created the key", len(created))
		}
		get(t, b, "a", fmt.Sprint(created[0]))
	})
	t.Run("OneUpdatesOfTwenty", func(t *testing.T) {
		b := open(t)
		must(t, b.Create(ctx, "a", []byte("one")))
		revision := get(t, b, "a", "one")
		updated := contest(t, func(r int) error { return b.Update(ctx, "a", fmt.Append(nil, r), revision) }, eventlog.ErrConflict)
		if len(updated) != 1 {
			t.Fatalf("%d updated one revision", len(updated))
		}
		get(t, b, "a", fmt.Sprint(updated[0]))
	})
	t.Run("TwentyPut", func(t *testing.T) {
		b := open(t)
		if stored := contest(t, func(r int) error { return b.Put(ctx, "a", fmt.Append(nil, r)) }, nil); len(stored) != racers {
			t.Fatalf("%d of %d stored", len(stored), racers)
		}
		keys(t, b, "a")
	})
}

// contest lets all racers try at once and returns those without an error; any
// error must be the allowed one.
func contest(t *testing.T, try func(racer int) error, allowed error) (winners []int) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	start := make(chan struct{})
	for r := range racers {
		wg.Go(func() {
			<-start
			err := try(r)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				winners = append(winners, r)
			case allowed == nil || !errors.Is(err, allowed):
				t.Errorf("a racer got %v, want %v", err, allowed)
			}
		})
	}
	close(start)
	wg.Wait()
	return winners
}
