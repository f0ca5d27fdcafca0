package account_test

import (
	"fmt"
	"testing"

	"till/domain/account"
	"till/domain/decider/story"
	"till/domain/eventlog"
)

var link = account.Link{Provider: "login.example.com", Subject: eventlog.Sealed{Of: "usr_1", Data: []byte{4, 5, 6}}, At: noon}

func TestLink(t *testing.T) {
	s := story.Given(t, account.Decider(), account.Event(account.Opened(open))).
		When(link).Then(account.Linked(link)).
		When(link).Then()
	if !s.State().Links(link.Subject) || s.State().Credential != "crd_1" {
		t.Errorf("%+v", s.State())
	}
	second := link
	second.Subject.Data = []byte{7}
	before := s.State()
	s = s.When(second).Then(account.Linked(second))
	if len(before.Logins) != 1 || len(s.State().Logins) != 2 {
		t.Errorf("%d logins before, %d after", len(before.Logins), len(s.State().Logins))
	}
	both := s.State()
	s = s.When(account.Unlink(link)).Then(account.Unlinked(link)).When(account.Unlink(link)).Then().
		When(account.Unlink(second)).Then(account.Unlinked(second))
	if !both.Links(link.Subject) || !both.Links(second.Subject) || len(s.State().Logins) != 0 {
		t.Errorf("before it %+v, after it %+v", both, s.State())
	}
	s = s.When(link).Then(account.Linked(link)).When(second).Then(account.Linked(second))
	for name, c := range map[string]func(*account.Link){
		"no provider": func(c *account.Link) { c.Provider = "" },
		"another's":   func(c *account.Link) { c.Subject.Of = "usr_2" },
		"no subject":  func(c *account.Link) { c.Subject.Data = nil },
	} {
		t.Run(name, func(t *testing.T) {
			cmd := link
			c(&cmd)
			s.When(cmd).Refused(account.ErrIncomplete)
		})
	}
	for i := range account.MaxLogins - 2 {
		more := link
		more.Subject.Data = fmt.Append(nil, "more", i)
		s = s.When(more).Then(account.Linked(more))
	}
	over := link
	over.Subject.Data = []byte("over")
	s.When(over).Refused(account.ErrLogins)
	story.Given(t, account.Decider()).When(link).Refused(account.ErrUnknown)
	story.Given(t, account.Decider(), account.Event(account.Opened(open)), account.Event(account.Forgotten{At: noon})).When(link).Refused(account.ErrForgotten)
}
