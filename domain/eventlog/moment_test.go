package eventlog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// hourly is a log of five events, at 8, 9, 10, 11 and 12 o'clock.
func hourly(t *testing.T) *memlog.Log {
	log := memlog.New("e")
	s := eventlog.Stream{Category: "cart", ID: "a"}
	for i := range uint64(5) {
		_, err := log.Append(t.Context(), eventlog.Change{Stream: s, Expected: eventlog.Position(i), Events: []eventlog.Envelope{{
			Stream: s, Number: i + 1, Type: "x", Version: 1, Meta: eventlog.Meta{Time: noon.Add(time.Duration(i)*time.Hour - 4*time.Hour)}, Data: []byte("{}")}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return log
}

func TestMoments(t *testing.T) {
	log := hourly(t)
	for text, want := range map[string]eventlog.Position{
		"": 5, "now": 5, "0": 0, "3": 3, " 5 ": 5,
		"2026-11-20T10:00:00Z": 3, "2026-11-20T09:59:59Z": 2, "2026-11-20T11:00:00+01:00": 3,
		"2026-11-20 10:30": 3, "2026-11-20T10:00:00": 3, "2026-11-20": 0, "2026-11-19": 0,
		"-0s": 5, "-15m": 4, "-1h30m": 3, "-2h": 3, "-1d": 0, "-0d2h": 3,
	} {
		m, err := eventlog.ParseMoment(text, noon)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := m.On(t.Context(), log); err != nil || got != want {
			t.Errorf("%q is position %d (%v), want %d", text, got, err, want)
		}
	}
	empty := memlog.New("e")
	for _, text := range []string{"", "0", "-1h", "2026-01-01"} {
		m, _ := eventlog.ParseMoment(text, noon)
		if got, err := m.On(t.Context(), empty); err != nil || got != 0 {
			t.Errorf("%q on an empty log: %d, %v", text, got, err)
		}
	}
}

func TestNoMoments(t *testing.T) {
	for text, says := range map[string]string{
		"yesterday":             "write a position (1234)",
		"-":                     "write a position",
		"-15":                   "write a position",
		"--15m":                 "write a position",
		"1.5":                   "write a position",
		"99999999999999999999":  "write a position",
		"2026-13-01":            "write a position",
		"2026-11-20T12:00:01Z":  "lies in the future; it is 2026-11-20T12:00:00Z now",
		strings.Repeat("x", 99): "…",
	} {
		if _, err := eventlog.ParseMoment(text, noon); !errors.Is(err, eventlog.ErrMoment) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := eventlog.AtPosition(6).On(t.Context(), hourly(t))
	if !errors.Is(err, eventlog.ErrMoment) || !strings.Contains(err.Error(), "the log ends at 5") {
		t.Error(err)
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, seed := range []string{"1234", "2026-11-20T10:00:00Z", "-15m", "-1d", "-9223372036854775807ns", "now"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := eventlog.ParseMoment(text, noon); err != nil && !errors.Is(err, eventlog.ErrMoment) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
