package promotion

import (
	"strings"

	"till/domain/money"
)

// Line is a line of a cart as far as a code cares.
type Line struct {
	Subtotal money.Amount
	Category string
}

// Discount is how much the code takes off each line, in minor units and in the
// order of the lines: nothing where it does not hold, never more than the line
// costs, and in all exactly what the terms promise. It returns a *Minimum or an
// *Elsewhere for lines that the code is not for; none at all are worth nothing.
func (t Terms) Discount(lines []Line) ([]int64, error) {
	var all, fit int64
	currency, shares := "", make([]int64, len(lines))
	for i, l := range lines {
		all, currency = all+l.Subtotal.Minor, l.Subtotal.Currency
		if t.Category == "" || strings.EqualFold(t.Category, l.Category) {
			shares[i] = l.Subtotal.Minor
			fit += l.Subtotal.Minor
		}
	}
	for _, a := range []*money.Amount{t.Off, t.Minimum} {
		if a != nil && currency != "" && a.Currency != currency {
			return nil, &Elsewhere{Currency: a.Currency}
		}
	}
	switch {
	case t.Minimum != nil && all < t.Minimum.Minor:
		return nil, &Minimum{*t.Minimum, money.Of(t.Minimum.Minor-all, t.Minimum.Currency)}
	case fit == 0 && all > 0:
		return nil, &Elsewhere{Category: t.Category}
	case fit == 0:
		return shares, nil // of nothing
	}
	return money.Divide(t.of(fit), shares), nil
}

// of is what the terms take off a sum: never more than it.
func (t Terms) of(sum int64) int64 {
	if t.Off != nil {
		return min(t.Off.Minor, sum)
	}
	percent := int64(t.Percent)
	// In two parts, since the product of both may not fit; half a unit rounds up.
	return min(sum, sum/Whole*percent+(sum%Whole*percent+Whole/2)/Whole)
}
