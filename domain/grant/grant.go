// Package grant is what a person has allowed one agent: the consent, its
// authorization code and the family of tokens that came of it. It does not
// know HTTP, how a token is spelled or when it is; hashes and times come in
// with the command.
package grant

import (
	"errors"
	"slices"
	"time"

	"till/domain/decider"
	"till/domain/eventlog"
)

// Category is the first part of a grant's stream; the rest is the grant's id.
const Category = "grant"

// lines bounds how many refresh tokens and how many access tokens of one grant
// are kept. Several processes of one client may each hold their own line; one
// that falls out is treated as used up.
const lines = 16

// Hash is the SHA-256 of a code or token, in base64url without padding. The
// texts themselves are never stored.
type Hash string

// State is a grant after its events. It is kept as JSON by the views.
type State struct {
	ID         string    `json:"id,omitempty"`
	User       string    `json:"user,omitempty"`
	Client     string    `json:"client,omitempty"`
	ClientName string    `json:"client_name,omitempty"`
	Verified   string    `json:"verified,omitempty"`
	Resource   string    `json:"resource,omitempty"`
	Redirect   string    `json:"redirect,omitempty"`
	Scopes     []string  `json:"scopes,omitempty"`
	At         time.Time `json:"at,omitzero"`

	Challenge   string    `json:"challenge,omitempty"`
	Code        Hash      `json:"code,omitempty"`
	CodeExpires time.Time `json:"code_expires,omitzero"`
	Redeemed    bool      `json:"redeemed,omitempty"`

	// Until is the end of the whole family, however often it is refreshed;
	// zero when the client gets no refresh tokens.
	Until time.Time `json:"until,omitzero"`
	// Generation counts the pairs of tokens issued so far.
	Generation int `json:"generation,omitempty"`
	// Last is when the newest pair was issued.
	Last    time.Time `json:"last,omitzero"`
	Access  []Access  `json:"access,omitempty"`
	Refresh []Refresh `json:"refresh,omitempty"`

	Revoked time.Time `json:"revoked,omitzero"`
	Reason  Reason    `json:"reason,omitempty"`
}

// Access is an access token that may still be good.
type Access struct {
	Generation int       `json:"generation"`
	Hash       Hash      `json:"hash"`
	Scopes     []string  `json:"scopes"`
	Expires    time.Time `json:"expires"`
}

// Refresh is a refresh token that may still be good: one never used, or one
// whose rotation is so fresh that its holder may not have heard of it.
type Refresh struct {
	Generation int  `json:"generation"`
	Hash       Hash `json:"hash"`
	// GoodUntil is zero for a token that has not been used.
	GoodUntil time.Time `json:"good_until,omitzero"`
}

// Command is what can be asked of a grant: Authorize, Redeem, Renew, Revoke.
type Command interface{ command() }

// Event is what happens to a grant: Authorized, TokensIssued, Revoked.
type Event interface{ event() }

var (
	// ErrUnknown: there is no such grant, or the text is none of its tokens.
	// Nothing may follow from it: anybody can guess.
	ErrUnknown = errors.New("grant: unknown code or token")
	// ErrRevoked: the grant has ended.
	ErrRevoked = errors.New("grant: it has been revoked")
	// ErrExpired: the code or token was good once.
	ErrExpired = errors.New("grant: expired")
	// ErrExists: the consent behind this grant has been used before.
	ErrExists = errors.New("grant: this consent has been given before")
	// ErrIncomplete: a command lacks what the grant must know.
	ErrIncomplete = errors.New("grant: incomplete")
)

// Decider returns the grant's rules for a command handler.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Decide returns what the command changes.
func Decide(s State, c Command) ([]Event, error) {
	switch c := c.(type) {
	case Authorize:
		return authorize(s, c)
	case Redeem:
		return redeem(s, c)
	case Renew:
		return renew(s, c)
	case Revoke:
		return revoke(s, c)
	}
	panic("grant: a command without a rule")
}

// Evolve returns the state after the event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case Authorized:
		return State{
			ID: e.ID, User: e.User, Client: e.Client, ClientName: e.ClientName, Verified: e.Verified,
			Resource: e.Resource, Redirect: e.Redirect, Scopes: slices.Clone(e.Scopes), At: e.At,
			Challenge: e.Challenge, Code: e.Code, CodeExpires: e.CodeExpires, Until: e.Until,
		}
	case TokensIssued:
		return issued(s, e)
	case Revoked:
		s.Revoked, s.Reason = e.At, e.Reason
		// A dead family answers no token any more, so none need be kept.
		s.Access, s.Refresh = nil, nil
		return s
	}
	panic("grant: an event without a rule")
}

// Register adds the grant's events to the types of the log.
func Register(t *eventlog.Types) {
	eventlog.Register[Authorized](t, "grant.authorized", 1)
	eventlog.Register[TokensIssued](t, "grant.tokens_issued", 1)
	eventlog.Register[Revoked](t, "grant.revoked", 1)
}
