package tests

import (
	"fmt"
	"strings"
)

// limited is an agent with limits, and what counts against them by attempt.
type limited struct {
	client string
	counts map[string]int
}

func orderOf(reservation string) string {
	id, _, _ := strings.Cut(reservation, "/")
	return id
}

// counted follows what counts against an agent's limits: each attempt once, as long
// as it is under way or has become an order that is not cancelled.
func (r *record) counted(e written) string {
	user, _, _ := strings.Cut(e.Stream.ID, ".")
	l, d := r.limits[user], e.Data
	switch e.Type {
	case "spending.rules_set":
		if l == nil {
			r.limits[user] = &limited{d.Client, map[string]int{}}
		}
		return ""
	case "spending.reserved", "spending.released":
	default:
		return ""
	}
	o := r.orders[orderOf(d.Reservation)]
	if l == nil || o == nil || o.user != user || o.client != l.client {
		return "there are no limits, or the order is another agent's"
	}
	counts, known := l.counts[d.Reservation]
	switch e.Type {
	case "spending.reserved":
		if known || d.Reservation != fmt.Sprintf("%s/%d", orderOf(d.Reservation), o.attempt) || o.placed > 0 {
			return "it counts already, or its attempt is over"
		}
		l.counts[d.Reservation] = d.Amount.Amount
	case "spending.released":
		if !known || counts != d.Amount.Amount || o.placed > 0 && !o.paysBack(d.Reason) {
			return fmt.Sprintf("%d counted, the order was placed %d times and cancelled %d times", counts, o.placed, o.since.cancelled)
		}
		delete(l.counts, d.Reservation)
	}
	return ""
}
