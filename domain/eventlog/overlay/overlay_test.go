package overlay_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/eventlog/overlay"
)

// A log with edits reads like one in which that history was really written.
func TestLikeARealLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		base, real := memlog.New("a"), memlog.New("b")
		append1 := func(log *memlog.Log, last map[string]eventlog.Envelope, id, what string) eventlog.Envelope {
			s := eventlog.Stream{Category: "cart", ID: id}
			e := eventlog.Envelope{Stream: s, Number: last[id].Number + 1, Type: "x", Version: 1, Data: []byte(what)}
			at, err := log.Append(ctx, eventlog.Change{Stream: s, Expected: last[id].Position, Events: []eventlog.Envelope{e}})
			if err != nil {
				t.Fatal(err)
			}
			e.Position = at
			last[id] = e
			return e
		}
		below, here := map[string]eventlog.Envelope{}, map[string]eventlog.Envelope{}
		var edits []overlay.Edit
		var origins []eventlog.Position
		id := rapid.SampledFrom([]string{"a", "b", "c"})
		end := rapid.IntRange(0, 12).Draw(t, "end")
		for p := 0; p <= end; p++ {
			e := overlay.Edit{At: eventlog.Position(p)}
			if p > 0 {
				stream, what := id.Draw(t, "stream"), fmt.Sprint(p)
				append1(base, below, stream, what)
				if e.Drop = rapid.IntRange(0, 3).Draw(t, "drop") == 0; !e.Drop {
					append1(real, here, stream, what)
					origins = append(origins, e.At)
				}
			}
			for range max(0, rapid.IntRange(-6, 2).Draw(t, "put")) {
				e.Put = append(e.Put, append1(real, here, id.Draw(t, "stream"), "put"))
				origins = append(origins, 0)
			}
			if e.Drop || e.Put != nil {
				edits = append(edits, e)
			}
		}
		append1(base, below, "a", "behind the end")
		log, err := overlay.New(ctx, base, eventlog.Position(end), "c", edits)
		if err != nil {
			t.Fatal(err)
		}
		head, _ := real.Head(ctx)
		if got, _ := log.Head(ctx); got != head {
			t.Fatalf("it ends at %d, not %d", got, head)
		}
		for at := eventlog.Position(0); at <= head+1; at++ {
			got, err := log.Get(ctx, at)
			want, werr := real.Get(ctx, at)
			if !reflect.DeepEqual(got, want) || errors.Is(err, eventlog.ErrBeyond) != errors.Is(werr, eventlog.ErrBeyond) {
				t.Fatalf("position %d: %v (%v), want %v (%v)", at, got, err, want, werr)
			}
			if at > 0 && at <= head {
				if from, own := log.Origin(at); own != (origins[at-1] != 0) || own && from != origins[at-1] {
					t.Fatalf("position %d comes from %d (%v), want %d", at, from, own, origins[at-1])
				}
			}
			if at >= head {
				continue
			}
			most := rapid.IntRange(1, 5).Draw(t, "most")
			if got, want := follow(log, at, head, most), follow(real, at, head, most); !reflect.DeepEqual(got, want) {
				t.Fatalf("after %d\n%v, want\n%v", at, got, want)
			}
		}
		for _, id := range []string{"a", "b", "c", "none"} {
			s := eventlog.Stream{Category: "cart", ID: id}
			if got, want := read(log, s), read(real, s); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\n%v, want\n%v", s, got, want)
			}
		}
	})
}

func follow(log eventlog.Log, after, head eventlog.Position, most int) (all []eventlog.Envelope) {
	for batch, err := range log.Follow(context.Background(), after, most) {
		if err != nil || len(batch) == 0 || len(batch) > most {
			return nil
		}
		if all = append(all, batch...); all[len(all)-1].Position >= head {
			return all
		}
	}
	return nil
}

func read(log eventlog.Log, s eventlog.Stream) (all []eventlog.Envelope) {
	for e, err := range log.Read(context.Background(), s) {
		if err == nil {
			all = append(all, e)
		}
	}
	return all
}

func TestItEndsAndTakesNothing(t *testing.T) {
	log, err := overlay.New(t.Context(), memlog.New("a"), 0, "b", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context()); !errors.Is(err, overlay.ErrReadOnly) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range log.Follow(ctx, 0, 1) {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	for _, err := range log.Follow(t.Context(), 1, 1) {
		if !errors.Is(err, eventlog.ErrBeyond) {
			t.Error(err)
		}
	}
}
