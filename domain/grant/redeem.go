package grant

import (
	"crypto/subtle"
	"errors"
	"time"
)

// Redeem exchanges the code for the first tokens (RFC 6749 section 4.1.3).
type Redeem struct {
	Code   Hash
	Client string
	// Redirect is compared if the client sent one; OAuth 2.1 no longer asks it to.
	Redirect string
	// Challenge is the S256 transform of the verifier that the client sent.
	Challenge string
	// Resource is compared if the client sent one.
	Resource string
	Pair
}

// Pair is what the next generation would be.
type Pair struct {
	Access  Hash
	Expires time.Time
	Refresh Hash
	At      time.Time
}

func (Redeem) command() {}

// ErrTarget: the token was granted for another resource (RFC 8707 section 2).
var ErrTarget = errors.New("grant: it is for another resource")

// redeem answers a misuse of the right code with Revoked and no error: the
// caller sees from the state that no tokens came of it.
func redeem(s State, c Redeem) ([]Event, error) {
	if s.ID == "" || !s.Code.Is(c.Code) {
		return nil, ErrUnknown
	}
	if !s.Revoked.IsZero() {
		return nil, ErrRevoked
	}
	if s.Redeemed {
		// The second one to come may be the owner: both lose (RFC 9700 section 4.5).
		return []Event{Revoked{CodeReplayed, c.At}}, nil
	}
	if !c.At.Before(s.CodeExpires) {
		return nil, ErrExpired
	}
	if c.Client != s.Client || (c.Redirect != "" && c.Redirect != s.Redirect) ||
		subtle.ConstantTimeCompare([]byte(c.Challenge), []byte(s.Challenge)) != 1 {
		return []Event{Revoked{CodeMisused, c.At}}, nil
	}
	if c.Resource != "" && c.Resource != s.Resource {
		return nil, ErrTarget
	}
	return []Event{s.next(0, c.Pair, s.Scopes, time.Time{})}, nil
}

// next is the event for the pair that follows.
func (s State) next(from int, p Pair, scopes []string, fromUntil time.Time) TokensIssued {
	e := TokensIssued{
		Generation: s.Generation + 1, From: from,
		Access: p.Access, Expires: p.Expires, Scopes: scopes, FromUntil: fromUntil, At: p.At,
	}
	if !s.Until.IsZero() {
		e.Refresh = p.Refresh
	}
	return e
}

// Is compares two hashes in a time that does not tell how much of them is
// alike. No hash is like the empty one.
func (h Hash) Is(other Hash) bool {
	return h != "" && subtle.ConstantTimeCompare([]byte(h), []byte(other)) == 1
}
