package jslog_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
	"till/domain/eventlog/memlog"
)

// Whatever is appended, in whatever order and however stale: JetStream and the
// memory log say the same and hold the same.
func TestTheTwoLogsAgree(t *testing.T) {
	nc := connect(t, startServer(t, t.TempDir(), noSync))
	round := 0
	real := open(t, nc)
	rapid.Check(t, func(r *rapid.T) {
		// One stream of JetStream serves all rounds; each begins where the
		// last one ended and uses streams of its own.
		round++
		start, err := real.Head(t.Context())
		if err != nil {
			r.Fatal(err)
		}
		model := memlog.New("model")
		ids := rapid.SliceOfNDistinct(rapid.StringN(1, 20, eventlog.MaxStreamID-10), 1, 4, rapid.ID[string]).Draw(r, "ids")
		stream := func(id string) eventlog.Stream {
			return eventlog.Stream{Category: "thing", ID: fmt.Sprintf("%d:%s", round, id)}
		}
		ends := map[eventlog.Stream]eventlog.Envelope{}
		for step := range rapid.IntRange(1, 15).Draw(r, "steps") {
			var changes []eventlog.Change
			chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, len(ids), rapid.ID[string]).Draw(r, "streams")
			for _, id := range chosen {
				s := stream(id)
				end := ends[s]
				if end.Number > 0 && rapid.IntRange(0, 4).Draw(r, "stale") == 0 {
					end = eventlog.Envelope{} // as if the stream were new
				}
				c := eventlog.Change{Stream: s, Expected: end.Position}
				for i := range rapid.Uint64Range(1, 3).Draw(r, "events") {
					e := sample(s, end.Number+1+i)
					e.Command = fmt.Sprint("cmd_", step)
					e.Type = rapid.StringN(1, 20, 60).Draw(r, "type")
					e.Causation = rapid.String().Draw(r, "causation")
					e.Causation = e.Causation[:min(len(e.Causation), 200)]
					e.Time = time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "s"), rapid.Int64Range(0, 999_999_999).Draw(r, "ns")).UTC()
					c.Events = append(c.Events, e)
				}
				changes = append(changes, c)
			}
			want, wantErr := model.Append(t.Context(), changes...)
			shifted := slices.Clone(changes)
			for i := range shifted {
				if shifted[i].Expected > 0 {
					shifted[i].Expected += start
				}
			}
			got, gotErr := real.Append(t.Context(), shifted...)
			for _, known := range []error{eventlog.ErrConflict, eventlog.ErrInvalid} {
				if errors.Is(wantErr, known) != errors.Is(gotErr, known) {
					r.Fatalf("the memory log says %v, JetStream %v", wantErr, gotErr)
				}
			}
			if (wantErr == nil) != (gotErr == nil) || wantErr == nil && got != want+start {
				r.Fatalf("the memory log says %d, %v; JetStream %d, %v (started at %d)", want, wantErr, got, gotErr, start)
			}
			if wantErr == nil {
				for _, c := range changes {
					for e := range model.Read(t.Context(), c.Stream) {
						ends[c.Stream] = e
					}
				}
			}
		}
		compare(r, t, model, real, start, ids, stream)
	})
}

// compare reads both logs, stream by stream and as a whole.
func compare(r *rapid.T, t *testing.T, model eventlog.Log, real *jslog.Log, start eventlog.Position, ids []string, stream func(string) eventlog.Stream) {
	t.Helper()
	shift := func(events []eventlog.Envelope) []eventlog.Envelope {
		for i := range events {
			events[i].Position -= start
		}
		return events
	}
	read := func(log eventlog.Log, s eventlog.Stream) (all []eventlog.Envelope) {
		for e, err := range log.Read(t.Context(), s) {
			if err != nil {
				r.Fatal(err)
			}
			all = append(all, e)
		}
		return all
	}
	follow := func(log eventlog.Log, after eventlog.Position) (all []eventlog.Envelope) {
		head, err := log.Head(t.Context())
		if err != nil {
			r.Fatal(err)
		}
		if head == after {
			return nil
		}
		for batch, err := range log.Follow(t.Context(), after, 7) {
			if err != nil {
				r.Fatal(err)
			}
			if all = append(all, batch...); all[len(all)-1].Position == head {
				break
			}
		}
		return all
	}
	for _, id := range ids {
		if diff := cmp.Diff(read(model, stream(id)), shift(read(real, stream(id))), cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("stream %q (-memory +JetStream):\n%s", id, diff)
		}
	}
	if diff := cmp.Diff(follow(model, 0), shift(follow(real, start)), cmpopts.EquateEmpty()); diff != "" {
		r.Fatalf("the whole log (-memory +JetStream):\n%s", diff)
	}
}
