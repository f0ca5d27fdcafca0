package mcp

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/order"
)

// TestEveryErrorSaysWhatToDo walks over the table.
func TestEveryErrorSaysWhatToDo(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, row := range table {
		p, _ := explain(fmt.Errorf("wrapped: %w", row.when), "req-1")
		if p.Code != row.code || !form.MatchString(p.Code) {
			t.Errorf("%v is %q, not %q: an earlier row hides it", row.when, p.Code, row.code)
		}
		if len(p.Message) < 20 || !strings.HasSuffix(p.Message, ".") {
			t.Errorf("%v says %q", row.when, p.Message)
		}
		for _, tool := range p.NextTools {
			if scopesOf(tool) == nil {
				t.Errorf("%v sends to %q, which is no tool", row.when, tool)
			}
		}
	}
}

func TestErrorsOfThisShopAreNotShown(t *testing.T) {
	secret := errors.New("open /var/secret/views.db: permission denied")
	for _, err := range []error{secret, fmt.Errorf("%w: nats://10.0.0.1", eventlog.ErrUnavailable), &eventlog.Gap{Where: "the log", From: 3, To: 4}} {
		p, internal := explain(err, "req-1")
		if shown := p.Message + string(encode(p)); !internal || strings.Contains(shown, "secret") || strings.Contains(shown, "10.0.0.1") || strings.Contains(shown, "backup") {
			t.Errorf("%v is shown as %s", err, shown)
		}
	}
	if p, _ := explain(secret, "req-1"); p.Code != "internal_error" || p.RequestID != "req-1" || !strings.Contains(p.Message, "req-1") {
		t.Errorf("it is told as %+v", p)
	}
}

func TestQuantitiesBeyondALineAreExplained(t *testing.T) {
	p, _ := explain(&cart.Quantity{Asked: 5, Has: 97}, "")
	if p.Code != "quantity_limit_exceeded" || *p.Available != 2 || !strings.Contains(p.Message, "2 more") {
		t.Errorf("it is told as %+v", p)
	}
}

// TestAShopThatCannotAnswer says so, and nothing is written.
func TestAShopThatCannotAnswer(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2})
	before := s.head()
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}
	for tool, in := range map[string]args{
		"view_cart": nil, "add_to_cart": {"product": 2}, "list_products": nil, "get_order_history": nil, "review_checkout": nil,
		"checkout": nil, "clear_cart": nil, "remove_from_cart": {"product": 2, "idempotency_key": "k"},
	} {
		if got := a.refused("shop_unavailable", tool, in); got.at("retryable") != true {
			t.Errorf("%s says %s", tool, got.Text)
		}
	}
	if s.head() != before {
		t.Errorf("%d events were written", s.head()-before)
	}
}

// TestAChangeThatCannotBeShownIsNotMadeAgain: it was stored.
func TestAChangeThatCannotBeShownIsNotMadeAgain(t *testing.T) {
	var p *problem
	if err := late(t.Context(), context.DeadlineExceeded, "view_cart"); !errors.As(err, &p) || p.Retryable || !strings.Contains(p.Message, "Do not make it again") {
		t.Errorf("it is told as %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := late(gone, context.Canceled, "view_cart"); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody listens, and it is told %v", err)
	}
}

// TestABrokenCheckoutIsNotStartedAnew: once it has begun, only its end counts.
func TestABrokenCheckoutIsNotStartedAnew(t *testing.T) {
	s := newShop(t)
	c := &call{Server: s.face, request: "req-1"}
	var p *problem
	if err := c.unfinished(order.State{ID: "CS-1", Quote: "q_1"}, context.DeadlineExceeded); !errors.As(err, &p) || p.Code != "checkout_in_progress" || p.OrderID != "CS-1" || !p.Retryable {
		t.Errorf("it is told as %+v", p)
	}
	for status, code := range map[order.Status]string{order.Started: "payment_pending", order.Paying: "payment_pending", order.Failed: "interrupted", order.Declined: "payment_declined"} {
		if p := (&call{Server: s.face}).notPlaced(order.State{Status: status, Code: "interrupted"}, false); p.Code != code || p.Message == "" {
			t.Errorf("%s is told as %+v", status, p)
		}
	}
}

// TestAFailureIsNotTriedAgainUnderItsKey: the key answers the same for ever.
func TestAFailureIsNotTriedAgainUnderItsKey(t *testing.T) {
	s := newShop(t)
	failed := order.State{Status: order.Failed, Code: "interrupted", Reason: "The shop stopped on the way."}
	for replayed, retryable := range map[bool]bool{false: true, true: false} {
		if p := (&call{Server: s.face}).notPlaced(failed, replayed); p.Retryable != retryable || !strings.Contains(p.Message, "a new idempotency_key") {
			t.Errorf("replayed %v is told as %+v", replayed, p)
		}
	}
}
