package mcp

import (
	"strings"
	"time"

	"till/domain/money"
)

// price is an amount of money as it is answered: minor units for programs and a
// text for people.
type price struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Display  string `json:"display"`
}

func priced(a money.Amount) price { return price{a.Minor, a.Currency, a.String()} }

// total is an amount that may be the sum of nothing, which has no currency.
func (s *Server) total(a money.Amount) price {
	if a.Currency == "" {
		a.Currency = s.Currency
	}
	return priced(a)
}

// worded is a word of a program as people say it: "payment declined".
func worded(word string) string { return strings.ReplaceAll(word, "_", " ") }

// stamp is a time as it is answered: RFC 3339 in UTC; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
