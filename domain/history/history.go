// Package history tells the shop's past: what an event says in plain words, whom
// and what it concerns, what a stream's events add up to and what changes between
// two states. It reads no log, decides nothing and shows no secret, not even its
// hash.
package history

import (
	"fmt"
	"time"

	"till/domain/cart"
	"till/domain/money"
)

// maxText bounds how much of a text from outside is told, in characters.
const maxText = 80

// clean is [Plain] at the length that sentences repeat.
func clean(text string) string { return Plain(text, maxText) }

// named is an item as people call it.
func named(i cart.Item) string {
	if i.Title == "" {
		return clean(i.SKU)
	}
	if i.Variant != "" {
		return clean(i.Title) + " (" + clean(i.Variant) + ")"
	}
	return clean(i.Title)
}

func pieces(n int) string {
	if n == 1 {
		return "1 piece"
	}
	return fmt.Sprintf("%d pieces", n)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func price(a money.Amount) string { return a.String() }
