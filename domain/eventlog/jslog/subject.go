package jslog

import (
	"fmt"
	"strings"

	"till/domain/eventlog"
)

// subjectRoot begins the subject of every event.
const subjectRoot = "shop."

const hexDigits = "0123456789ABCDEF"

// subjectOf is the subject of a stream's events. The id becomes one token:
// A-Z a-z 0-9 _ and - stand for themselves, every other byte is "=" and two
// capital hex digits, so that "a.b c" reads a=2Eb=20c. Each id has exactly one
// such form and the other way round.
func subjectOf(s eventlog.Stream) string {
	return subjectRoot + s.Category + "." + escape(s.ID)
}

// streamOf is the stream that a subject belongs to.
func streamOf(subject string) (eventlog.Stream, error) {
	rest, ok := strings.CutPrefix(subject, subjectRoot)
	category, token, found := strings.Cut(rest, ".")
	if !ok || !found || category == "" {
		return eventlog.Stream{}, fmt.Errorf("%w: the subject %q names no stream", eventlog.ErrDamaged, subject)
	}
	id, err := unescape(token)
	if err != nil {
		return eventlog.Stream{}, fmt.Errorf("%w: the subject %q: %w", eventlog.ErrDamaged, subject, err)
	}
	return eventlog.Stream{Category: category, ID: id}, nil
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func escape(id string) string {
	odd := 0
	for i := range len(id) {
		if !plain(id[i]) {
			odd++
		}
	}
	if odd == 0 {
		return id
	}
	var b strings.Builder
	b.Grow(len(id) + 2*odd)
	for i := range len(id) {
		if c := id[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

// unescape undoes escape. A token that escape would not have written is an
// error: two subjects must never be one stream.
func unescape(token string) (string, error) {
	if token == "" {
		return "", fmt.Errorf("an empty id")
	}
	odd := strings.IndexByte(token, '=')
	if odd < 0 {
		odd = len(token)
	}
	for i := range odd {
		if !plain(token[i]) {
			return "", fmt.Errorf("the byte %q of the id is not escaped", token[i])
		}
	}
	if odd == len(token) {
		return token, nil
	}
	b := make([]byte, odd, len(token))
	copy(b, token)
	for i := odd; i < len(token); i++ {
		c := token[i]
		if c != '=' {
			if !plain(c) {
				return "", fmt.Errorf("the byte %q of the id is not escaped", c)
			}
			b = append(b, c)
			continue
		}
		if i+2 >= len(token) {
			return "", fmt.Errorf("the id ends in the middle of an escape")
		}
		high, low := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
		if high < 0 || low < 0 {
			return "", fmt.Errorf("the id holds a broken escape")
		}
		c = byte(high<<4 | low)
		if plain(c) {
			return "", fmt.Errorf("the byte %q of the id is escaped without need", c)
		}
		b = append(b, c)
		i += 2
	}
	return string(b), nil
}
