package grant

import (
	"slices"
	"time"
)

// Revoke ends the grant with all its tokens.
type Revoke struct {
	Reason Reason
	At     time.Time
}

func (Revoke) command() {}

func revoke(s State, c Revoke) ([]Event, error) {
	if s.ID == "" {
		return nil, ErrUnknown
	}
	if !s.Revoked.IsZero() {
		return nil, nil
	}
	return []Event{Revoked(c)}, nil
}

// Check returns the access token of that generation if the hash is its own and
// it is good at the time; otherwise ErrUnknown, ErrRevoked or ErrExpired.
func (s State) Check(generation int, h Hash, now time.Time) (Access, error) {
	if s.ID == "" {
		return Access{}, ErrUnknown
	}
	if !s.Revoked.IsZero() {
		return Access{}, ErrRevoked
	}
	for i := range s.Access {
		if s.Access[i].Generation != generation {
			continue
		}
		if !s.Access[i].Hash.Is(h) {
			return Access{}, ErrUnknown
		}
		if !now.Before(s.Access[i].Expires) {
			return Access{}, ErrExpired
		}
		return s.Access[i], nil
	}
	if generation > 0 && generation <= s.Generation {
		return Access{}, ErrExpired
	}
	return Access{}, ErrUnknown
}

// Live is whether any token of the grant can still be good, which is when a
// person should see it among the connections.
func (s State) Live(now time.Time) bool {
	if s.ID == "" || !s.Revoked.IsZero() || !s.Redeemed {
		return false
	}
	return now.Before(s.Until) || slices.ContainsFunc(s.Access, func(a Access) bool { return now.Before(a.Expires) })
}
