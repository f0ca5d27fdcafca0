package grant

import "time"

// Authorize records a consent. The grant's id is chosen when the transaction
// begins, so that one consent page can make one grant only.
type Authorize struct {
	ID, User, Client     string
	ClientName, Verified string
	Resource, Redirect   string
	Scopes               []string
	Challenge            string
	Code                 Hash
	CodeExpires          time.Time
	// Until is zero for a client that takes no refresh tokens.
	Until time.Time
	At    time.Time
}

func (Authorize) command() {}

func authorize(s State, c Authorize) ([]Event, error) {
	if s.ID != "" {
		return nil, ErrExists
	}
	if c.ID == "" || c.User == "" || c.Client == "" || c.Resource == "" || c.Redirect == "" ||
		c.Challenge == "" || c.Code == "" || len(c.Scopes) == 0 || !c.CodeExpires.After(c.At) {
		return nil, ErrIncomplete
	}
	return []Event{Authorized{
		ID: c.ID, User: c.User, Client: c.Client, ClientName: c.ClientName, Verified: c.Verified,
		Resource: c.Resource, Redirect: c.Redirect, Scopes: c.Scopes, Challenge: c.Challenge,
		Code: c.Code, CodeExpires: c.CodeExpires, Until: c.Until, At: c.At,
	}}, nil
}
