package order_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
	"till/domain/money"
	"till/domain/order"
)

var (
	at    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	lines = []cart.Line{{Item: cart.Item{SKU: "MOUSE", Product: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Price: money.Of(499, "USD")}, Quantity: 2}}

	start                 = order.Start{ID: "CS-1", User: "usr_1", Quote: "q_1", CartVersion: 3, Lines: lines, Total: money.Of(998, "USD"), Method: "pm_card_visa", At: at, Client: "cli_1"}
	started   order.Event = order.CheckoutStarted{ID: "CS-1", User: "usr_1", Quote: "q_1", CartVersion: 3, Lines: lines, Total: money.Of(998, "USD"), Method: "pm_card_visa", At: at, Client: "cli_1"}
	discount              = &order.Discount{Code: "WELCOME10", Amount: money.Of(100, "USD"), Lines: []order.LineDiscount{{SKU: "MOUSE", Amount: money.Of(100, "USD")}}}
	requested order.Event = order.PaymentRequested{Attempt: 1, Key: "CS-1-1", Amount: money.Of(998, "USD"), Method: "pm_card_visa"}
	placed    order.Event = order.OrderPlaced{Attempt: 1, Payment: "test_1", Total: money.Of(998, "USD"), At: at}
	declined  order.Event = order.PaymentDeclined{Attempt: 1, Code: "card_declined", Reason: "The card was declined."}
	failed    order.Event = order.CheckoutFailed{Attempt: 1, Code: "insufficient_stock", Reason: "Only 1 of Catnip Mouse are left."}
)

func TestTheRoadToAnOrder(t *testing.T) {
	s := story.Given(t, order.Decider()).
		When(start).Then(started).
		When(start).Then().
		When(order.RequestPayment{Attempt: 1}).Then(requested).
		When(order.RequestPayment{Attempt: 1}).Then().
		When(order.Place{Attempt: 1, Payment: "test_1", At: at}).Then(placed).
		When(order.Place{Attempt: 1, Payment: "test_1", At: at}).Then().
		When(start).Then().State()
	if s.Status != order.Placed || s.Total != money.Of(998, "USD") || s.Open() {
		t.Errorf("the order is %+v", s)
	}
}

func TestADiscount(t *testing.T) {
	less := start
	less.Total, less.Discount = money.Of(898, "USD"), discount
	s := story.Given(t, order.Decider()).When(less).State()
	if s.Total != money.Of(898, "USD") || s.Subtotal() != money.Of(998, "USD") || s.DiscountCode() != "WELCOME10" {
		t.Errorf("the order is %+v", s)
	}
	asked := story.Given(t, order.Decider()).When(less).When(order.RequestPayment{Attempt: 1})
	asked.Then(order.PaymentRequested{Attempt: 1, Key: "CS-1-1", Amount: money.Of(898, "USD"), Method: "pm_card_visa"})
	story.Redone(t, order.Decider(), order.Redo, order.State{}, order.Event(order.CheckoutStarted{ID: "CS-1", User: "usr_1", Quote: "q_1", CartVersion: 3, Lines: lines,
		Total: money.Of(898, "USD"), Method: "pm_card_visa", At: at, Client: "cli_1", Discount: discount}))
	if s := story.Given(t, order.Decider(), started).State(); s.Subtotal() != s.Total || s.DiscountCode() != "" {
		t.Errorf("an order without one: %+v", s)
	}
}

func TestAPurchaseThatCameToNothing(t *testing.T) {
	again := start
	again.Method, again.After, again.Client = "success_token", 1, "cli_2"
	retried := order.CheckoutRetried{Attempt: 2, Method: "success_token", At: at, Client: "cli_2"}

	t.Run("may be tried again", func(t *testing.T) {
		for name, history := range map[string][]order.Event{
			"after a decline": {started, requested, declined},
			"after a failure": {started, failed},
		} {
			t.Run(name, func(t *testing.T) {
				s := story.Given(t, order.Decider(), history...).When(again).Then(retried).When(again).Then().State()
				if s.PaymentKey() != "CS-1-2" || s.Client != "cli_2" || s.Reservation() != "CS-1/2" || s.Code != "" {
					t.Errorf("the second attempt is %+v", s)
				}
			})
		}
	})
	t.Run("but only by one who saw it", func(t *testing.T) {
		story.Given(t, order.Decider(), started, requested, declined).When(start).Then()
	})
}

