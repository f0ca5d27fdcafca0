package jslog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

func TestPoison(t *testing.T) {
	log := newLog(t)
	p, err := jslog.NewPoison(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	all := func(after uint64) (parked []jslog.Parked) {
		t.Helper()
		for m, err := range p.All(t.Context(), after) {
			if err != nil {
				t.Fatal(err)
			}
			parked = append(parked, m)
		}
		return parked
	}
	if got := all(0); len(got) != 0 {
		t.Fatalf("a new queue holds %v", got)
	}
	publish := func(topic, id, payload string, metadata message.Metadata) {
		t.Helper()
		m := message.NewMessage(id, []byte(payload))
		m.Metadata = metadata
		if err := p.Publish(topic, m); err != nil {
			t.Fatal(err)
		}
	}
	odd := message.Metadata{"reason_poisoned": "a\nb % c ", "a key: odd": "x", "Nats-Msg-Id": "1", "": "none", "empty": ""}
	publish("fulfil", "id 1", "payload", odd)
	publish("mail.out *", "", "", nil)
	publish("fulfil", "id 3", "x", message.Metadata{"reason_poisoned": strings.Repeat("ä", 5000)})
	got := all(0)
	if len(got) != 3 || got[0].ID >= got[1].ID || got[1].ID >= got[2].ID {
		t.Fatalf("%d parked", len(got))
	}
	if diff := cmp.Diff(message.Metadata{"reason_poisoned": "a\nb % c ", "a key: odd": "x"}, got[0].Message.Metadata); diff != "" {
		t.Fatalf("metadata (-want +got):\n%s", diff)
	}
	if got[0].Message.UUID != "id 1" || string(got[0].Message.Payload) != "payload" || got[1].Topic != "mail.out *" || len(got[1].Message.Payload) != 0 {
		t.Fatalf("parked %+v", got)
	}
	if reason := got[2].Message.Metadata["reason_poisoned"]; len(reason) > 1024 || len(reason) < 1000 || !strings.HasSuffix(reason, "ä") {
		t.Fatalf("the long reason has %d bytes", len(reason))
	}
	if _, err := jslog.Envelope(got[0].Message); !errors.Is(err, eventlog.ErrInvalid) {
		t.Fatalf("a message without an event says %v", err)
	}
	if rest := all(got[1].ID); len(rest) != 1 || rest[0].ID != got[2].ID {
		t.Fatalf("behind %d: %v", got[1].ID, rest)
	}
	for range 2 { // the second time it is not there
		if err := p.Remove(t.Context(), got[1].ID); err != nil {
			t.Fatal(err)
		}
	}
	if rest := all(0); len(rest) != 2 {
		t.Fatalf("%d parked after one was removed", len(rest))
	}
	if err := p.Publish("", message.NewMessage("", nil)); !errors.Is(err, eventlog.ErrInvalid) {
		t.Fatalf("no topic: %v", err)
	}
	// A message that is larger than large still finds its place.
	many := message.Metadata{}
	for i := range 200 {
		many[strings.Repeat("k", i+1)] = strings.Repeat("\n", 2000)
	}
	publish("fulfil", "many", strings.Repeat("x", eventlog.MaxEventBytes), many)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
