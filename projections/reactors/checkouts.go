package reactors

import (
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/stock"
)

// Due says when an event is handed to a reactor: the beginning of a checkout
// once its caller has had the time to end it, a reservation when it is over,
// anything else at once. It fits a subscriber that holds events back.
func Due(types *eventlog.Types) func(eventlog.Envelope) time.Time {
	return func(e eventlog.Envelope) time.Time {
		if e.Stream.Category != order.Category && e.Stream.Category != stock.Category {
			return e.Time
		}
		event, err := types.Decode(e)
		if err != nil {
			return e.Time // its reactor says what is wrong with it
		}
		switch event := event.(type) {
		case order.CheckoutStarted:
			return event.At.Add(checkout.Grace)
		case order.CheckoutRetried:
			return event.At.Add(checkout.Grace)
		case order.OrderPlaced, order.PaymentDeclined, order.CheckoutFailed:
			return e.Time.Add(checkout.Grace)
		case order.OrderCancelled:
			return event.At.Add(checkout.Grace)
		case order.ReturnReceived:
			return event.At.Add(checkout.Grace)
		case stock.Reserved:
			return event.Until
		}
		return e.Time
	}
}

// stand is how long a message keeps its place in front of the others while what
// it is about is under way. Later the sweep looks after it: one payment that
// nobody knows the outcome of must not hold up all others.
const stand = time.Minute

// checkout takes a purchase to its end whose caller may be gone, or what follows
// from a cancelled or returned one.
func (r *Reactors) checkout(m *message.Message) error {
	e, event, err := r.event(m)
	if err != nil {
		return err
	}
	began := e.Time
	switch event := event.(type) {
	case order.CheckoutStarted:
		began = event.At
	case order.CheckoutRetried:
		began = event.At
	case order.OrderPlaced, order.PaymentDeclined, order.CheckoutFailed:
		// What follows from an end may be missing too: the cart's lines to take
		// out, pieces and cart to give back.
	case order.OrderCancelled:
		return r.refund(m, e, event.At)
	case order.ReturnReceived:
		return r.refund(m, e, event.At)
	default:
		return nil
	}
	done, err := r.Process.Resume(m.Context(), e.Stream.ID, r.meta("checkouts", e))
	return r.again(done, err, began.Add(checkout.Grace))
}

// refund does what follows from an order that was cancelled or came back then.
func (r *Reactors) refund(m *message.Message, e eventlog.Envelope, then time.Time) error {
	done, err := r.Aftersale.Settle(m.Context(), e.Stream.ID, r.meta("refunds", e))
	return r.again(done, err, then.Add(checkout.Grace))
}

// reservation looks after pieces that were kept apart for long enough.
func (r *Reactors) reservation(m *message.Message) error {
	e, event, err := r.event(m)
	if err != nil {
		return err
	}
	reserved, ok := event.(stock.Reserved)
	if !ok {
		return nil
	}
	if r.Now().Before(reserved.Until) {
		return errAgain
	}
	done, err := r.Process.Expire(m.Context(), e.Stream.ID, reserved.Reservation, r.meta("reservations", e))
	return r.again(done, err, reserved.Until)
}

// again is the handler's answer: nil when the message is done with.
func (r *Reactors) again(done bool, err error, due time.Time) error {
	if err != nil || done || r.Now().Sub(due) > stand {
		return err
	}
	return errAgain
}
