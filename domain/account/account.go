// Package account is a person's account with the shop: the sealed login name,
// the role and which credentials count. It holds no password, not even as a
// hash, and no passkey's key, and knows nothing of what the person allowed
// their agents.
package account

import (
	"errors"
	"time"

	"till/domain/decider"
	"till/domain/eventlog"
)

// Category is the first part of an account's stream; the rest is the person's
// random id ("usr_…").
const Category = "account"

// Role says what a person may do in the shop.
type Role string

// The roles.
const (
	Customer Role = "customer"
	Admin    Role = "admin"
)

// State is an account after its events.
type State struct {
	User  string          `json:"user,omitempty"`
	Login eventlog.Sealed `json:"login,omitzero"`
	Role  Role            `json:"role,omitempty"`
	// Credential names the password hash that counts. Sessions carry the one
	// under which they began, so that a new password ends them all.
	Credential string `json:"credential,omitempty"`
	// Passkeys count beside the password, the oldest first, until another password
	// does: whoever chooses one may have lost the authenticator too.
	Passkeys []Passkey `json:"passkeys,omitempty"`
	// PasskeyChanges is how often one came or went.
	PasskeyChanges int  `json:"passkey_changes,omitempty"`
	Disabled       bool `json:"disabled,omitempty"`
	// Forgotten is for good: the key that opens the login name is destroyed.
	Forgotten bool      `json:"forgotten,omitempty"`
	At        time.Time `json:"at,omitzero"`
	// Suspected is when logins were last refused since too many failed.
	Suspected time.Time `json:"suspected,omitzero"`
	// Logins are those at other providers by which the person may come in too.
	Logins []Login `json:"logins,omitempty"`
}

// Command is what can be asked of an account: Open, ChangePassword, Disable,
// Enable, Forget, Suspect, Link, Unlink, AddPasskey, RemovePasskey.
type Command interface{ command() }

// Event is what happens to an account: Opened, PasswordChanged, Disabled,
// Enabled, Forgotten, LoginsRefused, Linked, Unlinked, PasskeyAdded,
// PasskeyRemoved.
type Event interface{ event() }

var (
	// ErrUnknown: nobody has that account.
	ErrUnknown = errors.New("account: unknown")
	// ErrExists: the account was opened before, with other particulars.
	ErrExists = errors.New("account: it exists already")
	// ErrRole: there is no such role.
	ErrRole = errors.New("account: the role is customer or admin")
	// ErrForgotten: the account's person was forgotten, which nothing undoes.
	ErrForgotten = errors.New("account: forgotten")
	// ErrIncomplete: a command lacks what an account must have.
	ErrIncomplete = errors.New("account: incomplete")
)

// Decider returns the account's rules for a command handler.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Active is whether the person may log in and their agents may act.
func (s State) Active() bool { return s.User != "" && !s.Disabled && !s.Forgotten }

// Register adds the account's events to the types of the log.
func Register(t *eventlog.Types) {
	eventlog.Register[Opened](t, "account.opened", 1)
	eventlog.Register[PasswordChanged](t, "account.password_changed", 1)
	eventlog.Register[Disabled](t, "account.disabled", 1)
	eventlog.Register[Enabled](t, "account.enabled", 1)
	eventlog.Register[Forgotten](t, "account.forgotten", 1)
	eventlog.Register[LoginsRefused](t, "account.logins_refused", 1)
	eventlog.Register[Linked](t, "account.linked", 1)
	eventlog.Register[Unlinked](t, "account.unlinked", 1)
	eventlog.Register[PasskeyAdded](t, "account.passkey_added", 1)
	eventlog.Register[PasskeyRemoved](t, "account.passkey_removed", 1)
}
