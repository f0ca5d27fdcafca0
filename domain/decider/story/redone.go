package story

import (
	"reflect"

	"till/domain/decider"
)

// Redone checks that redo gives back commands that decide the events again: each
// on the state before it yields it and nothing else.
func Redone[S, C, E any](t interface{ Fatalf(string, ...any) }, d decider.Decider[S, C, E], redo func(S, E) C, before S, events ...E) {
	for _, e := range events {
		again, err := d.Decide(before, redo(before, e))
		if err != nil || len(again) != 1 || !reflect.DeepEqual(again[0], e) {
			t.Fatalf("redone by %#v\n\t%#v\nis %#v (%v)", redo(before, e), e, again, err)
		}
		before = d.Evolve(before, e)
	}
}
