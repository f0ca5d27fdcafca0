package cmd

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/grant"
)

// listedBy are the positions that a filter leads to.
func listedBy(ctx context.Context, a *App, f eventFilter) (found []eventlog.Position, err error) {
	err = askEvents.run(a, ctx, f, reply[listed]{item: func(e listed) error {
		found = append(found, e.Position)
		return nil
	}})
	return found, err
}

// Each filter lists what a look at every event of the log would.
func TestEventsByFilter(t *testing.T) {
	dir := t.TempDir()
	if err := fill(dir, 4000); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.close() }()

	const who, token = "usr_-3_1", "grt_usr_-3_1"
	var all []eventlog.Envelope
	last := map[eventlog.Stream]eventlog.Envelope{}
	head, _ := a.log.Head(t.Context())
	for batch, err := range a.log.Follow(t.Context(), 0, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			all, last[e.Stream] = append(all, e), e
		}
		if batch[len(batch)-1].Position == head {
			break
		}
	}
	// The shop itself ends the grant: nobody's id is in the envelope.
	s := eventlog.Stream{Category: grant.Category, ID: token}
	name, version, data, err := a.types.Encode(grant.Revoked{Reason: grant.ByAdmin, At: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	revoked := eventlog.Envelope{Stream: s, Number: last[s].Number + 1, Type: name, Version: version, Data: data, Meta: eventlog.Meta{
		Command: "cmd-revoke", Correlation: "req-7", Actor: eventlog.Actor{Kind: eventlog.System}, Time: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}}
	if revoked.Position, err = a.log.Append(t.Context(), eventlog.Change{Stream: s, Expected: last[s].Position, Events: []eventlog.Envelope{revoked}}); err != nil {
		t.Fatal(err)
	}
	all = append(all, revoked)
	head = revoked.Position

	mine := func(e eventlog.Envelope) bool { return e.Actor.User == who || e.Stream == s }
	middle := all[2000].Time
	for name, c := range map[string]struct {
		f    eventFilter
		want func(eventlog.Envelope) bool
	}{
		"nothing":          {eventFilter{}, func(eventlog.Envelope) bool { return true }},
		"user":             {eventFilter{User: who}, mine},
		"user and type":    {eventFilter{User: who, Type: "cart."}, func(e eventlog.Envelope) bool { return mine(e) && e.Stream.Category == "cart" }},
		"one type":         {eventFilter{Type: "order.placed"}, func(e eventlog.Envelope) bool { return e.Type == "order.placed" }},
		"kind":             {eventFilter{Stream: "order"}, func(e eventlog.Envelope) bool { return e.Stream.Category == "order" }},
		"cart":             {eventFilter{Stream: "cart/" + who}, func(e eventlog.Envelope) bool { return e.Stream.String() == "cart/"+who }},
		"grant's stream":   {eventFilter{Stream: "grant/" + token}, func(e eventlog.Envelope) bool { return e.Stream == s }},
		"stock":            {eventFilter{Stream: youngest(all, "stock")}, func(e eventlog.Envelope) bool { return e.Stream.String() == youngest(all, "stock") }},
		"order":            {eventFilter{Stream: youngest(all, "order")}, func(e eventlog.Envelope) bool { return e.Stream.String() == youngest(all, "order") }},
		"grant":            {eventFilter{Grant: token}, func(e eventlog.Envelope) bool { return e.Actor.Grant == token || e.Stream == s }},
		"client":           {eventFilter{Client: "cli_bench"}, func(e eventlog.Envelope) bool { return e.Actor.Client == "cli_bench" || e.Stream == s }},
		"client and user":  {eventFilter{Client: "cli_bench", User: who}, mine},
		"command":          {eventFilter{Command: "cmd-" + who + "-1"}, func(e eventlog.Envelope) bool { return e.Command == "cmd-"+who+"-1" }},
		"request":          {eventFilter{Request: "req-7"}, func(e eventlog.Envelope) bool { return e.Position == head }},
		"another's":        {eventFilter{Request: "req-7", User: "usr_-3_6"}, func(eventlog.Envelope) bool { return false }},
		"nobody":           {eventFilter{User: "usr_nobody"}, func(eventlog.Envelope) bool { return false }},
		"from":             {eventFilter{From: "3000"}, func(e eventlog.Envelope) bool { return e.Position >= 3000 }},
		"to":               {eventFilter{To: "3000"}, func(e eventlog.Envelope) bool { return e.Position <= 3000 }},
		"one position":     {eventFilter{From: "77", To: "77"}, func(e eventlog.Envelope) bool { return e.Position == 77 }},
		"after":            {eventFilter{After: 3000, User: who}, func(e eventlog.Envelope) bool { return e.Position > 3000 && mine(e) }},
		"after the end":    {eventFilter{After: 1 << 40}, func(eventlog.Envelope) bool { return false }},
		"user from and to": {eventFilter{User: who, From: "500", To: "3900"}, func(e eventlog.Envelope) bool { return mine(e) && e.Position >= 500 && e.Position <= 3900 }},
		"from a time":      {eventFilter{From: "2026-02-01"}, func(e eventlog.Envelope) bool { return e.Position == head }},
		"to a time":        {eventFilter{To: "2026-01-31"}, func(e eventlog.Envelope) bool { return e.Position < head }},
		"to the middle":    {eventFilter{To: middle.Format(time.RFC3339Nano), Type: "catalog."}, func(e eventlog.Envelope) bool { return false }},
	} {
		var want []eventlog.Position
		for _, e := range all {
			if c.want(e) {
				want = append(want, e.Position)
			}
		}
		got, err := listedBy(t.Context(), a, c.f)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d events %.5v…, %v; want %d %.5v…", name, len(got), got, err, len(want), want)
		}
		for _, n := range []int{1, 3, 1500, 9000} {
			f := c.f
			f.Last = n
			got, err := listedBy(t.Context(), a, f)
			if err != nil || !slices.Equal(got, want[max(0, len(want)-n):]) {
				t.Errorf("%s: the last %d are %d events, %v", name, n, len(got), err)
			}
		}
	}

	for name, c := range map[string]struct {
		f    eventFilter
		want string
	}{
		"malformed":     {eventFilter{From: "yesterday"}, "write a position (1234)"},
		"future":        {eventFilter{To: "999999"}, "lies in the future"},
		"future time":   {eventFilter{From: "2999-01-01"}, "lies in the future"},
		"backwards":     {eventFilter{From: "20", To: "10"}, "--from lies after --to"},
		"too many":      {eventFilter{Last: 10_001}, "--last takes 1 to 10000"},
		"less than one": {eventFilter{Last: -1}, "--last takes 1 to 10000"},
		"no end":        {eventFilter{Follow: true, To: "10"}, "leave out --to"},
		"no such login": {eventFilter{User: "mallory"}, "mallory"},
	} {
		if got, err := listedBy(t.Context(), a, c.f); err == nil || !strings.Contains(err.Error(), c.want) || len(got) > 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}

	t.Run("followed", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var got []eventlog.Envelope
		last[s] = revoked
		err := askEvents.run(a, ctx, eventFilter{User: who, Last: 2, Follow: true}, reply[listed]{item: func(e listed) error {
			if got = append(got, e.Envelope); len(got) == 4 {
				cancel()
				return ctx.Err()
			}
			if len(got) > 1 { // somebody else's, and one of the user's that the shop makes
				next := revoked
				for _, stream := range []eventlog.Stream{{Category: grant.Category, ID: "grt_usr_-3_6"}, s} {
					next.Stream, next.Number = stream, last[stream].Number+1
					change := eventlog.Change{Stream: stream, Expected: last[stream].Position, Events: []eventlog.Envelope{next}}
					var err error
					next.Position, err = a.log.Append(ctx, change)
					if err != nil {
						return err
					}
					last[stream] = next
				}
			}
			return nil
		}})
		if !errors.Is(err, context.Canceled) || len(got) != 4 || got[1].Position != head {
			t.Fatalf("%d events, %v", len(got), err)
		}
		for _, e := range got[2:] {
			if e.Stream != s || e.Position <= head {
				t.Errorf("got %+v", e)
			}
		}
	})
}

// youngest is the stream of the category that changed last.
func youngest(all []eventlog.Envelope, category string) string {
	for i := len(all) - 1; ; i-- {
		if all[i].Stream.Category == category {
			return all[i].Stream.String()
		}
	}
}
