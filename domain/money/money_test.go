package money_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"till/domain/money"
)

func TestString(t *testing.T) {
	for _, c := range []struct {
		amount money.Amount
		want   string
	}{
		{money.Of(499, "USD"), "$4.99"},
		{money.Of(5, "USD"), "$0.05"},
		{money.Of(0, "EUR"), "€0.00"},
		{money.Of(-100, "USD"), "-$1.00"},
		{money.Of(500, "JPY"), "¥500"},
		{money.Of(1234, "KWD"), "KWD 1.234"},
		{money.Of(499, "CHF"), "CHF 4.99"},
	} {
		if got := c.amount.String(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.amount, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, currency string
		want           int64
		err            error
	}{
		{"4.99", "USD", 499, nil},
		{"5", "USD", 500, nil},
		{" 4.9 ", "USD", 490, nil},
		{"4.990", "USD", 499, nil},
		{"500", "JPY", 500, nil},
		{"4.999", "USD", 0, money.ErrSyntax},
		{"4.9", "JPY", 0, money.ErrSyntax},
		{"", "USD", 0, money.ErrSyntax},
		{"1e3", "USD", 0, money.ErrSyntax},
		{"4,99", "USD", 0, money.ErrSyntax},
		{"--4", "USD", 0, money.ErrSyntax},
		{"999999999999999999", "USD", 0, money.ErrSyntax},
		{"9999999999999999", "USD", 0, money.ErrRange},
		{"1", "usd", 0, money.ErrCurrency},
	} {
		got, err := money.Parse(c.text, c.currency)
		if !errors.Is(err, c.err) || (err == nil && got.Minor != c.want) {
			t.Errorf("Parse(%q, %s) = %v, %v; want %d, %v", c.text, c.currency, got, err, c.want, c.err)
		}
	}
}

func TestPlus(t *testing.T) {
	if _, err := money.Of(1, "USD").Plus(money.Of(1, "EUR")); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("two currencies in one sum: %v", err)
	}
	if _, err := money.Of(money.Max, "USD").Plus(money.Of(1, "USD")); !errors.Is(err, money.ErrRange) {
		t.Errorf("beyond the wire's exact range: %v", err)
	}
}

// What is written without its symbol reads back as the same amount.
func TestParseReadsWhatStringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]string{"CHF", "KRW", "KWD", "SEK"}).Draw(t, "currency")
		a := money.Of(rapid.Int64Range(0, money.Max).Draw(t, "minor"), currency)
		got, err := money.Parse(a.String()[len("CHF "):], currency)
		if err != nil || got != a {
			t.Fatalf("%+v was written %q and read as %+v, %v", a, a, got, err)
		}
	})
}
