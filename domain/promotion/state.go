package promotion

import (
	"errors"
	"fmt"
	"time"

	"till/domain/money"
)

// State is one code and who has used it.
type State struct {
	// Code is empty where there is no such code.
	Code    string    `json:"code"`
	Terms   Terms     `json:"terms"`
	Created time.Time `json:"created,omitzero"`
	// Ended is when the merchant ended it.
	Ended time.Time `json:"ended,omitzero"`
	Uses  Uses      `json:"uses,omitempty"`
	// Past are attempts at an order that came to nothing not long ago: a late step
	// of one of them uses the code no more.
	Past Uses `json:"past,omitempty"`
}

var (
	// ErrUnknown: there is no such code, or none yet. Who guesses codes is not told
	// which.
	ErrUnknown = errors.New("promotion: there is no such code")
	// ErrEnded: its time is over, or the merchant ended it.
	ErrEnded = errors.New("promotion: the code has ended")
	// ErrUsedUp: it was used as often as it can be.
	ErrUsedUp = errors.New("promotion: the code is used up")
	// ErrNotAgain: this person has used it as often as one person can.
	ErrNotAgain = errors.New("promotion: this person has used the code")
)

// Minimum is the refusal of a cart that costs too little.
type Minimum struct{ Needs, Missing money.Amount }

func (e *Minimum) Error() string {
	return fmt.Sprintf("promotion: %s are missing to the minimum of %s", e.Missing, e.Needs)
}

// Elsewhere is the refusal of a cart that holds nothing that the code is for:
// nothing of its category, or nothing in its currency.
type Elsewhere struct{ Category, Currency string }

func (e *Elsewhere) Error() string {
	if e.Category != "" {
		return "promotion: the code is for the category " + e.Category
	}
	return "promotion: the code is for prices in " + e.Currency
}

// Check is why the person cannot use the code now, whatever they buy: one of the
// errors of this package, or nil. What the order but has used does not count.
func (s State) Check(user, but string, now time.Time) error {
	switch {
	case s.Code == "" || now.Before(s.Terms.Starts):
		return ErrUnknown
	case !s.Ended.IsZero() || !s.Terms.Ends.IsZero() && !now.Before(s.Terms.Ends):
		return ErrEnded
	}
	all, theirs := s.Used(user, but)
	switch {
	case s.Terms.PerPerson > 0 && theirs >= s.Terms.PerPerson:
		return ErrNotAgain
	case all >= s.Terms.Limit:
		return ErrUsedUp
	}
	return nil
}

// Used is how often the code is used in all and by the person, but for the order.
func (s State) Used(user, but string) (all, theirs int) {
	for _, u := range s.Uses {
		if but != "" && u.Order == but {
			continue
		}
		all++
		if u.User == user {
			theirs++
		}
	}
	return all, theirs
}

// Left is how often it can still be used in all.
func (s State) Left() int { return max(0, s.Terms.Limit-len(s.Uses)) }
