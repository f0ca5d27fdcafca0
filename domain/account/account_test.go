package account_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/account"
	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

var open = account.Open{
	User: "usr_1", Login: eventlog.Sealed{Of: "usr_1", Data: []byte{1, 2, 3}},
	Role: account.Customer, Credential: "crd_1", At: noon,
}

func TestOpen(t *testing.T) {
	story.Given(t, account.Decider()).
		When(open).Then(account.Opened(open)).
		When(open).Then()
	other := open
	other.Credential = "crd_2"
	story.Given(t, account.Decider(), account.Event(account.Opened(open))).When(other).Refused(account.ErrExists)
	for name, c := range map[string]struct {
		change func(*account.Open)
		want   error
	}{
		"a role of its own": {func(c *account.Open) { c.Role = "owner" }, account.ErrRole},
		"no credential":     {func(c *account.Open) { c.Credential = "" }, account.ErrIncomplete},
		"another's name":    {func(c *account.Open) { c.Login.Of = "usr_2" }, account.ErrIncomplete},
		"a name in clear":   {func(c *account.Open) { c.Login.Data = nil }, account.ErrIncomplete},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := open
			c.change(&cmd)
			story.Given(t, account.Decider()).When(cmd).Refused(c.want)
		})
	}
}

func TestPassword(t *testing.T) {
	cmd := account.ChangePassword{Credential: "crd_2", At: noon}
	s := story.Given(t, account.Decider(), account.Event(account.Opened(open))).
		When(cmd).Then(account.PasswordChanged{Credential: "crd_2", At: noon}).
		When(cmd).Then()
	if s.State().Credential != "crd_2" {
		t.Errorf("the old credential counts: %+v", s.State())
	}
	s.When(account.ChangePassword{At: noon}).Refused(account.ErrIncomplete)
	story.Given(t, account.Decider()).When(cmd).Refused(account.ErrUnknown)
}

func TestDisable(t *testing.T) {
	s := story.Given(t, account.Decider(), account.Event(account.Opened(open))).
		When(account.Disable{At: noon}).Then(account.Disabled{At: noon}).
		When(account.Disable{At: noon}).Then()
	if s.State().Active() {
		t.Error("a disabled account is active")
	}
	s = s.When(account.Enable{At: noon}).Then(account.Enabled{At: noon}).When(account.Enable{At: noon}).Then()
	if !s.State().Active() {
		t.Error("an enabled account is not active")
	}
}

func TestForget(t *testing.T) {
	s := story.Given(t, account.Decider(), account.Event(account.Opened(open))).
		When(account.Forget{At: noon}).Then(account.Forgotten{At: noon}).
		When(account.Forget{At: noon}).Then()
	if s.State().Active() || s.State().Credential != "" {
		t.Errorf("a forgotten account still works: %+v", s.State())
	}
	for _, cmd := range []account.Command{account.Enable{At: noon}, account.Disable{At: noon}, account.ChangePassword{Credential: "crd_2", At: noon}} {
		s.When(cmd).Refused(account.ErrForgotten)
	}
	s.When(open).Refused(account.ErrExists)
	story.Given(t, account.Decider()).When(account.Forget{At: noon}).Refused(account.ErrUnknown)
	// Also one that was shut before.
	story.Given(t, account.Decider(), account.Event(account.Opened(open)), account.Event(account.Disabled{At: noon})).
		When(account.Forget{At: noon}).Then(account.Forgotten{At: noon})
}

// Any command that is decided twice does nothing the second time.
func TestTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s account.State
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			cmd := rapid.SampledFrom([]account.Command{
				open, account.ChangePassword{Credential: "crd_2", At: noon}, account.ChangePassword{Credential: "crd_3", At: noon},
				account.Disable{At: noon}, account.Enable{At: noon}, account.Forget{At: noon}, link, account.Unlink(link),
				account.RemovePasskey{ID: "psk_1", At: noon}, account.RemovePasskey{ID: "psk_2", At: noon},
				add("psk_1", s.Credential, s.PasskeyChanges), add("psk_2", s.Credential, s.PasskeyChanges), add("psk_3", "crd_1", 0),
			}).Draw(t, "command")
			events, err := account.Decide(s, cmd)
			story.Redone(t, account.Decider(), account.Redo, s, events...)
			for _, e := range events {
				s = account.Evolve(s, e)
			}
			if again, _ := account.Decide(s, cmd); err == nil && len(again) > 0 {
				t.Fatalf("%T twice: %v", cmd, again)
			}
		}
	})
}

func TestGolden(t *testing.T) {
	types := eventlog.NewTypes()
	account.Register(types)
	golden.Check(t, types, account.Opened(open), account.PasswordChanged{Credential: "crd_2", At: noon},
		account.Disabled{At: noon}, account.Enabled{At: noon}, account.Forgotten{At: noon}, account.LoginsRefused{At: noon},
		account.Linked(link), account.Unlinked(link),
		account.PasskeyAdded{ID: "psk_1", At: noon}, account.PasskeyRemoved{ID: "psk_1", At: noon})
}

// Whoever guesses at a password leaves one event an hour, not one a guess.
func TestLoginsRefused(t *testing.T) {
	late := noon.Add(account.Quiet)
	story.Given(t, account.Decider(), account.Event(account.Opened(open))).
		When(account.Suspect{At: noon}).Then(account.LoginsRefused{At: noon}).
		When(account.Suspect{At: late.Add(-time.Second)}).Then().
		When(account.Suspect{At: late}).Then(account.LoginsRefused{At: late})
	story.Given[account.State, account.Command, account.Event](t, account.Decider()).When(account.Suspect{At: noon}).Refused(account.ErrUnknown)
}
