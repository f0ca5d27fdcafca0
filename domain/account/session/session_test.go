package session_test

import (
	"testing"
	"time"

	"till/domain/account/session"
	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

var start = session.Start{User: "usr_1", Credential: "crd_1", At: noon, Expires: noon.Add(8 * time.Hour)}

func TestSession(t *testing.T) {
	s := story.Given(t, session.Decider()).When(start).Then(session.Started(start))
	for name, c := range map[string]struct {
		now        time.Duration
		credential string
		live       bool
	}{
		"at once":               {0, "crd_1", true},
		"to the last":           {8*time.Hour - 1, "crd_1", true},
		"too late":              {8 * time.Hour, "crd_1", false},
		"after a new password ": {time.Hour, "crd_2", false},
	} {
		if got := s.State().Live(noon.Add(c.now), c.credential); got != c.live {
			t.Errorf("%s: live %v", name, got)
		}
	}
	s.When(start).Refused(session.ErrExists)
	byPasskey := start
	byPasskey.Passkey = "psk_1"
	if got := story.Given(t, session.Decider()).When(byPasskey).Then(session.Started(byPasskey)).State(); got.Passkey != "psk_1" || !got.Live(noon, "crd_1") {
		t.Errorf("%+v", got)
	}
	s = s.When(session.End{At: noon}).Then(session.Ended{At: noon}).When(session.End{At: noon}).Then()
	if s.State().Live(noon, "crd_1") {
		t.Error("it lives on after its end")
	}
	story.Given(t, session.Decider()).When(session.End{At: noon}).Refused(session.ErrUnknown)
	endless := start
	endless.Expires = noon
	story.Given(t, session.Decider()).When(endless).Refused(session.ErrIncomplete)
}

func TestGolden(t *testing.T) {
	types := eventlog.NewTypes()
	session.Register(types)
	golden.Check(t, types, session.Started(start), session.Ended{At: noon})
}

func TestRedo(t *testing.T) {
	started := session.Started(start)
	started.Passkey = "psk_1"
	story.Redone[session.State, session.Command, session.Event](t, session.Decider(), session.Redo, session.State{}, started)
	story.Redone[session.State, session.Command, session.Event](t, session.Decider(), session.Redo, session.State{}, session.Started(start), session.Ended{At: noon})
}
