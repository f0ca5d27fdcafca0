package testgateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"till/domain/eventlog/memlog"
	"till/domain/money"
	"till/domain/payment"
	"till/domain/payment/testgateway"
)

func TestTheTokenSaysWhatHappens(t *testing.T) {
	for token, want := range map[string]payment.Result{
		"pm_card_visa":                {Outcome: payment.Authorized},
		"success_token":               {Outcome: payment.Authorized},
		"pm_card_visa_chargeDeclined": {Outcome: payment.Declined, Code: "card_declined"},
		"pm_card_chargeDeclined":      {Outcome: payment.Declined, Code: "card_declined"},
		"fail_token":                  {Outcome: payment.Declined, Code: "card_declined"},
		"pm_card_visa_chargeDeclinedInsufficientFunds": {Outcome: payment.Declined, Code: "insufficient_funds"},
		"pm_card_authenticationRequired":               {Outcome: payment.Declined, Code: "authentication_required"},
		"anything else":                                {Outcome: payment.Declined, Code: "unknown_payment_method"},
		"tok_timeout":                                  {Outcome: payment.Unknown},
	} {
		g := testgateway.New(new(memlog.Bucket), time.Now)
		got, err := g.Authorize(context.Background(), payment.Request{Key: "k", Amount: money.Of(499, "USD"), Method: token})
		if err != nil || got.Outcome != want.Outcome || got.Code != want.Code {
			t.Errorf("%s: %+v, %v; want %+v", token, got, err, want)
		}
	}
}

func TestAnAnswerIsKeptByKey(t *testing.T) {
	ctx, kept := context.Background(), new(memlog.Bucket)
	r := payment.Request{Key: "k", Amount: money.Of(499, "USD"), Method: "pm_card_visa"}
	first, err := testgateway.New(kept, time.Now).Authorize(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	restarted := testgateway.New(kept, time.Now)
	if again, err := restarted.Authorize(ctx, r); err != nil || again != first {
		t.Errorf("asked again: %+v, %v; want %+v", again, err, first)
	}
	if found, err := restarted.Lookup(ctx, "k"); err != nil || found != first {
		t.Errorf("looked up: %+v, %v; want %+v", found, err, first)
	}
	if other, err := restarted.Lookup(ctx, "other"); err != nil || other.Outcome != payment.Absent {
		t.Errorf("a key never seen: %+v, %v", other, err)
	}
	r.Amount.Minor++
	if _, err := restarted.Authorize(ctx, r); !errors.Is(err, testgateway.ErrKeyReused) {
		t.Errorf("the key with another amount: %v", err)
	}
}

func TestATimeoutSettlesLater(t *testing.T) {
	now := time.Unix(0, 0)
	g := testgateway.New(new(memlog.Bucket), func() time.Time { return now })
	ctx := context.Background()
	if r, _ := g.Authorize(ctx, payment.Request{Key: "k", Method: "tok_timeout"}); r.Outcome != payment.Unknown {
		t.Fatalf("at once: %+v", r)
	}
	now = now.Add(testgateway.Settles)
	if r, _ := g.Lookup(ctx, "k"); r.Outcome != payment.Authorized {
		t.Fatalf("later: %+v", r)
	}
}

func TestARefundIsPaidOnce(t *testing.T) {
	ctx, kept := context.Background(), new(memlog.Bucket)
	now := time.Unix(0, 0)
	for token, want := range map[string]payment.Result{
		"pm_card_visa":       {Outcome: payment.Refunded},
		"tok_timeout":        {Outcome: payment.Refunded},
		"tok_refund_timeout": {Outcome: payment.Unknown},
		"tok_refund_fail":    {Outcome: payment.Declined, Code: "card_closed"},
	} {
		g := testgateway.New(kept, func() time.Time { return now })
		if _, err := g.Authorize(ctx, payment.Request{Key: token, Amount: money.Of(499, "USD"), Method: token}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(testgateway.Settles)
		paid, err := g.Lookup(ctx, token)
		if err != nil || paid.Outcome != payment.Authorized {
			t.Fatalf("%s: %+v, %v", token, paid, err)
		}
		r := payment.RefundRequest{Key: token + "-refund", Payment: paid.Reference, Amount: money.Of(499, "USD")}
		first, err := g.Refund(ctx, r)
		if err != nil || first.Outcome != want.Outcome || first.Code != want.Code {
			t.Errorf("%s: %+v, %v; want %+v", token, first, err, want)
		}
		now = now.Add(testgateway.Settles)
		again, err := testgateway.New(kept, func() time.Time { return now }).Refund(ctx, r)
		switch {
		case err != nil:
			t.Errorf("%s again: %v", token, err)
		case first.Outcome == payment.Unknown && again.Outcome != payment.Refunded:
			t.Errorf("%s is never paid back: %+v", token, again)
		case first.Outcome != payment.Unknown && again != first:
			t.Errorf("%s: %+v, then %+v", token, first, again)
		}
		r.Amount.Minor--
		if _, err := g.Refund(ctx, r); !errors.Is(err, testgateway.ErrKeyReused) {
			t.Errorf("%s with another amount: %v", token, err)
		}
	}
	stray := payment.RefundRequest{Key: "stray", Payment: "pi_1", Amount: money.Of(1, "USD")}
	if got, err := testgateway.New(kept, time.Now).Refund(ctx, stray); err != nil || got.Outcome != payment.Declined {
		t.Errorf("a payment that never was: %+v, %v", got, err)
	}
}
