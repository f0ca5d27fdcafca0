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
	// was stored, as far as could be found out while the server was silent;
	// try again later, under the same command id.
	ErrUnavailable = errors.New("eventlog: the log is not available")
	// ErrDamaged: events that were once stored are missing or unreadable.
	ErrDamaged = errors.New("eventlog: the log is damaged")
	// ErrUnknownType: an event of a type or version that this program does not
	// know. It is never skipped: it might be a revocation.
	ErrUnknownType = errors.New("eventlog: unknown event type or version")
	// ErrBeyond: a reader stands behind the end of the log. The log was put
	// back from an older backup or is another one: what was folded from it must
	// be folded anew.
	ErrBeyond = errors.New("eventlog: the position lies beyond the end of the log")
	// ErrInvalid: a change that no log accepts (empty, too large, bad name).
	ErrInvalid = errors.New("eventlog: invalid change")
)

// Fault is the program's own failure over an event: the log is not to blame, and
// a program that is mended reads it.
type Fault struct {
	Stream   Stream
	Position Position
	// Panic is what the code panicked with.
	Panic any
}

func (f *Fault) Error() string {
	return fmt.Sprintf("eventlog: this program cannot read the event of %s at position %d: %v", f.Stream, f.Position, f.Panic)
}

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
	total := 0
	for _, c := range changes {
		if !isWord(c.Stream.Category) {
			return fmt.Errorf("%w: the category %q is not a word of a-z, 0-9, - and _", ErrInvalid, c.Stream.Category)
		}
		if c.Stream.ID == "" || len(c.Stream.ID) > MaxStreamID {
			return fmt.Errorf("%w: the stream %q needs an id of at most %d bytes", ErrInvalid, c.Stream, MaxStreamID)
		}
		if seen[c.Stream] {
			return fmt.Errorf("%w: the stream %s occurs twice", ErrInvalid, c.Stream)
		}
		seen[c.Stream] = true
		if len(c.Events) == 0 {
			return fmt.Errorf("%w: no events for %s", ErrInvalid, c.Stream)
		}
		// A wrong number would look like damage to every later reader.
		if (c.Expected == 0) != (c.Events[0].Number == 1) {
			return fmt.Errorf("%w: event number %d of %s after position %d", ErrInvalid, c.Events[0].Number, c.Stream, c.Expected)
		}
		if total += len(c.Events); total > MaxEvents {
			return fmt.Errorf("%w: more than %d events at once", ErrInvalid, MaxEvents)
		}
		for i, e := range c.Events {
			if e.Stream != c.Stream {
				return fmt.Errorf("%w: an event of %s in a change of %s", ErrInvalid, e.Stream, c.Stream)
			}
			if e.Type == "" || e.Version < 1 || e.Number < 1 {
				return fmt.Errorf("%w: an event of %s lacks its type, version or number", ErrInvalid, c.Stream)
			}
			if e.Number != c.Events[0].Number+uint64(i) {
				return fmt.Errorf("%w: the events of %s are not numbered one after the other", ErrInvalid, c.Stream)
			}
			for _, text := range []string{e.Type, e.Command, e.Fingerprint, string(e.Actor.Kind), e.Actor.User, e.Actor.Client, e.Actor.Grant, e.Correlation, e.Causation} {
				if len(text) > MaxMetaBytes {
					return fmt.Errorf("%w: an event of %s has a meta text of %d bytes, at most %d are taken", ErrInvalid, c.Stream, len(text), MaxMetaBytes)
				}
			}
			if len(e.Data) > MaxEventBytes {
				return fmt.Errorf("%w: an event of %s has %d bytes, at most %d are taken", ErrInvalid, c.Stream, len(e.Data), MaxEventBytes)
			}
		}
	}
	return nil
}

// isWord says whether s can stand in the name of a stream on every log.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= MaxCategory
}
