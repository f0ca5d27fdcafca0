package projections

import (
	"fmt"
	"testing"

	"till/domain/eventlog"
)

// TestTooMuchToNameIsToldAsAnything, and what follows by name again.
func TestTooMuchToNameIsToldAsAnything(t *testing.T) {
	var v Views
	var told [][]eventlog.Stream
	v.Watch(func(changed []eventlog.Stream) { told = append(told, changed) })
	at := eventlog.Position(0)
	event := func(id string) fact {
		at++
		return fact{Envelope: &eventlog.Envelope{Position: at, Stream: eventlog.Stream{Category: "cart", ID: id}}}
	}
	for i := range mostChanges + 1 {
		v.watchers.note([]fact{event(fmt.Sprint(i))})
	}
	v.watchers.tell()
	v.watchers.note([]fact{event("alice"), event("alice")})
	v.watchers.tell()
	v.watchers.tell() // nothing new
	if len(told) != 2 || told[0] != nil || len(told[1]) != 1 || told[1][0].ID != "alice" {
		t.Errorf("it told %d times, the last %v", len(told), told[len(told)-1])
	}
}
