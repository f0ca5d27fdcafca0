package logtest

import (
	"strings"
	"testing"

	"till/domain/eventlog"
)

func runInvalid(t *testing.T, open func(t *testing.T) eventlog.Log) {
	log := open(t)
	one := func(edit func(*eventlog.Envelope)) []eventlog.Change {
		c := change(cart("a"), 0, 0, 1)
		edit(&c.Events[0])
		return []eventlog.Change{c}
	}
	named := func(category, id string) []eventlog.Change {
		return []eventlog.Change{change(eventlog.Stream{Category: category, ID: id}, 0, 0, 1)}
	}
	for name, changes := range map[string][]eventlog.Change{
		"NoChange":          nil,
		"NoEvents":          {{Stream: cart("a")}},
		"NoCategory":        named("", "a"),
		"ADottedCategory":   named("cart.x", "a"),
		"AStarAsCategory":   named("*", "a"),
		"AnUpperCategory":   named("Cart", "a"),
		"ALongCategory":     named(strings.Repeat("c", eventlog.MaxCategory+1), "a"),
		"NoID":              named("cart", ""),
		"ALongID":           named("cart", strings.Repeat("x", eventlog.MaxStreamID+1)),
		"TwiceTheStream":    {change(cart("a"), 0, 0, 1), change(cart("a"), 0, 0, 1)},
		"AForeignEvent":     one(func(e *eventlog.Envelope) { e.Stream = cart("b") }),
		"NoType":            one(func(e *eventlog.Envelope) { e.Type = "" }),
		"NoVersion":         one(func(e *eventlog.Envelope) { e.Version = 0 }),
		"NoNumber":          one(func(e *eventlog.Envelope) { e.Number = 0 }),
		"FirstNotNumberOne": one(func(e *eventlog.Envelope) { e.Number = 2 }),
		"TooMuchData":       one(func(e *eventlog.Envelope) { e.Data = make([]byte, eventlog.MaxEventBytes+1) }),
		"ALongCommand":      one(func(e *eventlog.Envelope) { e.Command = strings.Repeat("c", eventlog.MaxMetaBytes+1) }),
		"ALongUser":         one(func(e *eventlog.Envelope) { e.Actor.User = strings.Repeat("u", eventlog.MaxMetaBytes+1) }),
		"NumberOneLater":    {change(cart("a"), 0, 7, 1)},
		"AHoleInTheNumbers": {{Stream: cart("a"), Events: []eventlog.Envelope{event(cart("a"), 1), event(cart("a"), 3)}}},
		"TooMany":           {change(cart("a"), 0, 0, eventlog.MaxEvents), change(cart("b"), 0, 0, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := log.Append(t.Context(), changes...)
			wantErr(t, err, eventlog.ErrInvalid)
			wantHead(t, log, 0)
		})
	}
}
