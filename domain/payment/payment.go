// Package payment is the port to whoever moves the money. It holds no card
// data: a method is a reference that the gateway understands.
package payment

import (
	"context"

	"till/domain/money"
)

// Request asks for an authorization. Asked again under the same key, a gateway
// answers what it answered before and charges nothing more.
type Request struct {
	// Key is the idempotency key, made of order and attempt.
	Key    string       `json:"key"`
	Amount money.Amount `json:"amount"`
	Method string       `json:"method"`
}

// RefundRequest asks to pay an authorized amount, or a part of it, back. Asked
// again under the same key, a gateway answers what it answered before and pays
// nothing more. Whether that voids an authorization that was not captured or moves
// money is the gateway's business.
type RefundRequest struct {
	// Key is the idempotency key, made of order and operation.
	Key string `json:"key"`
	// Payment is the reference of the authorization.
	Payment string       `json:"payment"`
	Amount  money.Amount `json:"amount"`
}

// Outcome is what a gateway says of a request.
type Outcome string

// The outcomes.
const (
	// Authorized: the amount is set aside for the shop.
	Authorized Outcome = "authorized"
	// Refunded: the amount is paid back.
	Refunded Outcome = "refunded"
	// Declined: refused for good under this key; nothing is charged.
	Declined Outcome = "declined"
	// Unknown: the gateway cannot say yet. Ask again under the same key and
	// never under a new one.
	Unknown Outcome = "unknown"
	// Absent is Lookup's answer for a key that the gateway never saw.
	Absent Outcome = "absent"
)

// Result is a gateway's answer.
type Result struct {
	Outcome Outcome `json:"outcome"`
	// Reference names an authorization or a refund at the gateway.
	Reference string `json:"reference,omitempty"`
	// Code and Reason say why it was declined, for machines and for people.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Gateway authorizes payments and pays them back. An error means that nobody knows
// what happened, just as Unknown does.
type Gateway interface {
	Authorize(ctx context.Context, r Request) (Result, error)
	Refund(ctx context.Context, r RefundRequest) (Result, error)
	Lookup(ctx context.Context, key string) (Result, error)
	// Test is whether no real money moves. Only then may a checkout go without
	// a quote that somebody has seen.
	Test() bool
	// DefaultMethod is the method of a checkout that names none; "" if each
	// must name one.
	DefaultMethod() string
}
