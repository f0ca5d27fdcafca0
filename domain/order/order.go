// Package order is a purchase from the moment somebody says "buy" to its end,
// which may be a delivery, a return or a cancellation. It records what the
// processes of checkout and aftersale have reached; it takes no step itself.
package order

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"till/domain/cart"
	"till/domain/money"
)

// Status is how far a purchase has come.
type Status string

// The statuses. Only Placed is an order in a person's history; the others are
// a checkout under way or one that came to nothing. What becomes of a placed order
// is its [Stage].
const (
	// Started: pieces are being reserved, the card has not been asked.
	Started Status = "started"
	// Paying: the payment was or is being asked for; only the gateway knows.
	Paying Status = "paying"
	// Pending: the gateway could not say; it is asked again under the same key.
	Pending Status = "payment_pending"
	// Declined: the payment was refused; nothing was charged.
	Declined Status = "payment_declined"
	// Failed: the purchase ended before the payment; nothing was charged.
	Failed Status = "failed"
	// Placed: paid for and promised.
	Placed Status = "placed"
)

// State is one purchase.
type State struct {
	ID    string `json:"id"`
	User  string `json:"user"`
	Quote string `json:"quote"`
	// CartVersion is the cart's revision that the quote was for.
	CartVersion uint64 `json:"cart_version"`
	Status      Status `json:"status"`
	// Client is the agent of the attempt, empty where it is none or not known.
	Client string `json:"client,omitempty"`
	// Attempt counts the tries to pay, from 1.
	Attempt int         `json:"attempt"`
	Lines   []cart.Line `json:"lines"`
	// Total is what is paid: the lines less the discount.
	Total money.Amount `json:"total"`
	// Discount is what a code took off, nil for none.
	Discount *Discount `json:"discount,omitempty"`
	// Method is the payment method of the attempt, a reference and no secret.
	Method    string    `json:"method"`
	StartedAt time.Time `json:"started_at"`
	PlacedAt  time.Time `json:"placed_at,omitzero"`
	// Payment is the gateway's reference of the authorization.
	Payment string `json:"payment,omitempty"`
	// Joined are the commands of the calls that found the purchase begun.
	Joined []string `json:"joined,omitempty"`
	// Code and Reason say why the last attempt came to nothing.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`

	// What became of the placed order; see Stage.
	Shipment    *Shipment `json:"shipment,omitempty"`
	DeliveredAt time.Time `json:"delivered_at,omitzero"`
	// ReturnsUntil is the end of the time for returns, zero while it has none.
	ReturnsUntil time.Time     `json:"returns_until,omitzero"`
	Cancellation *Cancellation `json:"cancellation,omitempty"`
	Returns      []Return      `json:"returns,omitempty"`
	Refunds      []Refund      `json:"refunds,omitempty"`
}

// Discount is what a code takes off an order.
type Discount struct {
	Code   string       `json:"code"`
	Amount money.Amount `json:"amount"`
	// Lines are the parts of the amount by line, without those that it leaves as
	// they are. They add up to it.
	Lines []LineDiscount `json:"lines"`
}

// LineDiscount is the part of a discount that falls to a line.
type LineDiscount struct {
	SKU    string       `json:"sku"`
	Amount money.Amount `json:"amount"`
}

// Subtotal is what the lines cost before the discount.
func (s State) Subtotal() money.Amount {
	if s.Discount == nil {
		return s.Total
	}
	return money.Of(s.Total.Minor+s.Discount.Amount.Minor, s.Total.Currency)
}

// DiscountCode is the code that the order uses, empty for none.
func (s State) DiscountCode() string {
	if s.Discount == nil {
		return ""
	}
	return s.Discount.Code
}

// maxJoined bounds how many calls are remembered that asked for the same.
const maxJoined = 50

// Open is whether the purchase is under way.
func (s State) Open() bool {
	return s.Status == Started || s.Status == Paying || s.Status == Pending
}

// Reservation is the name under which the attempt's pieces are kept apart.
func (s State) Reservation() string { return fmt.Sprintf("%s/%d", s.ID, s.Attempt) }

// OfReservation takes apart what [State.Reservation] makes: the order's id and the
// attempt, 0 for a reservation that no checkout made.
func OfReservation(reservation string) (id string, attempt int) {
	id, text, _ := strings.Cut(reservation, "/")
	attempt, _ = strconv.Atoi(text)
	return id, attempt
}

// PaymentKey is the idempotency key of the attempt at the gateway: asked twice
// under one key, a gateway charges once.
func (s State) PaymentKey() string { return fmt.Sprintf("%s-%d", s.ID, s.Attempt) }

// Bought is what the order takes out of the cart.
func (s State) Bought() []cart.Bought {
	bought := make([]cart.Bought, len(s.Lines))
	for i, l := range s.Lines {
		bought[i] = cart.Bought{SKU: l.SKU, Quantity: l.Quantity}
	}
	return bought
}

// Spelling mends what people misread in an order number: lower case, blanks,
// and the letters that look like digits and that no number holds.
func Spelling(id string) string {
	id = strings.NewReplacer(" ", "", "O", "0", "I", "1", "L", "1", "–", "-").Replace(strings.ToUpper(id))
	if len(id) == 11 && id[5] == '-' {
		id = "CS-" + id
	}
	return id
}

var (
	// ErrUnknown: there is no such order (or it is somebody else's).
	ErrUnknown = errors.New("order: unknown order")
	// ErrOther: the order exists and belongs to another quote or person.
	ErrOther = errors.New("order: the order belongs to another quote")
	// ErrMoved: the purchase is no longer where the step expects it; somebody
	// else took it further.
	ErrMoved = errors.New("order: the checkout has moved on")
)
