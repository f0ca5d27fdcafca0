package promotion

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"till/domain/order"
)

// Use is an order's use of a code.
type Use struct {
	Order   string
	Attempt int
	User    string
	// At is when, to the second.
	At time.Time
}

// Uses are kept as one text, a line each: a code that thousands have used is written
// whole whenever one more does, and a list of objects takes several times as long
// (BenchmarkUsedCode).
type Uses []Use

func useOf(reservation, user string, at time.Time) Use {
	u := Use{User: user, At: at.UTC().Truncate(time.Second)}
	u.Order, u.Attempt = order.OfReservation(reservation)
	return u
}

// MarshalText writes a line such as "2026-11-23T12:00:00Z CS-7K3M9-Q2X4T/1 usr_1" for
// each.
func (all Uses) MarshalText() ([]byte, error) {
	text := make([]byte, 0, 80*len(all))
	for _, u := range all {
		text = u.At.AppendFormat(text, time.RFC3339)
		text = append(append(text, ' '), u.Order...)
		text = strconv.AppendInt(append(text, '/'), int64(u.Attempt), 10)
		text = append(append(append(text, ' '), u.User...), '\n')
	}
	return text, nil
}

// ErrUse: a line that is no use of a code.
var ErrUse = errors.New("promotion: not the use of a code")

// UnmarshalText reads what MarshalText wrote.
func (all *Uses) UnmarshalText(text []byte) error {
	*all = nil
	for line := range strings.Lines(string(text)) {
		at, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		reservation, user, ok := strings.Cut(rest, " ")
		when, err := time.Parse(time.RFC3339, at)
		if err != nil || !ok {
			return fmt.Errorf("%w: %.60q", ErrUse, line)
		}
		*all = append(*all, useOf(reservation, user, when))
	}
	return nil
}

// find is where the attempt is among them, -1 if it is not.
func find(uses Uses, reservation string) int {
	id, n := order.OfReservation(reservation)
	return slices.IndexFunc(uses, func(u Use) bool { return u.Order == id && u.Attempt == n })
}

// after is whether the attempt or a later one of the same order is among them.
func after(uses Uses, reservation string) bool {
	id, n := order.OfReservation(reservation)
	return slices.ContainsFunc(uses, func(u Use) bool { return u.Order == id && u.Attempt >= n })
}
