package account

import (
	"errors"
	"slices"
	"time"
)

// MaxPasskeys is how many passkeys a person may have at once.
const MaxPasskeys = 10

// Passkey is one that counts. Its public key and the name that the person gave
// it lie beside the log, under the account.
type Passkey struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// AddPasskey makes a passkey count.
type AddPasskey struct {
	ID string
	// Credential and After are the account's Credential and PasskeyChanges when the
	// person was asked to make it: one that they were asked for before a new
	// password, or before another change of passkeys, is too late. So what an
	// authenticator answered once serves once.
	Credential string
	After      int
	At         time.Time
}

// RemovePasskey makes a passkey count no more.
type RemovePasskey struct {
	ID string
	At time.Time
}

// PasskeyAdded: the person can log in with a passkey.
type PasskeyAdded struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// PasskeyRemoved: the passkey opens nothing any more, and the sessions that
// began with it have ended.
type PasskeyRemoved struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

func (AddPasskey) command()    {}
func (RemovePasskey) command() {}
func (PasskeyAdded) event()    {}
func (PasskeyRemoved) event()  {}

var (
	// ErrPasskeys: the person has as many as one may have.
	ErrPasskeys = errors.New("account: no more passkeys fit")
	// ErrOutdated: the password or the passkeys changed since the person was asked.
	ErrOutdated = errors.New("account: changed meanwhile")
)

// HasPasskey is whether the passkey counts.
func (s State) HasPasskey(id string) bool {
	return slices.ContainsFunc(s.Passkeys, func(p Passkey) bool { return p.ID == id })
}

func decideAddPasskey(s State, c AddPasskey) ([]Event, error) {
	switch {
	case c.ID == "":
		return nil, ErrIncomplete
	case s.HasPasskey(c.ID):
		return nil, nil
	case c.Credential != s.Credential || c.After != s.PasskeyChanges:
		return nil, ErrOutdated
	case len(s.Passkeys) >= MaxPasskeys:
		return nil, ErrPasskeys
	}
	return []Event{PasskeyAdded{ID: c.ID, At: c.At}}, nil
}

func decideRemovePasskey(s State, c RemovePasskey) ([]Event, error) {
	if !s.HasPasskey(c.ID) {
		return nil, nil
	}
	return []Event{PasskeyRemoved(c)}, nil
}

// The list of a state that somebody else holds is never written to.

func (s State) withPasskey(e PasskeyAdded) State {
	s.Passkeys = append(slices.Clip(s.Passkeys), Passkey(e))
	s.PasskeyChanges++
	return s
}

func (s State) withoutPasskey(id string) State {
	s.Passkeys = slices.DeleteFunc(slices.Clone(s.Passkeys), func(p Passkey) bool { return p.ID == id })
	if len(s.Passkeys) == 0 {
		s.Passkeys = nil
	}
	s.PasskeyChanges++
	return s
}
