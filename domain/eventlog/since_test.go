package eventlog_test

import (
	"errors"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

// What begins at a moment has the event at the very position or time within.
func TestSince(t *testing.T) {
	log := memlog.New("e")
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s := eventlog.Stream{Category: "cart", ID: "a"}
	for i, minute := range []int{0, 1, 1, 3} {
		_, err := log.Append(t.Context(), eventlog.Change{Stream: s, Expected: eventlog.Position(i), Events: []eventlog.Envelope{{
			Stream: s, Number: uint64(i + 1), Type: "t", Version: 1, Meta: eventlog.Meta{Time: noon.Add(time.Duration(minute) * time.Minute)}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string][2]eventlog.Position{ // since, on
		"0": {0, 0}, "1": {0, 1}, "4": {3, 4},
		"2026-11-01": {0, 0}, "2026-11-01T12:00": {0, 1}, "2026-11-01T12:01": {1, 3}, "2026-11-01T12:02": {3, 3},
		"2026-11-01T12:03": {3, 4}, "2026-11-01T12:04": {4, 4}, "now": {4, 4},
	} {
		m, err := eventlog.ParseMoment(text, noon.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		since, err1 := m.Since(t.Context(), log)
		on, err2 := m.On(t.Context(), log)
		if err := errors.Join(err1, err2); err != nil || since != want[0] || on != want[1] {
			t.Errorf("%s: since %d, on %d, %v; want %v", text, since, on, err, want)
		}
	}
	if _, err := eventlog.AtPosition(5).Since(t.Context(), log); !errors.Is(err, eventlog.ErrMoment) {
		t.Errorf("behind the end: %v", err)
	}
}
