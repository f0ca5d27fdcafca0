package history

import (
	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
)

// Kind is a kind of thing that events are looked up by.
type Kind byte

// The kinds. Their numbers stand in files of views.
const (
	User Kind = iota + 1
	Order
	Grant
	Client
	// Command is a command's id, Request that of the request that set it off
	// (the correlation).
	Command
	Request
)

// Key names one thing.
type Key struct {
	Kind Kind
	ID   string
}

// Concerns calls each with what the event concerns, as far as the event itself
// tells: who acted and for whom, by which command and request, on whose cart,
// for which order. It may name a thing twice. Whose an order, a session or a
// grant is, only its first event tells; see Owned.
func Concerns(e *eventlog.Envelope, value any, each func(Key)) {
	say := func(k Kind, id string) {
		if id != "" {
			each(Key{k, id})
		}
	}
	say(User, e.Actor.User)
	say(Client, e.Actor.Client)
	say(Grant, e.Actor.Grant)
	say(Command, e.Command)
	say(Request, e.Correlation)
	switch e.Stream.Category {
	case cart.Category, account.Category:
		say(User, e.Stream.ID)
	case order.Category:
		say(Order, e.Stream.ID)
	case grant.Category:
		say(Grant, e.Stream.ID)
	case client.Category:
		say(Client, e.Stream.ID)
	}
	switch v := value.(type) {
	case order.CheckoutStarted:
		say(User, v.User)
	case session.Started:
		say(User, v.User)
	case grant.Authorized:
		say(User, v.User)
		say(Client, v.Client)
	case spending.RulesSet:
		say(User, v.User)
		say(Client, v.Client)
	case spending.Reserved:
		say(Order, orderOf(v.Reservation))
	case spending.Released:
		say(Order, orderOf(v.Reservation))
	case spending.ApprovalRequested:
		say(Order, v.Order)
	case spending.Approved:
		say(Order, v.Order)
	case spending.Denied:
		say(Order, v.Order)
	case promotion.Redeemed:
		say(User, v.User)
		say(Order, orderOf(v.Reservation))
	case promotion.RedemptionReversed:
		say(Order, orderOf(v.Reservation))
	case stock.Reserved:
		say(Order, orderOf(v.Reservation))
	case stock.Released:
		say(Order, orderOf(v.Reservation))
	case stock.Committed:
		say(Order, orderOf(v.Reservation))
	case stock.Restocked:
		say(Order, v.Order)
	case cart.CheckedOut:
		say(Order, v.Order)
	case cart.CheckoutClaimed:
		say(Order, v.Order)
	case cart.CheckoutReleased:
		say(Order, v.Order)
	}
}

// Owned is whether each event of the category concerns somebody whom only the
// first event of the stream names.
func Owned(category string) bool {
	switch category {
	case order.Category, session.Category, grant.Category, spending.Category:
		return true
	}
	return false
}

// orderOf is the order of a reservation.
func orderOf(reservation string) string {
	id, _ := order.OfReservation(reservation)
	return id
}
