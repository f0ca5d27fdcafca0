package account

import (
	"time"

	"till/domain/eventlog"
)

// Open opens an account.
type Open struct {
	User       string
	Login      eventlog.Sealed
	Role       Role
	Credential string
	At         time.Time
}

// ChangePassword makes another credential count, and no passkey any more.
type ChangePassword struct {
	Credential string
	At         time.Time
}

// Disable shuts the account until Enable; nothing in it is lost.
type Disable struct{ At time.Time }

// Enable undoes Disable.
type Enable struct{ At time.Time }

// Forget shuts the account for good. Whoever sends it then destroys the key of
// the person's name, their password hashes and their passkeys.
type Forget struct{ At time.Time }

// Suspect notes that so many logins failed that further ones have to wait.
type Suspect struct{ At time.Time }

// Quiet is how long after a LoginsRefused no other is noted: whoever guesses must
// not be able to fill the log.
const Quiet = time.Hour

func (Open) command()           {}
func (ChangePassword) command() {}
func (Disable) command()        {}
func (Enable) command()         {}
func (Forget) command()         {}
func (Suspect) command()        {}

// Opened: the person has an account.
type Opened struct {
	User       string          `json:"user"`
	Login      eventlog.Sealed `json:"login"`
	Role       Role            `json:"role"`
	Credential string          `json:"credential"`
	At         time.Time       `json:"at"`
}

// PasswordChanged: another credential counts, and no passkey of before.
type PasswordChanged struct {
	Credential string    `json:"credential"`
	At         time.Time `json:"at"`
}

// Disabled: the account is shut.
type Disabled struct {
	At time.Time `json:"at"`
}

// Enabled: the account is open again.
type Enabled struct {
	At time.Time `json:"at"`
}

// Forgotten: the person is to be known no more.
type Forgotten struct {
	At time.Time `json:"at"`
}

// LoginsRefused: too many logins failed; somebody may be guessing the password.
type LoginsRefused struct {
	At time.Time `json:"at"`
}

func (Opened) event()          {}
func (PasswordChanged) event() {}
func (Disabled) event()        {}
func (Enabled) event()         {}
func (Forgotten) event()       {}
func (LoginsRefused) event()   {}

// Decide returns what the command changes.
func Decide(s State, c Command) ([]Event, error) {
	if open, ok := c.(Open); ok {
		return decideOpen(s, open)
	}
	if s.User == "" {
		return nil, ErrUnknown
	}
	if c, ok := c.(Forget); ok {
		if s.Forgotten {
			return nil, nil
		}
		return []Event{Forgotten(c)}, nil
	}
	if s.Forgotten {
		return nil, ErrForgotten
	}
	switch c := c.(type) {
	case ChangePassword:
		switch c.Credential {
		case "":
			return nil, ErrIncomplete
		case s.Credential:
			return nil, nil
		}
		return []Event{PasswordChanged(c)}, nil
	case Disable:
		if s.Disabled {
			return nil, nil
		}
		return []Event{Disabled(c)}, nil
	case Enable:
		if !s.Disabled {
			return nil, nil
		}
		return []Event{Enabled(c)}, nil
	case Suspect:
		if c.At.Sub(s.Suspected) < Quiet {
			return nil, nil
		}
		return []Event{LoginsRefused(c)}, nil
	case Link:
		return decideLink(s, c)
	case Unlink:
		return decideUnlink(s, c)
	case AddPasskey:
		return decideAddPasskey(s, c)
	case RemovePasskey:
		return decideRemovePasskey(s, c)
	}
	panic("account: a command without a rule")
}

func decideOpen(s State, c Open) ([]Event, error) {
	switch {
	case c.User == "" || c.Credential == "" || c.Login.Of != c.User || len(c.Login.Data) == 0:
		return nil, ErrIncomplete
	case c.Role != Customer && c.Role != Admin:
		return nil, ErrRole
	case s.User == c.User && s.Credential == c.Credential:
		return nil, nil
	case s.User != "":
		return nil, ErrExists
	}
	return []Event{Opened(c)}, nil
}

// Evolve returns the state after the event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case Opened:
		return State{User: e.User, Login: e.Login, Role: e.Role, Credential: e.Credential, At: e.At}
	case PasswordChanged:
		// It is chosen anew where the account was lost or taken over: whatever else
		// somebody made a way in by then is none any more.
		s.Credential, s.Passkeys, s.Logins = e.Credential, nil, nil
		return s
	case Disabled:
		s.Disabled = true
		return s
	case Enabled:
		s.Disabled = false
		return s
	case Forgotten:
		// The sealed name stays: without its key it is noise, and reads "erased".
		s.Forgotten, s.Credential, s.Passkeys = true, "", nil
		return s
	case LoginsRefused:
		s.Suspected = e.At
		return s
	case Linked, Unlinked:
		return evolveLogins(s, e)
	case PasskeyAdded:
		return s.withPasskey(e)
	case PasskeyRemoved:
		return s.withoutPasskey(e.ID)
	}
	panic("account: an event without a rule")
}
