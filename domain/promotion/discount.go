package promotion

import (
	"cmp"
	"math/bits"
	"slices"
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
	currency, off := "", make([]int64, len(lines))
	shares := make([]int64, len(lines))
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
		return off, nil
	}
	spread(off, shares, fit, t.of(fit))
	return off, nil
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

// spread divides the amount among the shares of the sum, by largest remainder: the
// parts add up to it to the last cent.
func spread(off, shares []int64, sum, amount int64) {
	type rest struct {
		line int
		left uint64
	}
	rests := make([]rest, 0, len(shares))
	given := int64(0)
	for i, share := range shares {
		high, low := bits.Mul64(uint64(share), uint64(amount))
		// The quotient fits: no share is larger than the sum, nor is the amount.
		whole, left := bits.Div64(high, low, uint64(sum))
		off[i] = int64(whole)
		given += off[i]
		rests = append(rests, rest{i, left})
	}
	slices.SortStableFunc(rests, func(a, b rest) int { return cmp.Compare(b.left, a.left) })
	for _, r := range rests[:amount-given] {
		off[r.line]++
	}
}
