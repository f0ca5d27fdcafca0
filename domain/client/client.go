// Package client is the register of programs that may ask people for a grant:
// who they say they are and where a code may be sent to. It does not judge
// addresses and it knows no secrets: all our clients are public ones.
package client

import (
	"errors"
	"slices"
	"time"

	"till/domain/decider"
	"till/domain/eventlog"
)

// Category is the first part of a client's stream; the rest is the client's id.
const Category = "client"

// Bounds of what is kept of a client's own words, which are an attacker's
// until shown otherwise and stay on the log for good.
const (
	MaxName      = 80  // characters
	MaxURI       = 512 // bytes of one redirect address
	MaxRedirects = 20
)

// State is a client after its events.
type State struct {
	ID        string    `json:"id,omitempty"`
	Name      string    `json:"name,omitempty"`
	Redirects []string  `json:"redirects,omitempty"`
	Refresh   bool      `json:"refresh,omitempty"`
	At        time.Time `json:"at,omitzero"`
}

// Command is what can be asked of a client's registration: Register.
type Command interface{ command() }

// Event is what happens to it: Registered.
type Event interface{ event() }

// RegisterClient puts a registration on the log. It is sent at the first
// consent, so that registrations that nobody uses leave no trace.
type RegisterClient struct {
	ID        string
	Name      string
	Redirects []string
	// Refresh is whether the client takes refresh tokens.
	Refresh bool
	// At is when the client registered.
	At time.Time
}

// Registered: the client is known for good.
type Registered struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Redirects []string  `json:"redirects"`
	Refresh   bool      `json:"refresh,omitempty"`
	At        time.Time `json:"at"`
}

func (RegisterClient) command() {}
func (Registered) event()       {}

var (
	// ErrIncomplete: a registration needs an id and a redirect address.
	ErrIncomplete = errors.New("client: a registration needs an id and a redirect address")
	// ErrTooLarge: a registration is beyond the bounds of this package.
	ErrTooLarge = errors.New("client: the registration is too large")
)

// Decider returns the client's rules for a command handler.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Decide returns what the command changes. Registering a known client changes
// nothing: its id follows from its metadata.
func Decide(s State, c Command) ([]Event, error) {
	switch c := c.(type) {
	case RegisterClient:
		switch {
		case s.ID != "":
			return nil, nil
		case c.ID == "" || len(c.Redirects) == 0:
			return nil, ErrIncomplete
		case len([]rune(c.Name)) > MaxName || len(c.Redirects) > MaxRedirects ||
			slices.ContainsFunc(c.Redirects, func(u string) bool { return len(u) > MaxURI }):
			return nil, ErrTooLarge
		}
		return []Event{Registered(c)}, nil
	}
	panic("client: a command without a rule")
}

// Evolve returns the state after the event.
func Evolve(_ State, e Event) State {
	switch e := e.(type) {
	case Registered:
		return State(e)
	}
	panic("client: an event without a rule")
}

// Register adds the client's events to the types of the log.
func Register(t *eventlog.Types) {
	eventlog.Register[Registered](t, "client.registered", 1)
}
