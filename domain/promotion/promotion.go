// Package promotion is a discount code: what it takes off, for whom and how
// often, and which orders have used it. It prices no cart and places no order.
package promotion

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"till/domain/money"
)

// Bounds.
const (
	// MinCode and MaxCode bound the characters of a code.
	MinCode, MaxCode = 3, 32
	// MaxUses bounds how often one code can be used. Each use stands in the
	// code's state, so that whether one more is allowed is decided in one place.
	MaxUses = 10_000
	// MaxTitle bounds the characters of a title.
	MaxTitle = 80
	// Whole is a hundred per cent, in basis points.
	Whole = 10_000
)

// ErrCode: no text that a code can have.
var ErrCode = fmt.Errorf("promotion: a code has %d to %d letters A-Z, digits or hyphens", MinCode, MaxCode)

// Normal is the code as it is kept, from the code as people type it: capitals are
// the same as small letters, and blanks around it do not count. It returns ErrCode
// for what no code can be.
func Normal(typed string) (string, error) {
	code := strings.TrimSpace(typed)
	// Before the letters are made capitals: some letters of other alphabets become
	// one of these.
	if len(code) < MinCode || len(code) > MaxCode || strings.Trim(code, letters) != "" {
		return "", ErrCode
	}
	return strings.ToUpper(code), nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

// Terms are what a code promises.
type Terms struct {
	// Title says in the merchant's words what it is for; it may be empty.
	Title string `json:"title,omitempty"`
	// Percent takes off so many basis points (1,000 are 10 %), Off an amount; one of
	// the two is set.
	Percent int           `json:"basis_points,omitempty"`
	Off     *money.Amount `json:"off,omitempty"`
	// Minimum is what a cart must cost before any discount, nil for nothing.
	Minimum *money.Amount `json:"minimum,omitempty"`
	// Category is the only one whose products become cheaper; empty for all.
	Category string `json:"category,omitempty"`
	// Starts and Ends bound when it can be used; the zero time is no bound. It no
	// longer holds at Ends itself.
	Starts time.Time `json:"starts,omitzero"`
	Ends   time.Time `json:"ends,omitzero"`
	// Limit is how often it can be used in all, at most MaxUses; PerPerson how often
	// by one person, 0 for any number.
	Limit     int `json:"limit"`
	PerPerson int `json:"per_person,omitempty"`
}

// ErrTerms: a promise that cannot be kept.
var ErrTerms = errors.New("promotion: impossible terms")

// Check returns ErrTerms, with the reason, for what no code can promise.
func (t Terms) Check() error {
	wrong := func(why string, args ...any) error {
		return fmt.Errorf("%w: "+why, append([]any{ErrTerms}, args...)...)
	}
	switch {
	case (t.Percent == 0) == (t.Off == nil):
		return wrong("a code takes off either a percentage or an amount")
	case t.Off == nil && (t.Percent < 1 || t.Percent > Whole):
		return wrong("a percentage lies between 0.01 and 100")
	case t.Off != nil && (t.Off.Check() != nil || t.Off.Minor < 1):
		return wrong("the amount taken off must be above zero")
	case t.Minimum != nil && (t.Minimum.Check() != nil || t.Minimum.Minor < 1):
		return wrong("the minimum must be above zero")
	case t.Off != nil && t.Minimum != nil && t.Off.Currency != t.Minimum.Currency:
		return wrong("the amount is in %s and the minimum in %s", t.Off.Currency, t.Minimum.Currency)
	case !t.Ends.IsZero() && !t.Starts.Before(t.Ends):
		return wrong("it would end before it starts")
	case t.Limit < 1 || t.Limit > MaxUses:
		return wrong("a code can be used 1 to %d times", MaxUses)
	case t.PerPerson < 0 || t.PerPerson > t.Limit:
		return wrong("one person cannot use it more often than all together, %d times", t.Limit)
	case len([]rune(t.Title)) > MaxTitle:
		return wrong("a title has at most %d characters", MaxTitle)
	}
	return nil
}

// Worth says what the code takes off: "10 %" or "$5.00".
func (t Terms) Worth() string {
	if t.Off != nil {
		return t.Off.String()
	}
	whole, part := t.Percent/100, t.Percent%100
	if part == 0 {
		return fmt.Sprintf("%d %%", whole)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%02d", whole, part), "0") + " %"
}
