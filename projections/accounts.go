package projections

import (
	"context"
	"errors"

	"till/domain/account"
	"till/domain/eventlog"
)

// newAccounts is the view of people's accounts. Names stand in it as sealed as
// on the log.
func newAccounts() *accounts {
	return newAggregate("accounts", account.Decider(), fewStates,
		column[account.State]{"forgotten INTEGER NOT NULL", func(_ string, s account.State) any { return s.Forgotten }})
}

// Forgotten returns the ids of all people who were forgotten. It is asked once,
// when a shop is opened, and looks through all accounts.
func (v *Views) Forgotten(ctx context.Context) (users []string, err error) {
	err = v.Read(ctx, 0, func(r *Reader) error {
		users = nil // it may be the second time
		return r.rows(ctx, "SELECT id FROM accounts WHERE forgotten = 1 ORDER BY id", nil, func(scan func(...any) error) error {
			users = append(users, "")
			return scan(&users[len(users)-1])
		})
	})
	return users, err
}

// Person is an account with its login name opened.
type Person struct {
	account.State
	// Name is the login name; empty once it is erased.
	Name string
	// Erased is whether the person was forgotten: the key that sealed the name
	// is gone.
	Erased bool
}

// Users returns the ids of all accounts, forgotten ones too.
func (v *Views) Users(ctx context.Context) ([]string, error) {
	return v.ids(ctx, "SELECT id FROM accounts ORDER BY id")
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
