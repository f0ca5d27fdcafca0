package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"till/domain/account"
	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
)

// Quarantined is a stream whose events are set aside from one on, because a fold
// cannot take that event: a fault in the program, not in the log. Everything
// else goes on. As an error it is what those get who ask for the stream.
type Quarantined struct {
	Stream eventlog.Stream `json:"stream"`
	// User is the person whose stream it is, if it is one's.
	User string `json:"user,omitempty"`
	// Position and Number are those of the event that cannot be folded.
	Position eventlog.Position `json:"position"`
	Number   uint64            `json:"number"`
	Reason   string            `json:"reason"`
}

func (q *Quarantined) Error() string {
	return fmt.Sprintf("projections: %s is set aside from position %d on, since this program cannot fold that event; nothing is lost, till quarantine list tells more", q.Stream, q.Position)
}

// ErrQuarantined matches every *Quarantined.
var ErrQuarantined = errors.New("projections: set aside")

// Is makes errors.Is(q, ErrQuarantined) true, and that of decider.ErrNoState.
func (q *Quarantined) Is(target error) bool {
	return target == ErrQuarantined || target == decider.ErrNoState
}

// poisoned is an event that a fold cannot take.
type poisoned struct {
	Quarantined
	panic any
}

func (p *poisoned) Error() string {
	return fmt.Sprintf("projections: event %d of %s, at position %d, cannot be folded: %v", p.Number, p.Stream, p.Position, p.panic)
}

func (p *poisoned) Unwrap() error { return ErrUnfoldable }

// maxReason bounds what is kept of a panic, in characters.
const maxReason = 300

// poison describes the event at which a fold panicked.
func poison(s eventlog.Stream, user string, at decider.Version, panic any) *poisoned {
	reason := []rune(fmt.Sprint(panic))
	return &poisoned{Quarantined{
		Stream: s, User: user, Position: at.Position, Number: at.Number,
		Reason: string(reason[:min(len(reason), maxReason)]),
	}, panic}
}

func poisonOf(e *eventlog.Envelope, panic any) *poisoned {
	return poison(e.Stream, e.Actor.User, decider.Version{Number: e.Number, Position: e.Position}, panic)
}

// isolate sets the stream aside, unless the store is strict; then the fault is
// the caller's.
func (s *store) isolate(p *poisoned) error {
	if s.strict {
		return p
	}
	q := p.Quarantined
	switch q.Stream.Category {
	case cart.Category, account.Category:
		q.User = q.Stream.ID
	case order.Category:
		// Of its first event there is no state yet; then it is who acted.
		q.User = cmp.Or(s.orders.owner(q.Stream.ID), q.User)
	default:
		q.User = ""
	}
	s.setAside(&q)
	s.pending = append(s.pending, &q)
	if s.alarm != nil {
		s.alarm(&q)
	}
	return nil
}

// setAside makes the store's readers see the quarantine.
func (s *store) setAside(q *Quarantined) {
	next := map[eventlog.Stream]*Quarantined{q.Stream: q}
	for stream, other := range s.aside() {
		next[stream] = other
	}
	s.quarantine.Store(&next)
}

// aside are the streams that are set aside.
func (s *store) aside() map[eventlog.Stream]*Quarantined {
	if all := s.quarantine.Load(); all != nil {
		return *all
	}
	return nil
}

// barred returns the quarantine of a stream as an error, or nil.
func (s *store) barred(category, id string) error {
	if q, ok := s.aside()[eventlog.Stream{Category: category, ID: id}]; ok {
		return q
	}
	return nil
}

// barredOf returns the quarantine that keeps a person's orders from being told
// in full, or nil.
func (s *store) barredOf(user string) error {
	for stream, q := range s.aside() {
		if stream.Category == order.Category && q.User == user {
			return q
		}
	}
	return nil
}

// writeAside writes what was set aside since the last write.
func (s *store) writeAside() error {
	for _, q := range s.pending {
		if err := s.writer.exec("INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?, ?, ?)",
			q.Stream.Category, q.Stream.ID, q.User, int64(q.Position), int64(q.Number), q.Reason); err != nil {
			return err
		}
	}
	return nil
}

// recallAside reads the quarantine of a file that is opened again.
func (s *store) recallAside(ctx context.Context) error {
	return s.writer.rows(ctx, "SELECT category, id, user, position, number, reason FROM quarantine", nil, func(scan func(...any) error) error {
		q := &Quarantined{}
		err := scan(&q.Stream.Category, &q.Stream.ID, &q.User, &q.Position, &q.Number, &q.Reason)
		s.setAside(q)
		return err
	})
}

// Quarantine lists the streams that are set aside, in the order in which they
// were.
func (v *Views) Quarantine(ctx context.Context) ([]Quarantined, error) {
	s, err := v.ready(ctx)
	if err != nil {
		return nil, err
	}
	var all []Quarantined
	for _, q := range s.aside() {
		all = append(all, *q)
	}
	slices.SortFunc(all, func(a, b Quarantined) int { return cmp.Compare(a.Position, b.Position) })
	return all, nil
}

// Retry builds the views anew that hold streams which are set aside: a program
// that can fold them has none afterwards. It tries the streams alone first, and
// returns the error of the first that still cannot be folded; then nothing has
// changed. With nothing set aside it does nothing.
func (v *Views) Retry(ctx context.Context, tell func(at, of eventlog.Position)) error {
	all, err := v.Quarantine(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	var names []string
	for _, q := range all {
		name, err := v.retry(ctx, q.Stream)
		if err != nil {
			return err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return v.Rebuild(ctx, names, tell)
}

// retry folds the stream alone, in memory, and returns the name of its view.
func (v *Views) retry(ctx context.Context, stream eventlog.Stream) (string, error) {
	t := newTables()
	its := t.byCategory[stream.Category]
	if its == nil {
		return "", fmt.Errorf("%w: no view folds %s", eventlog.ErrUnknownType, stream)
	}
	for e, err := range v.log.Read(ctx, stream) {
		if err != nil {
			return "", err
		}
		if err := v.try(t.states[stream.Category], &e); err != nil {
			return "", err
		}
	}
	return its.about().name, nil
}

func (o origin) try(kind stater, e *eventlog.Envelope) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = poisonOf(e, p)
		}
	}()
	value, err := o.read(e)
	if err != nil {
		return err
	}
	if p, bad := value.(*poisoned); bad {
		return p
	}
	return kind.alone(fact{e, value})
}
