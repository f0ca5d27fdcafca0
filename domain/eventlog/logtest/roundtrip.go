package logtest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"till/domain/eventlog"
)

func runRoundTrip(t *testing.T, open func(t *testing.T) eventlog.Log) {
	log := open(t)
	head := eventlog.Position(0)
	// Each is appended, read by stream and followed.
	check := func(t *testing.T, e eventlog.Envelope) {
		t.Helper()
		e.Number = 1
		pos := mustAppend(t, log, eventlog.Change{Stream: e.Stream, Events: []eventlog.Envelope{e}})
		want := []eventlog.Envelope{at(e, pos)}
		wantEvents(t, readAll(t, log, e.Stream), want)
		wantEvents(t, followTo(t, log, head, pos, 10), want)
		got, err := log.Get(t.Context(), pos)
		if err != nil {
			t.Fatal(err)
		}
		wantEvents(t, []eventlog.Envelope{got}, want)
		head = pos
	}
	t.Run("EveryField", func(t *testing.T) {
		e := event(cart("full"), 1)
		e.Type, e.Version = "cart.item_added", 12
		e.Meta = eventlog.Meta{
			Command: "cmd_1", Fingerprint: "sha256:00ff",
			Actor:       eventlog.Actor{Kind: eventlog.Agent, User: "usr_1", Client: "cli_1", Grant: "gr_1"},
			Correlation: "req_1", Causation: "tool:add_to_cart",
			Time: time.Date(2026, 2, 3, 4, 5, 6, 123456789, time.UTC),
		}
		e.Data = []byte(`{"sku":"catnip-mouse","quantity":2,"note":"süß"}`)
		check(t, e)
	})
	t.Run("AlmostNothing", func(t *testing.T) {
		check(t, eventlog.Envelope{Stream: cart("bare"), Type: "x", Version: 1, Meta: eventlog.Meta{Time: time.Unix(0, 0).UTC()}, Data: []byte(`{}`)})
	})
	t.Run("NoData", func(t *testing.T) {
		check(t, eventlog.Envelope{Stream: cart("empty"), Type: "x", Version: 1, Meta: eventlog.Meta{Time: time.Unix(1, 0).UTC()}, Data: []byte{}})
	})
	t.Run("TheLargest", func(t *testing.T) {
		e := event(cart("large"), 1)
		e.Data = append(append([]byte(`"`), bytes.Repeat([]byte("x"), eventlog.MaxEventBytes-2)...), '"')
		long := strings.Repeat("\n", eventlog.MaxMetaBytes)
		e.Command, e.Fingerprint, e.Correlation, e.Causation = long, long, long, long
		e.Actor = eventlog.Actor{Kind: eventlog.System, User: long, Client: long, Grant: long}
		check(t, e)
	})
	t.Run("Times", func(t *testing.T) {
		for name, when := range map[string]time.Time{
			"ANanosecond": time.Unix(1, 1).UTC(),
			"Whole":       time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
			"Zero":        {},
			"Early":       time.Date(1, 2, 3, 4, 5, 6, 7, time.UTC),
			"Late":        time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		} {
			t.Run(name, func(t *testing.T) {
				e := event(cart("time-"+name), 1)
				e.Time = when
				check(t, e)
			})
		}
	})
	t.Run("IDs", func(t *testing.T) {
		for _, id := range odd {
			e := event(cart(id), 1)
			e.Command = "c"
			check(t, e)
		}
	})
	t.Run("Texts", func(t *testing.T) {
		for i, text := range odd {
			e := event(order(string(rune('a'+i))), 1)
			e.Type, e.Command, e.Fingerprint, e.Correlation, e.Causation = text, text, text, text, text
			e.Actor = eventlog.Actor{Kind: eventlog.ActorKind(text), User: text, Client: text, Grant: text}
			check(t, e)
		}
	})
	t.Run("IDsAreNotMixedUp", func(t *testing.T) {
		log := open(t)
		for _, id := range odd {
			mustAppend(t, log, change(cart(id), 0, 0, 1)) // a mix-up would conflict
		}
		for i, id := range odd {
			wantEvents(t, readAll(t, log, cart(id)), []eventlog.Envelope{at(event(cart(id), 1), eventlog.Position(i+1))})
		}
	})
}

// odd are texts that some log might stumble over.
var odd = []string{
	"usr_1", "a.b", "a b", " a ", "*", ">", "a.>", ".", "..", "a=2Eb", "=", "==", "a%20b", "%", "a/b", `a"b`, `\`, "$", "-", "_",
	"a:b", "A", "Ünïcödé", "日本語", "🐈‍⬛", strings.Repeat("x", eventlog.MaxStreamID), strings.Repeat("猫", eventlog.MaxStreamID/3),
}
