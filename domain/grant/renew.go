package grant

import (
	"errors"
	"slices"
	"time"
)

// Renew rotates a refresh token (RFC 6749 section 6).
type Renew struct {
	Presented Hash
	// Ours is whether the token proves to be one that we once issued for this
	// grant. Without it an old token cannot be told from a guess, and a guess
	// must not end anything.
	Ours   bool
	Client string
	// Resource is compared if the client sent one.
	Resource string
	// Scopes narrow this access token only; none means all that was granted.
	Scopes []string
	// Leeway is how long the token stays good after its first use, for the
	// sake of processes that share it; 0 is strict.
	Leeway time.Duration
	Pair
}

func (Renew) command() {}

// ErrScope: more was asked for than was granted.
var ErrScope = errors.New("grant: that scope was not granted")

// renew answers the reuse of a used-up token with Revoked and no error, as
// redeem does.
func renew(s State, c Renew) ([]Event, error) {
	if s.ID == "" {
		return nil, ErrUnknown
	}
	if !s.Revoked.IsZero() {
		return nil, ErrRevoked
	}
	i := slices.IndexFunc(s.Refresh, func(r Refresh) bool { return r.Hash.Is(c.Presented) })
	if i < 0 && !c.Ours {
		return nil, ErrUnknown
	}
	if c.Client != s.Client {
		// Client ids of public clients are no secret: this proves nothing
		// against the family.
		return nil, ErrUnknown
	}
	if !c.At.Before(s.Until) {
		return nil, ErrExpired
	}
	if i < 0 {
		return []Event{Revoked{RefreshReused, c.At}}, nil
	}
	r := s.Refresh[i]
	if !r.GoodUntil.IsZero() && !c.At.Before(r.GoodUntil) {
		return []Event{Revoked{RefreshReused, c.At}}, nil
	}
	if c.Resource != "" && c.Resource != s.Resource {
		return nil, ErrTarget
	}
	scopes := s.Scopes
	if len(c.Scopes) > 0 {
		if !Covers(s.Scopes, c.Scopes...) {
			return nil, ErrScope
		}
		scopes = c.Scopes
	}
	until := r.GoodUntil
	if until.IsZero() {
		until = c.At.Add(c.Leeway)
	}
	return []Event{s.next(r.Generation, c.Pair, scopes, until)}, nil
}
