package authz

import (
	"math/big"
	"strings"
	"testing"

	"till/domain/money"
)

// What is taken as an amount is the number that is written there, and nothing that
// might be another one.
func FuzzAmount(f *testing.F) {
	for _, text := range []string{"50", "$50.00", "12,5", "1,000", "1.000", "-1", "USD 7", "7 USD", "0", "1e3", "٣", "5.", ".5", "$$5"} {
		f.Add(text, "USD")
	}
	f.Add("500", "JPY")
	f.Add("5.0", "JPY")
	f.Add("CHF 4.99", "CHF")
	f.Fuzz(func(t *testing.T, text, currency string) {
		amount, ok := amountOf(text, currency)
		if !ok {
			return
		}
		if amount.Currency != currency || amount.Check() != nil || amount.Minor < 0 {
			t.Fatalf("%q is %+v", text, amount)
		}
		var digits strings.Builder
		for _, r := range strings.ReplaceAll(text, currency, "") {
			switch {
			case r >= '0' && r <= '9':
				digits.WriteRune(r)
			case r == '.' || r == ',':
				digits.WriteByte('.')
			}
		}
		value, ok := new(big.Rat).SetString(digits.String())
		if !ok {
			t.Fatalf("%q is no number and taken as %s", text, amount)
		}
		scale := new(big.Rat).SetInt64(1)
		for range money.Exponent(currency) {
			scale.Mul(scale, new(big.Rat).SetInt64(10))
		}
		if value.Mul(value, scale).Cmp(new(big.Rat).SetInt64(amount.Minor)) != 0 {
			t.Fatalf("%q is taken as %s", text, amount)
		}
	})
}
