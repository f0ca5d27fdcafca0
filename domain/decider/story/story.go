// Package story tells a decider's tests as Given, When, Then. It is for tests
// only and knows no aggregate.
package story

import (
	"errors"
	"reflect"
	"testing"

	"till/domain/decider"
)

// Story is a decider with a history, about to get a command.
type Story[S, C, E any] struct {
	t      testing.TB
	d      decider.Decider[S, C, E]
	state  S
	events []E
	err    error
}

// Given starts a story from the events that happened before.
func Given[S, C, E any](t testing.TB, d decider.Decider[S, C, E], history ...E) *Story[S, C, E] {
	t.Helper()
	return &Story[S, C, E]{t: t, d: d, state: d.Fold(history...)}
}

// When decides the command and moves the state past its events.
func (s *Story[S, C, E]) When(cmd C) *Story[S, C, E] {
	s.t.Helper()
	s.events, s.err = s.d.Decide(s.state, cmd)
	for _, e := range s.events {
		s.state = s.d.Evolve(s.state, e)
	}
	return s
}

// Then expects exactly these events of the last command; none means that the
// command had nothing to do.
func (s *Story[S, C, E]) Then(want ...E) *Story[S, C, E] {
	s.t.Helper()
	if s.err != nil {
		s.t.Fatalf("refused: %v", s.err)
	}
	if len(want) == 0 && len(s.events) == 0 {
		return s
	}
	if !reflect.DeepEqual(s.events, want) {
		s.t.Fatalf("decided\n\t%#v\nwant\n\t%#v", s.events, want)
	}
	return s
}

// Refused expects that a rule forbade the last command with this error.
func (s *Story[S, C, E]) Refused(want error) *Story[S, C, E] {
	s.t.Helper()
	if !errors.Is(s.err, want) {
		s.t.Fatalf("got %v and %d events, want the refusal %v", s.err, len(s.events), want)
	}
	return s
}

// State returns the state after all that has been told.
func (s *Story[S, C, E]) State() S { return s.state }
