package projections_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"till/domain/account/session"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	about "till/domain/history"
	"till/domain/order"
	"till/domain/spending"
	"till/projections"
)

// scan is the trail as a look at every event of the log finds it.
func scan(t testing.TB, log eventlog.Log, types *eventlog.Types) map[about.Key][]eventlog.Position {
	t.Helper()
	trail := map[about.Key][]eventlog.Position{}
	owners := map[eventlog.Stream][]about.Key{}
	head := must(log.Head(t.Context()))
	if head == 0 {
		return trail
	}
	for batch, err := range log.Follow(t.Context(), 0, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			value := must(types.Decode(e))
			switch v := value.(type) {
			case order.CheckoutStarted:
				owners[e.Stream] = []about.Key{{Kind: about.User, ID: v.User}}
			case session.Started:
				owners[e.Stream] = []about.Key{{Kind: about.User, ID: v.User}}
			case spending.RulesSet:
				owners[e.Stream] = []about.Key{{Kind: about.User, ID: v.User}, {Kind: about.Client, ID: v.Client}}
			case grant.Authorized:
				owners[e.Stream] = []about.Key{{Kind: about.User, ID: v.User}, {Kind: about.Client, ID: v.Client}}
			}
			note := func(k about.Key) {
				if all := trail[k]; len(all) == 0 || all[len(all)-1] != e.Position {
					trail[k] = append(all, e.Position)
				}
			}
			about.Concerns(&e, value, note)
			for _, k := range owners[e.Stream] {
				note(k)
			}
		}
		if batch[len(batch)-1].Position >= head {
			break
		}
	}
	return trail
}

// compareTrails asks the views for every key of every event, or for some of them.
func compareTrails(t testing.TB, views *projections.Views, want map[about.Key][]eventlog.Position, every int) {
	t.Helper()
	i := 0
	for _, k := range slices.SortedFunc(maps.Keys(want), func(a, b about.Key) int {
		return 2*int(a.Kind) - 2*int(b.Kind) + strings.Compare(a.ID, b.ID)
	}) {
		// What is on many events is always asked for.
		if i++; i%every != 0 && len(want[k]) < 100 {
			continue
		}
		got, err := views.Trail(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[k], got); diff != "" {
			t.Fatalf("%v (-want +got):\n%.2000s", k, diff)
		}
	}
	if got, err := views.Trail(t.Context(), about.Key{Kind: about.User, ID: "nobody"}); err != nil || len(got) > 0 {
		t.Errorf("nobody is on %v, %v", got, err)
	}
}

// Whatever people do, and however often the views are closed, killed or built
// anew meanwhile, the trail finds what a look at every event finds.
func TestTrailOfAnyLife(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir := tempDir(r)
		l := &life{shop: openShop(t, memlog.New("epoch-1"), dir), r: r}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			l.step()
		}
		caughtUp(t, l.views, l.log)
		want := scan(t, l.log, l.types)
		compareTrails(t, l.views, want, 1)
		killed := openShop(t, l.log, copyFolder(t, dir))
		rebuilt := openShop(t, l.log, tempDir(r))
		l.reopen()
		for _, s := range []*shop{killed, rebuilt, l.shop} {
			caughtUp(t, s.views, l.log)
			compareTrails(t, s.views, want, 1)
			_ = s.views.Close()
		}
	})
}

