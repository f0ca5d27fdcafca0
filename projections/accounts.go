package projections

import (
	"context"
	"errors"

	"till/domain/account"
	"till/domain/eventlog"
)

// Person is an account with its login name opened.
type Person struct {
	account.State
	// Name is the login name; empty once it is erased.
	Name string
	// Erased is whether the person was forgotten: the key that sealed the name
	// is gone.
	Erased bool
}

// Person returns a person's account; ok is false when there is none. The name
// is opened at each call and stored nowhere, so that it is gone with its key.
func (v *Views) Person(ctx context.Context, user string) (p Person, ok bool, err error) {
	state, _, err := v.State(ctx, eventlog.Stream{Category: account.Category, ID: user})
	if err != nil || state == nil {
		return Person{}, false, err
	}
	p.State = state.(account.State)
	var key []byte
	if v.keys != nil {
		if key, err = v.keys(ctx, p.Login.Of); err != nil {
			return Person{}, false, err
		}
	}
	p.Name, err = p.Login.Open(key)
	if errors.Is(err, eventlog.ErrErased) {
		p.Erased, err = true, nil
	}
	return p, err == nil, err
}
