package logtest

import (
	"fmt"
	"testing"

	"till/domain/eventlog"
)

// racers is how many write to one stream at once.
const racers = 20

func runRace(t *testing.T, open func(t *testing.T) eventlog.Log) {
	race := func(t *testing.T, log eventlog.Log, changes func(racer int) []eventlog.Change) (winners []int) {
		t.Helper()
		return contest(t, func(r int) error {
			_, err := log.Append(t.Context(), changes(r)...)
			return err
		}, eventlog.ErrConflict)
	}
	t.Run("OneWinsOfTwenty", func(t *testing.T) {
		log := open(t)
		var expected eventlog.Position
		for round := range uint64(10) {
			winners := race(t, log, func(r int) []eventlog.Change {
				c := change(cart("hot"), round, expected, 1)
				c.Events[0].Command = fmt.Sprintf("round_%d_racer_%d", round, r)
				return []eventlog.Change{c}
			})
			if len(winners) != 1 {
				t.Fatalf("round %d had %d winners, want 1", round, len(winners))
			}
			expected++
			wantHead(t, log, expected)
			events := readAll(t, log, cart("hot"))
			if got, want := events[round].Command, fmt.Sprintf("round_%d_racer_%d", round, winners[0]); got != want {
				t.Fatalf("the log holds %s, but %s was told that it won", got, want)
			}
		}
	})
	t.Run("OneWinsOfTwentyTogether", func(t *testing.T) {
		log := open(t)
		winners := race(t, log, func(r int) []eventlog.Change {
			return []eventlog.Change{
				change(order(fmt.Sprint("own", r)), 0, 0, 1),
				change(cart("hot"), 0, 0, 1),
			}
		})
		if len(winners) != 1 {
			t.Fatalf("%d winners, want 1", len(winners))
		}
		wantHead(t, log, 2)
	})
	t.Run("EveryoneWinsOnTheirOwnStream", func(t *testing.T) {
		log := open(t)
		winners := race(t, log, func(r int) []eventlog.Change {
			return []eventlog.Change{change(cart(fmt.Sprint("own", r)), 0, 0, 1)}
		})
		if len(winners) != racers {
			t.Fatalf("%d of %d stored", len(winners), racers)
		}
		got := followTo(t, log, 0, racers, racers)
		for i, e := range got {
			if e.Position != eventlog.Position(i+1) {
				t.Fatalf("position %d at place %d", e.Position, i+1)
			}
		}
	})
}
