// Package session is one browser's login: who, since when, until when. It does
// not hold the session's id, only its hash, which names the stream.
package session

import (
	"errors"
	"time"

	"till/domain/decider"
	"till/domain/eventlog"
)

// Category is the first part of a session's stream; the rest is the SHA-256 of
// the session id in base64url.
const Category = "session"

// State is a session after its events.
type State struct {
	User string `json:"user,omitempty"`
	// Credential is the account's credential at the login. The session ends
	// when another one counts.
	Credential string `json:"credential,omitempty"`
	// Passkey is the one that it began with, empty if that was the password. The
	// session ends when it counts no more.
	Passkey string    `json:"passkey,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	Ended   bool      `json:"ended,omitempty"`
}

// Command is what can be asked of a session: Start, End.
type Command interface{ command() }

// Event is what happens to a session: Started, Ended.
type Event interface{ event() }

// Start begins a session.
type Start struct {
	User       string
	Credential string
	Passkey    string
	At         time.Time
	Expires    time.Time
}

// End is a logout.
type End struct{ At time.Time }

func (Start) command() {}
func (End) command()   {}

// Started: a person has logged in.
type Started struct {
	User       string    `json:"user"`
	Credential string    `json:"credential"`
	Passkey    string    `json:"passkey,omitempty"`
	At         time.Time `json:"at"`
	Expires    time.Time `json:"expires"`
}

// Ended: they have logged out.
type Ended struct {
	At time.Time `json:"at"`
}

func (Started) event() {}
func (Ended) event()   {}

var (
	// ErrUnknown: there is no such session.
	ErrUnknown = errors.New("session: unknown")
	// ErrExists: a session id is never used twice.
	ErrExists = errors.New("session: it exists already")
	// ErrIncomplete: a session needs a user, a credential and an end.
	ErrIncomplete = errors.New("session: incomplete")
)

// Decider returns the session's rules for a command handler.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Decide returns what the command changes.
func Decide(s State, c Command) ([]Event, error) {
	switch c := c.(type) {
	case Start:
		if c.User == "" || c.Credential == "" || !c.Expires.After(c.At) {
			return nil, ErrIncomplete
		}
		if s.User != "" {
			return nil, ErrExists
		}
		return []Event{Started(c)}, nil
	case End:
		if s.User == "" {
			return nil, ErrUnknown
		}
		if s.Ended {
			return nil, nil
		}
		return []Event{Ended(c)}, nil
	}
	panic("session: a command without a rule")
}

// Evolve returns the state after the event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case Started:
		return State{User: e.User, Credential: e.Credential, Passkey: e.Passkey, At: e.At, Expires: e.Expires}
	case Ended:
		s.Ended = true
		return s
	}
	panic("session: an event without a rule")
}

// Live is whether the session counts at the time, given the account's present
// credential. Whether its passkey still counts is for who knows the account's.
func (s State) Live(now time.Time, credential string) bool {
	return s.User != "" && !s.Ended && now.Before(s.Expires) && s.Credential == credential
}

// Register adds the session's events to the types of the log.
func Register(t *eventlog.Types) {
	eventlog.Register[Started](t, "session.started", 1)
	eventlog.Register[Ended](t, "session.ended", 1)
}
