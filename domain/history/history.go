// Package history tells the shop's past: what an event says in plain words, whom
// and what it concerns, what a stream's events add up to and what changes between
// two states. It reads no log, decides nothing and shows no secret, not even its
// hash.
package history

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"till/domain/cart"
	"till/domain/money"
)

// maxText bounds how much of a text from outside is told, in characters.
const maxText = 80

// clean makes text from outside safe to show on a terminal and to a model: one
// line, no control characters, not long.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if r := []rune(text); len(r) > maxText {
		text = string(r[:maxText-1]) + "…"
	}
	return text
}

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