func TestStepsThatNoLongerFit(t *testing.T) {
	for name, c := range map[string]struct {
		history []order.Event
		cmd     order.Command
	}{
		"paying what failed":             {[]order.Event{started, failed}, order.RequestPayment{Attempt: 1}},
		"failing what is being paid":     {[]order.Event{started, requested}, order.Fail{Attempt: 1}},
		"placing what was declined":      {[]order.Event{started, requested, declined}, order.Place{Attempt: 1}},
		"declining what was placed":      {[]order.Event{started, requested, placed}, order.Decline{Attempt: 1}},
		"placing what nobody asked for":  {[]order.Event{started}, order.Place{Attempt: 1}},
		"a step of another attempt":      {[]order.Event{started, requested}, order.Place{Attempt: 2}},
		"waiting for what was not asked": {[]order.Event{started}, order.AwaitPayment{Attempt: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			story.Given(t, order.Decider(), c.history...).When(c.cmd).Refused(order.ErrMoved)
		})
	}
}

func TestAnOrderIsOneQuotesAndOnePersons(t *testing.T) {
	for _, other := range []order.Start{
		{ID: "CS-1", User: "usr_2", Quote: "q_1", Lines: lines},
		{ID: "CS-1", User: "usr_1", Quote: "q_2", Lines: lines},
	} {
		story.Given(t, order.Decider(), started).When(other).Refused(order.ErrOther)
	}
}

func TestPending(t *testing.T) {
	story.Given(t, order.Decider(), started, requested).
		When(order.AwaitPayment{Attempt: 1}).Then(order.PaymentPending{Attempt: 1}).
		When(order.AwaitPayment{Attempt: 1}).Then().
		When(order.Decline{Attempt: 1, Code: "card_declined", Reason: "The card was declined."}).Then(declined)
}

// Whatever steps are taken in whatever order: placed at most once, never placed
// and declined, and a step that was taken has nothing left to do.
func TestAnyOrderOfSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s order.State
		places := 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			n := rapid.IntRange(1, 3).Draw(t, "attempt")
			first := start
			first.After = n - 1
			cmd := rapid.SampledFrom([]order.Command{
				first, order.RequestPayment{Attempt: n}, order.AwaitPayment{Attempt: n},
				order.Place{Attempt: n, Payment: "test", At: at}, order.Decline{Attempt: n}, order.Fail{Attempt: n},
				order.Join{By: fmt.Sprint("key:", n)},
			}).Draw(t, "step")
			events, err := order.Decide(s, cmd)
			if err != nil && len(events) > 0 {
				t.Fatalf("refused (%v) and decided %v", err, events)
			}
			story.Redone(t, order.Decider(), order.Redo, s, events...)
			for _, e := range events {
				if _, ok := e.(order.OrderPlaced); ok {
					places++
				}
				s = order.Evolve(s, e)
			}
			if places > 1 || (places == 1) != (s.Status == order.Placed) {
				t.Fatalf("placed %d times, now %s", places, s.Status)
			}
			if again, err := order.Decide(s, cmd); err == nil && len(again) > 0 {
				t.Fatalf("%#v decided %v a second time", cmd, again)
			}
		}
	})
}

func TestEvents(t *testing.T) {
	types := eventlog.NewTypes()
	order.Register(types)
	before := started.(order.CheckoutStarted)
	now := before
	now.Total, now.Discount = money.Of(898, "USD"), discount
	without := before
	before.Client = ""
	golden.Check(t, types, now, requested, placed, declined, failed,
		order.CheckoutRetried{Attempt: 2, Method: "success_token", At: at, Client: "cli_1"},
		golden.Was{Version: 1, Event: before}, golden.Was{Version: 2, Event: without},
		golden.Was{Version: 1, Event: order.CheckoutRetried{Attempt: 2, Method: "success_token", At: at}},
		order.PaymentPending{Attempt: 1}, order.CheckoutJoined{By: "key:0123456789abcdef0123456789abcdef"},
		dispatched, delivered, cancelled, returning, approved, rejected, received,
		order.OrderRefunded{Refund: "cancel", Amount: money.Of(998, "USD"), Reference: "test_refund_1", At: at},
		order.RefundRefused{Refund: "RT-1", Code: "card_closed", Reason: "The card is closed.", At: at},
	)
}
