package aftersale_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"till/domain/aftersale"
	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/payment"
	"till/domain/payment/testgateway"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
)

// shop sells mice for $4.99 and beds for $29.99, ten of each, over a memory log,
// with a clock that only the test moves.
type shop struct {
	*aftersale.Process
	t       *testing.T
	buys    *checkout.Process
	charges *memlog.Bucket
	gateway *counting
	now     time.Time
}

// counting counts what the gateway was asked to pay back, by key.
type counting struct {
	payment.Gateway
	mu   sync.Mutex
	paid map[string]money.Amount
	err  error
}

func (c *counting) Refund(ctx context.Context, r payment.RefundRequest) (payment.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return payment.Result{}, c.err
	}
	got, err := c.Gateway.Refund(ctx, r)
	if got.Outcome == payment.Refunded {
		c.paid[r.Key] = r.Amount
	}
	return got, err
}

func newShop(t *testing.T) *shop {
	s := start(t, memlog.New("e"), new(memlog.Bucket))
	for _, sku := range []string{"MOUSE", "BED"} {
		if _, err := s.buys.Stocks.Do(t.Context(), sku, stock.Count{OnHand: 10}, eventlog.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// start starts a shop on what an earlier one left.
func start(t *testing.T, log eventlog.Log, charges *memlog.Bucket) *shop {
	types := eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){cart.Register, stock.Register, order.Register, promotion.Register, spending.Register} {
		register(types)
	}
	source := decider.NewFromLog(log, types)
	decider.Know(source, cart.Decider())
	decider.Know(source, stock.Decider())
	decider.Know(source, order.Decider())
	decider.Know(source, promotion.Decider())
	decider.Know(source, spending.Decider())
	s := &shop{t: t, charges: charges, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	s.gateway = &counting{Gateway: testgateway.New(charges, s.clock), paid: map[string]money.Amount{}}
	s.buys = &checkout.Process{
		Carts:      decider.NewHandler(cart.Decider(), types, log, source),
		Stocks:     decider.NewHandler(stock.Decider(), types, log, source),
		Orders:     decider.NewHandler(order.Decider(), types, log, source),
		Promotions: decider.NewHandler(promotion.Decider(), types, log, source),
		Spendings:  decider.NewHandler(spending.Decider(), types, log, source),
		Source:     source, Shelf: s, Gateway: s.gateway, Secret: []byte("0123456789abcdef0123456789abcdef"), Now: s.clock,
	}
	s.Process = &aftersale.Process{Checkout: s.buys}
	return s
}

func (s *shop) clock() time.Time { return s.now }

func item(sku string) cart.Item {
	cents := map[string]int64{"MOUSE": 499, "BED": 2999}
	return cart.Item{SKU: sku, Product: sku, Handle: sku, Title: sku, Price: money.Of(cents[sku], "USD")}
}

// Offer implements checkout.Shelf.
func (s *shop) Offer(ctx context.Context, sku string) (checkout.Offer, bool, error) {
	state, _, err := s.buys.Stocks.State(ctx, sku)
	return checkout.Offer{Item: item(sku), Available: state.Available()}, true, err
}

// bought places an order of alice's agent for two mice and a bed, $39.97, a dollar
// less with a code that one can use once, under rules that let it spend $50 a day.
func (s *shop) bought(method string) string {
	s.t.Helper()
	ctx := context.Background()
	day := money.Of(5000, "USD")
	_, err := s.buys.Spendings.Do(ctx, spending.ID("alice", "cli_1"), spending.SetRules{User: "alice", Client: "cli_1", Rules: spending.Rules{PerDay: &day}, At: s.now}, eventlog.Meta{})
	for _, add := range []cart.Add{{Item: item("MOUSE"), Quantity: 2}, {Item: item("BED"), Quantity: 1}} {
		if err == nil {
			_, err = s.buys.Carts.Do(ctx, "alice", add, eventlog.Meta{})
		}
	}
	off := money.Of(100, "USD")
	if err == nil {
		_, err = s.buys.Promotions.Do(ctx, "WELCOME", promotion.Create{Code: "WELCOME", Terms: promotion.Terms{Off: &off, Limit: 1}, At: s.now}, eventlog.Meta{})
	}
	if err == nil {
		_, err = s.buys.Carts.Do(ctx, "alice", cart.ApplyCode{Code: "WELCOME"}, eventlog.Meta{})
	}
	var got checkout.Result
	if err == nil {
		got, err = s.buys.CheckOut(ctx, checkout.Request{User: "alice", Client: "cli_1", Method: method}, eventlog.Meta{Command: "buy"})
	}
	if err != nil || got.Order.Status != order.Placed {
		s.t.Fatalf("bought: %+v, %v", got, err)
	}
	return got.Order.ID
}

func (s *shop) order(id string) order.State {
	s.t.Helper()
	o, _, err := s.buys.Orders.State(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *shop) onHand(sku string) int {
	s.t.Helper()
	state, _, err := s.buys.Stocks.State(context.Background(), sku)
	if err != nil || len(state.Reserved) > 0 {
		s.t.Fatalf("the stock of %s is %+v, %v", sku, state, err)
	}
	return state.OnHand
}

// uses is how often the code counts as used.
func (s *shop) uses() int {
	s.t.Helper()
	state, _, err := s.buys.Promotions.State(context.Background(), "WELCOME")
	if err != nil {
		s.t.Fatal(err)
	}
	return len(state.Uses)
}

// spent is what counts against the agent's limits.
func (s *shop) spent() money.Amount {
	s.t.Helper()
	state, _, err := s.buys.Spendings.State(context.Background(), spending.ID("alice", "cli_1"))
	if err != nil {
		s.t.Fatal(err)
	}
	sum, _ := state.Within(s.now, "USD", "")
	return sum
}

// settled lets the shop come back until nothing is left to do.
func (s *shop) settled(id string) order.State {
	s.t.Helper()
	for tries, done := 0, false; !done; tries++ {
		var err error
		if done, err = s.Settle(context.Background(), id, eventlog.Meta{}); err != nil || tries > 2 {
			s.t.Fatalf("came back %d times: %v, %v", tries, done, err)
		}
		s.now = s.now.Add(testgateway.Settles)
	}
	return s.order(id)
}
