package history

import (
	"strings"
	"unicode"
)

// Plain makes text from outside fit for a line of a terminal or the context of
// a model: one line, no control characters, no marks that hide text or turn it
// around, at most so many characters.
func Plain(text string, most int) string {
	clean := make([]rune, 0, min(len(text), 4*most))
	gap := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			gap = true
			continue
		case !unicode.IsPrint(r):
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
