package checkout_test

import (
	"context"
	"errors"
	"testing"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
)

// A proposal is what CheckOut would do, and nothing is done by it.
func TestAProposal(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	ctx, meta := context.Background(), eventlog.Meta{Command: "propose"}
	request := checkout.Request{User: "alice"}
	if _, err := s.Propose(ctx, request, meta); !errors.Is(err, cart.ErrEmpty) {
		t.Errorf("an empty cart: %v", err)
	}
	s.add("alice", "MOUSE", 2)
	before, _ := s.log.Head(ctx)
	s.gateway.real = true // what is shown needs no review
	got, err := s.Propose(ctx, request, meta)
	if err != nil || got.Total != money.Of(998, "USD") || len(got.Lines) != 1 || got.Attempt != 1 || got.Begun || got.Approved || got.Method == "" {
		t.Fatalf("%+v, %v", got, err)
	}
	again, err := s.Propose(ctx, request, meta)
	if head, _ := s.log.Head(ctx); err != nil || again.Quote != got.Quote || head != before {
		t.Errorf("again it is %+v, %v", again, err)
	}
	if _, err := s.Propose(ctx, checkout.Request{User: "bob", Quote: got.Quote}, meta); !errors.Is(err, checkout.ErrQuote) {
		t.Errorf("somebody else's: %v", err)
	}
	request.Quote = got.Quote
	if bought, err := s.buy(request); err != nil || bought.Order.Status != order.Placed {
		t.Fatalf("%+v, %v", bought, err)
	}
	if got, err := s.Propose(ctx, request, meta); err != nil || !got.Begun {
		t.Errorf("of what is bought: %+v, %v", got, err)
	}
}

// An attempt that was named is made once, however it ended.
func TestAnAttemptIsMadeOnce(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.add("alice", "MOUSE", 2)
	first := checkout.Request{User: "alice", Quote: s.review("alice").ID, Method: "fail_token", Attempt: 1}
	for i := range 3 {
		got, err := s.buy(first)
		if err != nil || got.Order.Status != order.Declined || got.Order.Attempt != 1 || got.Replayed != (i > 0) {
			t.Fatalf("time %d: %+v, %v", i, got, err)
		}
	}
	if n, err := s.Tried(context.Background(), first.Quote); err != nil || n != 1 {
		t.Errorf("it was tried %d times, %v", n, err)
	}
	second := first
	second.Method, second.Attempt = "pm_card_visa", 2
	if got, err := s.buy(second); err != nil || got.Order.Status != order.Placed || got.Order.Attempt != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := s.buy(first); err != nil || got.Order.Status != order.Placed || !got.Replayed || s.types()["order.placed"] != 1 {
		t.Errorf("the first again: %+v, %v", got, err)
	}
}
