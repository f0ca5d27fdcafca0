package history

import (
	"strings"
	"time"
	"unicode"
)

// Bounds of what a sentence repeats of text from outside, in characters.
const (
	maxName   = 80
	maxReason = 200
	maxID     = 80
	// maxListed is how many things a sentence lists before it only counts.
	maxListed = 5
)

// Plain makes text from outside fit for a line of a terminal or the context of
// a model: one line, no control characters, no marks that hide text or turn it
// around, at most so many characters.
func Plain(text string, most int) string {
	clean := make([]rune, 0, min(len(text), 4*most))
	gap := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			gap = true
			continue
		case unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			continue
		}
		if gap && len(clean) > 0 {
			clean = append(clean, ' ')
		}
		gap = false
		clean = append(clean, r) // a byte that is no text comes as U+FFFD
		if len(clean) > most {
			return strings.TrimSpace(string(clean[:most-1])) + "…"
		}
	}
	return string(clean)
}

// stamp is a time as a sentence says it. Sentences know no clock and no place,
// so it is UTC and says so.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
