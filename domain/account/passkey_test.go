package account_test

import (
	"fmt"
	"testing"

	"till/domain/account"
	"till/domain/decider/story"
)

func add(id, credential string, after int) account.AddPasskey {
	return account.AddPasskey{ID: id, Credential: credential, After: after, At: noon}
}

func TestPasskeys(t *testing.T) {
	s := story.Given(t, account.Decider(), account.Event(account.Opened(open))).
		When(add("psk_1", "crd_1", 0)).Then(account.PasskeyAdded{ID: "psk_1", At: noon}).
		When(add("psk_1", "crd_1", 0)).Then().
		When(add("psk_2", "crd_1", 1)).Then(account.PasskeyAdded{ID: "psk_2", At: noon})
	if got := s.State(); !got.HasPasskey("psk_1") || !got.HasPasskey("psk_2") || got.HasPasskey("") || got.HasPasskey("psk_3") {
		t.Errorf("%+v", got.Passkeys)
	}
	s = s.When(account.RemovePasskey{ID: "psk_1", At: noon}).Then(account.PasskeyRemoved{ID: "psk_1", At: noon}).
		When(account.RemovePasskey{ID: "psk_1", At: noon}).Then()
	if got := s.State(); got.HasPasskey("psk_1") || !got.HasPasskey("psk_2") {
		t.Errorf("%+v", got.Passkeys)
	}
	s.When(add("", "crd_1", 3)).Refused(account.ErrIncomplete)
	story.Given(t, account.Decider()).When(add("psk_1", "", 0)).Refused(account.ErrUnknown)
}

// What a person was asked for before something changed is too late.
func TestAPasskeyThatIsOutdated(t *testing.T) {
	opened := account.Event(account.Opened(open))
	story.Given(t, account.Decider(), opened, account.Event(account.PasswordChanged{Credential: "crd_2", At: noon})).
		When(add("psk_1", "crd_1", 0)).Refused(account.ErrOutdated)
	// Added and removed: the same answer of the same authenticator does not bring it back.
	story.Given(t, account.Decider(), opened, account.Event(account.PasskeyAdded{ID: "psk_1", At: noon}), account.Event(account.PasskeyRemoved{ID: "psk_1", At: noon})).
		When(add("psk_1", "crd_1", 0)).Refused(account.ErrOutdated)
	story.Given(t, account.Decider(), opened, account.Event(account.Forgotten{At: noon})).
		When(add("psk_1", "", 0)).Refused(account.ErrForgotten)
}

func TestTooManyPasskeys(t *testing.T) {
	s := story.Given(t, account.Decider(), account.Event(account.Opened(open)))
	for i := range account.MaxPasskeys {
		id := fmt.Sprint("psk_", i)
		s = s.When(add(id, "crd_1", i)).Then(account.PasskeyAdded{ID: id, At: noon})
	}
	s.When(add("psk_more", "crd_1", account.MaxPasskeys)).Refused(account.ErrPasskeys)
}

// Whoever chooses a new password, or is forgotten, has no passkey any more.
func TestPasskeysEndWithThePassword(t *testing.T) {
	for name, end := range map[string]account.Command{
		"a new password": account.ChangePassword{Credential: "crd_2", At: noon}, "forgotten": account.Forget{At: noon},
	} {
		s := story.Given(t, account.Decider(), account.Event(account.Opened(open)), account.Event(account.PasskeyAdded{ID: "psk_1", At: noon}))
		events, err := account.Decide(s.State(), end)
		if err != nil || len(events) != 1 {
			t.Fatalf("%s: %v %v", name, events, err)
		}
		if got := account.Evolve(s.State(), events[0]); len(got.Passkeys) != 0 {
			t.Errorf("%s: %+v", name, got.Passkeys)
		}
	}
}

// A state that somebody holds stays as it is.
func TestPasskeysOfAnOldState(t *testing.T) {
	s := account.Evolve(account.State{}, account.Opened(open))
	s = account.Evolve(s, account.PasskeyAdded{ID: "psk_1", At: noon})
	s = account.Evolve(s, account.PasskeyAdded{ID: "psk_2", At: noon})
	account.Evolve(s, account.PasskeyRemoved{ID: "psk_1", At: noon})
	a, b := account.Evolve(s, account.PasskeyAdded{ID: "psk_a", At: noon}), account.Evolve(s, account.PasskeyAdded{ID: "psk_b", At: noon})
	if !s.HasPasskey("psk_1") || !a.HasPasskey("psk_a") || !b.HasPasskey("psk_b") || a.HasPasskey("psk_b") {
		t.Errorf("%+v %+v %+v", s.Passkeys, a.Passkeys, b.Passkeys)
	}
}
