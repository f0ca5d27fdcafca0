package grant

import "time"

// Authorized: a person has consented, and a code is on its way to the client.
type Authorized struct {
	ID     string `json:"id"`
	User   string `json:"user"`
	Client string `json:"client"`
	// ClientName is the name that the person saw when consenting. It is the
	// client's own claim unless Verified names the host that vouches for it.
	ClientName string   `json:"client_name,omitempty"`
	Verified   string   `json:"verified,omitempty"`
	Resource   string   `json:"resource"`
	Redirect   string   `json:"redirect"`
	Scopes     []string `json:"scopes"`
	// Challenge is the PKCE S256 challenge (RFC 7636 section 4.2).
	Challenge   string    `json:"challenge"`
	Code        Hash      `json:"code"`
	CodeExpires time.Time `json:"code_expires"`
	// Until is the absolute end of the refresh tokens, zero if there are none.
	Until time.Time `json:"until,omitzero"`
	At    time.Time `json:"at"`
}

// TokensIssued: the code was redeemed or a refresh token rotated. Being one
// event, it uses up the old and issues the new at once.
type TokensIssued struct {
	Generation int `json:"generation"`
	// From is the generation whose refresh token was used, 0 for the code.
	From    int       `json:"from,omitempty"`
	Access  Hash      `json:"access"`
	Expires time.Time `json:"expires"`
	Scopes  []string  `json:"scopes"`
	Refresh Hash      `json:"refresh,omitempty"`
	// FromUntil is how long the used refresh token, and the access token that
	// was issued with it, may still be seen: the leeway for several processes
	// that share one token.
	FromUntil time.Time `json:"from_until,omitzero"`
	At        time.Time `json:"at"`
}

// Revoked: the grant and all its tokens are dead.
type Revoked struct {
	Reason Reason    `json:"reason"`
	At     time.Time `json:"at"`
}

// Reason says why a grant ended.
type Reason string

// The reasons for which a grant ends.
const (
	ByClient      Reason = "client"           // the client gave its token back (RFC 7009)
	ByUser        Reason = "user"             // the person disconnected the agent
	ByAdmin       Reason = "admin"            // an administrator did
	AccountClosed Reason = "account"          // the account was disabled or forgotten
	CodeReplayed  Reason = "code_replayed"    // the code came a second time
	CodeMisused   Reason = "code_misused"     // right code, wrong verifier, client or redirect
	RefreshReused Reason = "refresh_reused"   // a used-up refresh token came again
	Password      Reason = "password_changed" // the person asked for it with a new password
)

func (Authorized) event()   {}
func (TokensIssued) event() {}
func (Revoked) event()      {}

// issued is the state after a pair of tokens. Old entries that can never be
// good again are dropped, so that a grant does not grow with its age.
func issued(s State, e TokensIssued) State {
	s.Redeemed = true
	s.Generation, s.Last = e.Generation, e.At

	access := make([]Access, 0, len(s.Access)+1)
	for _, a := range s.Access {
		if e.From != 0 && a.Generation == e.From && e.FromUntil.Before(a.Expires) {
			a.Expires = e.FromUntil
		}
		if e.At.Before(a.Expires) {
			access = append(access, a)
		}
	}
	s.Access = newest(append(access, Access{e.Generation, e.Access, e.Scopes, e.Expires}))

	var refresh []Refresh
	for _, r := range s.Refresh {
		if r.Generation == e.From && r.GoodUntil.IsZero() {
			r.GoodUntil = e.FromUntil
		}
		if r.GoodUntil.IsZero() || e.At.Before(r.GoodUntil) {
			refresh = append(refresh, r)
		}
	}
	if e.Refresh != "" {
		refresh = append(refresh, Refresh{Generation: e.Generation, Hash: e.Refresh})
	}
	s.Refresh = newest(refresh)
	return s
}

func newest[T any](all []T) []T {
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return all
}
