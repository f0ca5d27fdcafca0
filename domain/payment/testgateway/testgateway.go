// Package testgateway is a payment gateway that moves no money: the token says
// what happens. Like a real one it keeps every answer by key, beyond a restart
// of the shop.
package testgateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/payment"
)

// Settles is how long a payment with the token tok_timeout stays unknown.
const Settles = 3 * time.Second

// Gateway implements payment.Gateway.
type Gateway struct {
	// charges holds the first answer to each key.
	charges eventlog.Bucket
	now     func() time.Time
}

// New returns a gateway that keeps its answers in the bucket.
func New(charges eventlog.Bucket, now func() time.Time) *Gateway {
	return &Gateway{charges, now}
}

var _ payment.Gateway = (*Gateway)(nil)

// charge is what the gateway remembers of a request.
type charge struct {
	Amount money.Amount   `json:"amount"`
	Method string         `json:"method"`
	At     time.Time      `json:"at"`
	Final  payment.Result `json:"final"`
	// Slow: the answer is Unknown until Settles has passed.
	Slow bool `json:"slow,omitempty"`
}

// ErrKeyReused: the key came with another amount or method before.
var ErrKeyReused = errors.New("testgateway: the key was used for another payment")

// Authorize implements [payment.Gateway].
func (g *Gateway) Authorize(ctx context.Context, r payment.Request) (payment.Result, error) {
	c := charge{Amount: r.Amount, Method: r.Method, At: g.now(), Final: verdict(r), Slow: r.Method == "tok_timeout"}
	data, err := json.Marshal(c)
	if err != nil {
		return payment.Result{}, err
	}
	if err := g.charges.Create(ctx, r.Key, data); errors.Is(err, eventlog.ErrKeyExists) {
		before, err := g.charge(ctx, r.Key)
		if err != nil {
			return payment.Result{}, err
		}
		if before.Amount != r.Amount || before.Method != r.Method {
			return payment.Result{}, fmt.Errorf("%w: %s", ErrKeyReused, r.Key)
		}
		c = before
	} else if err != nil {
		return payment.Result{}, err
	}
	return g.answer(c), nil
}

// Lookup implements [payment.Gateway].
func (g *Gateway) Lookup(ctx context.Context, key string) (payment.Result, error) {
	c, err := g.charge(ctx, key)
	if errors.Is(err, eventlog.ErrNoKey) {
		return payment.Result{Outcome: payment.Absent}, nil
	}
	if err != nil {
		return payment.Result{}, err
	}
	return g.answer(c), nil
}

// Test implements [payment.Gateway].
func (g *Gateway) Test() bool { return true }

// DefaultMethod implements [payment.Gateway].
func (g *Gateway) DefaultMethod() string { return "pm_card_visa" }

func (g *Gateway) charge(ctx context.Context, key string) (charge, error) {
	data, _, err := g.charges.Get(ctx, key)
	if err != nil {
		return charge{}, err
	}
	var c charge
	return c, json.Unmarshal(data, &c)
}

func (g *Gateway) answer(c charge) payment.Result {
	if c.Slow && g.now().Sub(c.At) < Settles {
		return payment.Result{Outcome: payment.Unknown}
	}
	return c.Final
}

// verdict is what the token says.
func verdict(r payment.Request) payment.Result {
	declined := func(code, reason string) payment.Result {
		return payment.Result{Outcome: payment.Declined, Code: code, Reason: reason}
	}
	switch r.Method {
	case "pm_card_visa", "success_token", "tok_timeout":
		sum := sha256.Sum256([]byte(r.Key))
		return payment.Result{Outcome: payment.Authorized, Reference: "test_" + hex.EncodeToString(sum[:8])}
	case "pm_card_visa_chargeDeclined", "pm_card_chargeDeclined", "fail_token":
		return declined("card_declined", "The card was declined.")
	case "pm_card_visa_chargeDeclinedInsufficientFunds":
		return declined("insufficient_funds", "The card has insufficient funds.")
	case "pm_card_authenticationRequired":
		return declined("authentication_required", "The bank wants the cardholder to confirm the payment, which the test gateway cannot do.")
	}
	return declined("unknown_payment_method", "The test gateway does not know this payment method; pm_card_visa succeeds.")
}
