package account

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"till/domain/eventlog"
)

// Login is a login at another provider that counts as this person's, beside or
// instead of a password.
type Login struct {
	// Provider is the host of the provider's issuer, for people to read.
	Provider string `json:"provider"`
	// Subject is issuer and subject, sealed: by both together, and by nothing
	// else, the login is known.
	Subject eventlog.Sealed `json:"subject"`
}

// Link makes a login at another provider count as this person's.
type Link struct {
	Provider string
	Subject  eventlog.Sealed
	At       time.Time
}

// Linked: a login at another provider counts as this person's.
type Linked struct {
	Provider string          `json:"provider"`
	Subject  eventlog.Sealed `json:"subject"`
	At       time.Time       `json:"at"`
}

// Unlink makes a login at another provider count no more.
type Unlink Link

// Unlinked: a login at another provider counts no more.
type Unlinked struct {
	Provider string          `json:"provider"`
	Subject  eventlog.Sealed `json:"subject"`
	At       time.Time       `json:"at"`
}

func (Link) command()   {}
func (Unlink) command() {}
func (Linked) event()   {}
func (Unlinked) event() {}

// MaxLogins is how many logins at other providers one account may have.
const MaxLogins = 10

// ErrLogins: the account has as many linked logins as it may.
var ErrLogins = errors.New("account: too many linked logins")

// Links is whether the login counts as this person's. Sealed text is equal when
// it says the same of the same person.
func (s State) Links(subject eventlog.Sealed) bool {
	return slices.ContainsFunc(s.Logins, func(l Login) bool { return l.is(subject) })
}

func (l Login) is(subject eventlog.Sealed) bool {
	return l.Subject.Of == subject.Of && bytes.Equal(l.Subject.Data, subject.Data)
}

func decideLink(s State, c Link) ([]Event, error) {
	switch {
	case c.Provider == "" || c.Subject.Of != s.User || len(c.Subject.Data) == 0:
		return nil, ErrIncomplete
	case s.Links(c.Subject):
		return nil, nil
	case len(s.Logins) >= MaxLogins:
		return nil, ErrLogins
	}
	return []Event{Linked(c)}, nil
}

func decideUnlink(s State, c Unlink) ([]Event, error) {
	if !s.Links(c.Subject) {
		return nil, nil
	}
	return []Event{Unlinked(c)}, nil
}

// evolveLogins returns the account with its logins changed. The list is copied:
// states that share the old one must not see the new one.
func evolveLogins(s State, e Event) State {
	switch e := e.(type) {
	case Linked:
		s.Logins = append(slices.Clone(s.Logins), Login{e.Provider, e.Subject})
	case Unlinked:
		s.Logins = slices.DeleteFunc(slices.Clone(s.Logins), func(l Login) bool { return l.is(e.Subject) })
		if len(s.Logins) == 0 {
			s.Logins = nil
		}
	}
	return s
}
