package archive

import (
	"crypto/sha256"
	"fmt"
	"unicode/utf8"

	"till/domain/eventlog"
)

// order checks that events make a history: each at the next position, each
// stream counted without a hole, each of a form that every log takes.
type order struct {
	// known says whether this program knows the event; nil knows all.
	known func(eventlog.Envelope) error
	at    eventlog.Position
	// last is the number of each stream's last event. It is kept under a hash,
	// so that a million streams take some 60 MB and not several times that.
	last map[[16]byte]uint64
}

func (o *order) take(e *eventlog.Envelope) error {
	if e.Position != o.at+1 {
		return fmt.Errorf("event %d stands where event %d belongs", e.Position, o.at+1)
	}
	change := eventlog.Change{Stream: e.Stream, Events: []eventlog.Envelope{*e}}
	if e.Number > 1 {
		change.Expected = 1 // it has one; which is not asked here
	}
	if err := eventlog.Check([]eventlog.Change{change}); err != nil {
		return err
	}
	for _, text := range []string{e.Stream.ID, e.Type, e.Command, e.Fingerprint, string(e.Actor.Kind), e.Actor.User, e.Actor.Client, e.Actor.Grant, e.Correlation, e.Causation} {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: event %d holds a text that is not UTF-8", eventlog.ErrInvalid, e.Position)
		}
	}
	sum := sha256.Sum256([]byte(e.Stream.String()))
	key := [16]byte(sum[:])
	if e.Number != o.last[key]+1 {
		return fmt.Errorf("event %d is number %d of %s, but number %d comes next", e.Position, e.Number, e.Stream, o.last[key]+1)
	}
	if o.known != nil {
		if err := o.known(*e); err != nil {
			return err
		}
	}
	if o.last == nil {
		o.last = map[[16]byte]uint64{}
	}
	o.at, o.last[key] = e.Position, e.Number
	return nil
}
