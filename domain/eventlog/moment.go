package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Moment is a place in the history as people and agents name it: a position on
// the log ("1234"), a time ("2026-11-20T10:00:00Z", "2026-11-20"), or how long
// ago ("-15m"). The zero Moment is now: the end of the log.
type Moment struct {
	position Position
	time     time.Time
	set      bool
}

// ErrMoment: a text that names no moment, or one that the log does not have.
var ErrMoment = errors.New("eventlog: not a moment")

// AtPosition is the moment right after the event at the position; 0 is before
// the first event.
func AtPosition(p Position) Moment { return Moment{position: p, set: true} }

// ParseMoment reads a moment; the empty text and "now" are the end of the log.
// Times without a zone are UTC. It returns ErrMoment with what can be written.
func ParseMoment(text string, now time.Time) (Moment, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "now" {
		return Moment{}, nil
	}
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		return AtPosition(Position(n)), nil
	}
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		if d, err := duration(ago); err == nil && d >= 0 {
			return at(now.Add(-d), now)
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return at(t, now)
		}
	}
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return Moment{}, fmt.Errorf("%w: %q; write a position (1234), a time (2026-11-20T10:00:00Z) or how long ago (-15m, -2h, -3d)", ErrMoment, text)
}

func at(t, now time.Time) (Moment, error) {
	if t.After(now) {
		return Moment{}, fmt.Errorf("%w: %s lies in the future; it is %s now", ErrMoment, t.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return Moment{time: t, set: true}, nil
}

// duration is time.ParseDuration with days: "3d", "1d12h".
func duration(text string) (time.Duration, error) {
	var days time.Duration
	if n, rest, ok := strings.Cut(text, "d"); ok {
		d, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			return 0, err
		}
		if days, text = time.Duration(d)*24*time.Hour, rest; text == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(text)
	return days + d, err
}

// IsNow is whether the moment is the end of the log, wherever that is.
func (m Moment) IsNow() bool { return !m.set }

// On returns the position on the log that the moment stands for: that of the
// last event that had happened. It returns ErrMoment for a position behind the
// log's end, and the log's errors. A time is found by halving, which takes
// some twenty looks into a log of a million events; where clocks were set back,
// the events of that hour are not told apart.
func (m Moment) On(ctx context.Context, log Log) (Position, error) {
	head, err := log.Head(ctx)
	switch {
	case err != nil:
		return 0, err
	case !m.set:
		return head, nil
	case m.time.IsZero() && m.position > head:
		return 0, fmt.Errorf("%w: position %d lies in the future; the log ends at %d", ErrMoment, m.position, head)
	case m.time.IsZero():
		return m.position, nil
	}
	return search(ctx, log, head, func(t time.Time) bool { return t.After(m.time) })
}

// Since returns the position after which the events from the moment on stand:
// the event at the very position, and one of the very time, is the first of
// them. It returns the errors of On.
func (m Moment) Since(ctx context.Context, log Log) (Position, error) {
	p, err := m.On(ctx, log)
	if err != nil || p == 0 || !m.set {
		return p, err
	}
	if m.time.IsZero() {
		return p - 1, nil
	}
	return search(ctx, log, p, func(t time.Time) bool { return !t.Before(m.time) })
}

// search returns the position before the first event that is late, or the head.
func search(ctx context.Context, log Log, head Position, late func(time.Time) bool) (Position, error) {
	var err error
	before := sort.Search(int(head), func(i int) bool {
		if err != nil {
			return true
		}
		var e Envelope
		e, err = log.Get(ctx, Position(i+1))
		return err != nil || late(e.Time)
	})
	return Position(before), err
}