// The same over whole chunks: what was written live is byte for byte what a
// rebuild writes, and a file that was killed anywhere goes on from there.
func TestTrailOverChunks(t *testing.T) {
	h := newHistory(t, manyTrailed, 300, 20)
	want := scan(t, h.log, h.types)
	rebuilt := t.TempDir()
	s := openShop(t, h.log, rebuilt)
	caughtUp(t, s.views, h.log)
	compareTrails(t, s.views, want, 97)

	live := t.TempDir()
	grown := memlog.New("epoch-1")
	s = openShop(t, grown, live)
	copies, last := 0, map[eventlog.Stream]eventlog.Position{}
	for batch, err := range h.log.Follow(t.Context(), 0, 500) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			c := eventlog.Change{Stream: e.Stream, Expected: last[e.Stream], Events: []eventlog.Envelope{e}}
			if _, err := grown.Append(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			last[e.Stream] = e.Position
		}
		caughtUp(t, s.views, grown)
		at := batch[len(batch)-1].Position
		if at%8_000 < 500 { // among others shortly before and after the end of a chunk
			again := openShop(t, grown, copyFolder(t, live))
			caughtUp(t, again.views, grown)
			compareTrails(t, again.views, scan(t, grown, h.types), 499)
			if told := again.warned.String(); told != "" {
				t.Errorf("killed at %d: %s", at, told)
			}
			_ = again.views.Close()
			copies++
		}
		if int(at) >= h.n {
			break
		}
	}
	if copies < manyTrailed/8_000-1 {
		t.Errorf("only %d times killed", copies)
	}
	compareTrails(t, s.views, want, 97)
	if diff := cmp.Diff(dump(t, rebuilt), dump(t, live)); diff != "" {
		t.Errorf("(-rebuilt +live):\n%.2000s", diff)
	}
}

func TestTrailBetween(t *testing.T) {
	h := newHistory(t, 36_000, 50, 20)
	s := openShop(t, h.log, t.TempDir())
	caughtUp(t, s.views, h.log)
	k := about.Key{Kind: about.User, ID: user(7)}
	all := scan(t, h.log, h.types)[k]
	for _, c := range [][2]eventlog.Position{
		{0, 0}, {0, 1}, {1, 1}, {5, 2}, {0, 16_384}, {16_384, 0}, {16_383, 16_385}, {16_384, 32_768}, {20_000, 20_500},
		{32_768, 0}, {35_000, 36_000}, {all[3], all[9]}, {all[3] - 1, all[9]}, {1 << 50, 0}, {0, 1 << 50},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(at eventlog.Position) bool { return at <= c[0] || c[1] > 0 && at > c[1] })
		got, err := s.views.TrailBetween(t.Context(), k, c[0], c[1])
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("after %d up to %d: %v, %v; want %v", c[0], c[1], got, err, want)
		}
	}
}

// A row of the trail that is not what was written is noticed by whoever asks for
// it, and the file is built anew.
func TestDamagedTrail(t *testing.T) {
	h := newHistory(t, 17_000, 50, 20)
	source := t.TempDir()
	s := openShop(t, h.log, source)
	caughtUp(t, s.views, h.log)
	_ = s.views.Close()
	want := scan(t, h.log, h.types)
	for name, harm := range map[string]string{
		"noise":     "UPDATE trail SET entries = randomblob(length(entries))",
		"a bit":     "UPDATE trail SET entries = substr(entries, 1, 100) || x'00' || substr(entries, 102)",
		"cut short": "UPDATE trail SET entries = substr(entries, 1, 200)",
		"empty":     "UPDATE trail SET entries = x''",
		"no blob":   "UPDATE trail SET entries = 7",
		"swapped":   "UPDATE trail SET entries = (SELECT o.entries FROM trail o WHERE o.id <> trail.id LIMIT 1)",
		"gone":      "DELETE FROM trail",
		"no table":  "DROP TABLE trail",
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyFolder(t, source)
			execSQL(t, filepath.Join(dir, "views.db"), harm)
			again := openShop(t, h.log, dir)
			caughtUp(t, again.views, h.log)
			k := about.Key{Kind: about.User, ID: user(7)}
			if got, err := again.views.Trail(t.Context(), k); err == nil && !slices.Equal(got, want[k]) {
				t.Fatalf("a wrong answer: %v", got)
			}
			caughtUp(t, again.views, h.log)
			compareTrails(t, again.views, want, 97)
			if told := again.warned.String(); !strings.Contains(told, "the views are built from the log") {
				t.Errorf("told %q", told)
			}
		})
	}
}
