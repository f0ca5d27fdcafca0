package eventlog

import (
	"errors"
	"fmt"
)

var (
	// ErrConflict: a stream does not end where the change expected. Read on
	// and decide again.
	ErrConflict = errors.New("eventlog: the stream has moved on")
	// ErrUnavailable: the log cannot be reached or cannot write now. Nothing
	// was stored; try again later.
	ErrUnavailable = errors.New("eventlog: the log is not available")
	// ErrDamaged: events that were once stored are missing or unreadable.
	ErrDamaged = errors.New("eventlog: the log is damaged")
	// ErrUnknownType: an event of a type or version that this program does not
	// know. It is never skipped: it might be a revocation.
	ErrUnknownType = errors.New("eventlog: unknown event type or version")
	// ErrInvalid: a change that no log accepts (empty, too large, bad name).
	ErrInvalid = errors.New("eventlog: invalid change")
)

// Gap is an ErrDamaged that knows which events are missing.
type Gap struct {
	// Where is "the log" or the name of the stream whose count has a hole.
	Where string
	// From and To are the first and the last missing position (or, for a
	// stream, event number).
	From, To uint64
}

func (g *Gap) Error() string {
	return fmt.Sprintf("%s is damaged: events %d to %d are missing; stop the shop and restore its data folder from a backup", g.Where, g.From, g.To)
}

// Is makes errors.Is(gap, ErrDamaged) true.
func (g *Gap) Is(target error) bool { return target == ErrDamaged }

// Check reports what no log accepts, as an ErrInvalid.
func Check(changes []Change) error {
	if len(changes) == 0 {
		return fmt.Errorf("%w: it holds no events", ErrInvalid)
	}
	seen := make(map[Stream]bool, len(changes))
	for _, c := range changes {
		if c.Stream.Category == "" || c.Stream.ID == "" || len(c.Stream.ID) > MaxStreamID {
			return fmt.Errorf("%w: the stream %q needs a category and an id of at most %d bytes", ErrInvalid, c.Stream, MaxStreamID)
		}
		if seen[c.Stream] {
			return fmt.Errorf("%w: the stream %s occurs twice", ErrInvalid, c.Stream)
		}
		seen[c.Stream] = true
		if len(c.Events) == 0 {
			return fmt.Errorf("%w: no events for %s", ErrInvalid, c.Stream)
		}
		for _, e := range c.Events {
			if e.Stream != c.Stream {
				return fmt.Errorf("%w: an event of %s in a change of %s", ErrInvalid, e.Stream, c.Stream)
			}
			if e.Type == "" || e.Version < 1 || e.Number < 1 {
				return fmt.Errorf("%w: an event of %s lacks its type, version or number", ErrInvalid, c.Stream)
			}
			if len(e.Data) > MaxEventBytes {
				return fmt.Errorf("%w: an event of %s has %d bytes, at most %d are taken", ErrInvalid, c.Stream, len(e.Data), MaxEventBytes)
			}
		}
	}
	return nil
}
