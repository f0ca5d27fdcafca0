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
	"strings"
	"time"

	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/payment"
)

// Settles is how long the outcome stays unknown of a payment with the token
// tok_timeout, and of the refund of one with tok_refund_timeout.
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

// The references tell payments and refunds apart, and what becomes of a refund:
// the token of its payment says so.
const (
	charged    = "test_"
	slowRefund = charged + "slowrefund_"
	noRefund   = charged + "norefund_"
	refunded   = charged + "refund_"
)

// charge is what the gateway remembers of a request.
type charge struct {
	Amount money.Amount `json:"amount"`
	// Method is the token, of a refund the payment.
	Method string         `json:"method"`
	At     time.Time      `json:"at"`
	Final  payment.Result `json:"final"`
	// Slow: the answer is Unknown until Settles has passed.
	Slow bool `json:"slow,omitempty"`
}

// ErrKeyReused: the key came with another amount, method or payment before.
var ErrKeyReused = errors.New("testgateway: the key was used for another payment")

// Authorize implements [payment.Gateway].
func (g *Gateway) Authorize(ctx context.Context, r payment.Request) (payment.Result, error) {
	c := charge{Amount: r.Amount, Method: r.Method, At: g.now(), Final: verdict(r), Slow: r.Method == "tok_timeout"}
	return g.keep(ctx, r.Key, c)
}

// Refund implements [payment.Gateway].
func (g *Gateway) Refund(ctx context.Context, r payment.RefundRequest) (payment.Result, error) {
	c := charge{Amount: r.Amount, Method: r.Payment, At: g.now(), Slow: strings.HasPrefix(r.Payment, slowRefund)}
	switch {
	case strings.HasPrefix(r.Payment, noRefund):
		c.Final = payment.Result{Outcome: payment.Declined, Code: "card_closed", Reason: "The card is closed and takes no refund."}
	case strings.HasPrefix(r.Payment, charged):
		c.Final = payment.Result{Outcome: payment.Refunded, Reference: refunded + sum(r.Key)}
	default:
		c.Final = payment.Result{Outcome: payment.Declined, Code: "unknown_payment", Reason: "The test gateway has authorized no such payment."}
	}
	return g.keep(ctx, r.Key, c)
}

// keep returns the first answer to the key, which c is if there was none.
func (g *Gateway) keep(ctx context.Context, key string, c charge) (payment.Result, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return payment.Result{}, err
	}
	if err := g.charges.Create(ctx, key, data); errors.Is(err, eventlog.ErrKeyExists) {
		before, err := g.charge(ctx, key)
		if err != nil {
			return payment.Result{}, err
		}
		if before.Amount != c.Amount || before.Method != c.Method {
			return payment.Result{}, fmt.Errorf("%w: %s", ErrKeyReused, key)
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

// sum makes a reference of a key.
func sum(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// verdict is what the token says.
func verdict(r payment.Request) payment.Result {
	declined := func(code, reason string) payment.Result {
		return payment.Result{Outcome: payment.Declined, Code: code, Reason: reason}
	}
	switch r.Method {
	case "pm_card_visa", "success_token", "tok_timeout":
		return payment.Result{Outcome: payment.Authorized, Reference: charged + sum(r.Key)}
	case "tok_refund_timeout":
		return payment.Result{Outcome: payment.Authorized, Reference: slowRefund + sum(r.Key)}
	case "tok_refund_fail":
		return payment.Result{Outcome: payment.Authorized, Reference: noRefund + sum(r.Key)}
	case "pm_card_visa_chargeDeclined", "pm_card_chargeDeclined", "fail_token":
		return declined("card_declined", "The card was declined.")
	case "pm_card_visa_chargeDeclinedInsufficientFunds":
		return declined("insufficient_funds", "The card has insufficient funds.")
	case "pm_card_authenticationRequired":
		return declined("authentication_required", "The bank wants the cardholder to confirm the payment, which the test gateway cannot do.")
	}
	return declined("unknown_payment_method", "The test gateway does not know this payment method; pm_card_visa succeeds.")
}
