// Package money holds amounts in minor units of an ISO 4217 currency. It does
// not convert between currencies and knows no fractions of a minor unit.
package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Amount is a sum of money: Minor counts the smallest unit of the currency
// (cents for USD, yen for JPY). On the wire it stays below 2^53, so that every
// JSON reader keeps it exact.
type Amount struct {
	Minor    int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Max is the largest amount that may stand on the wire, in minor units.
const Max = 1<<53 - 1

var (
	// ErrCurrency: not three upper-case letters, or two currencies in one sum.
	ErrCurrency = errors.New("money: not one known currency")
	// ErrRange: beyond what the wire keeps exact.
	ErrRange = errors.New("money: amount out of range")
	// ErrSyntax: text that is not a decimal number fitting the currency.
	ErrSyntax = errors.New("money: not an amount")
)

// Of is the amount of minor units in a currency.
func Of(minor int64, currency string) Amount { return Amount{minor, currency} }

// Check returns ErrCurrency or ErrRange for an amount that may not be stored.
func (a Amount) Check() error {
	if !IsCurrency(a.Currency) {
		return fmt.Errorf("%w: %q", ErrCurrency, a.Currency)
	}
	if a.Minor > Max || a.Minor < -Max {
		return fmt.Errorf("%w: %d", ErrRange, a.Minor)
	}
	return nil
}

// Times is the amount taken n times. The caller bounds both, as the cart does.
func (a Amount) Times(n int) Amount { return Amount{a.Minor * int64(n), a.Currency} }

// Plus adds an amount of the same currency.
func (a Amount) Plus(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrCurrency, a.Currency, b.Currency)
	}
	sum := Amount{a.Minor + b.Minor, a.Currency}
	return sum, sum.Check()
}

// IsCurrency reports whether the code has the form of ISO 4217.
func IsCurrency(code string) bool {
	return len(code) == 3 && strings.IndexFunc(code, func(r rune) bool { return r < 'A' || r > 'Z' }) < 0
}

// String is the amount as people write it: "$4.99", "€4.99", "¥500",
// "CHF 4.99", "-$1.00".
func (a Amount) String() string {
	if a.Minor < 0 {
		return "-" + symbol(a.Currency) + Of(-a.Minor, a.Currency).Decimal()
	}
	return symbol(a.Currency) + a.Decimal()
}

// Decimal is the amount without its currency: "4.99", "500", "-1.00".
func (a Amount) Decimal() string {
	sign, minor := "", a.Minor
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits := strconv.FormatInt(minor, 10)
	if e := Exponent(a.Currency); e > 0 {
		if len(digits) <= e {
			digits = strings.Repeat("0", e+1-len(digits)) + digits
		}
		digits = digits[:len(digits)-e] + "." + digits[len(digits)-e:]
	}
	return sign + digits
}

// Parse reads a decimal such as "4.99" or "5" as an amount of the currency. It
// returns ErrSyntax for anything else, also for more decimals than the currency
// has, and ErrRange beyond Max.
func Parse(decimal, currency string) (Amount, error) {
	if !IsCurrency(currency) {
		return Amount{}, fmt.Errorf("%w: %q", ErrCurrency, currency)
	}
	e := Exponent(currency)
	whole, fraction, _ := strings.Cut(strings.TrimSpace(decimal), ".")
	fraction = strings.TrimRight(fraction, "0")
	if whole == "" || len(whole) > 16 || len(fraction) > e || !isDigits(strings.TrimPrefix(whole, "-")) || (fraction != "" && !isDigits(fraction)) {
		return Amount{}, fmt.Errorf("%w in %s: %q", ErrSyntax, currency, decimal)
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", e-len(fraction)), 10, 64)
	if err != nil {
		return Amount{}, fmt.Errorf("%w: %q", ErrRange, decimal)
	}
	a := Amount{minor, currency}
	return a, a.Check()
}

func isDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
