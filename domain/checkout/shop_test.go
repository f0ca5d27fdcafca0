package checkout_test

import (
	"context"
	"sync"
	"testing"
	"time"

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

// shop is a process over a memory log, with a clock that stands still.
type shop struct {
	*checkout.Process
	t       *testing.T
	log     eventlog.Log
	source  decider.Source
	charges *memlog.Bucket
	gateway *counting
	now     time.Time
	prices  map[string]int64
	// categories of the SKUs.
	categories map[string]string
	// currency is what a SKU is sold in when that is not USD.
	currency map[string]string
}

// counting counts what the gateway was asked to authorize, by key.
type counting struct {
	payment.Gateway
	mu   sync.Mutex
	keys map[string]int
	real bool // pretends that real money moves
	err  error
	// entered is closed at the first request, which then waits for hold; nil for neither.
	entered, hold chan struct{}
	once          sync.Once
}

func (c *counting) Authorize(ctx context.Context, r payment.Request) (payment.Result, error) {
	if c.entered != nil {
		c.once.Do(func() {
			close(c.entered)
			<-c.hold
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return payment.Result{}, c.err
	}
	c.keys[r.Key]++
	return c.Gateway.Authorize(ctx, r)
}

func (c *counting) Test() bool { return !c.real }

func newShop(t *testing.T) *shop {
	return start(t, memlog.New("e"), new(memlog.Bucket))
}

// start starts a shop's process on what an earlier one left.
func start(t *testing.T, log eventlog.Log, charges *memlog.Bucket) *shop {
	types := eventlog.NewTypes()
	cart.Register(types)
	stock.Register(types)
	order.Register(types)
	spending.Register(types)
	promotion.Register(types)
	source := decider.NewFromLog(log, types)
	decider.Know(source, cart.Decider())
	decider.Know(source, stock.Decider())
	decider.Know(source, order.Decider())
	decider.Know(source, spending.Decider())
	decider.Know(source, promotion.Decider())
	s := &shop{
		t: t, log: log, source: source, charges: charges,
		now:    time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		prices: map[string]int64{"MOUSE": 499, "BED": 2999, "WAND": 999},
	}
	s.gateway = &counting{Gateway: testgateway.New(charges, s.clock), keys: map[string]int{}}
	s.Process = &checkout.Process{
		Carts:      decider.NewHandler(cart.Decider(), types, log, source),
		Stocks:     decider.NewHandler(stock.Decider(), types, log, source),
		Orders:     decider.NewHandler(order.Decider(), types, log, source),
		Spendings:  decider.NewHandler(spending.Decider(), types, log, source),
		Promotions: decider.NewHandler(promotion.Decider(), types, log, source),
		Source:     source, Shelf: s, Gateway: s.gateway,
		Secret: []byte("0123456789abcdef0123456789abcdef"), Now: s.clock,
	}
	return s
}

func (s *shop) clock() time.Time { return s.now }

// Offer implements checkout.Shelf.
func (s *shop) Offer(ctx context.Context, sku string) (checkout.Offer, bool, error) {
	cents, ok := s.prices[sku]
	state, _, err := s.Stocks.State(ctx, sku)
	offer := checkout.Offer{Item: s.item(sku, cents), Available: state.Available(), Category: s.categories[sku]}
	if c := s.currency[sku]; c != "" {
		offer.Item.Price.Currency = c
	}
	return offer, ok, err
}

func (s *shop) item(sku string, cents int64) cart.Item {
	return cart.Item{SKU: sku, Product: sku, Handle: sku, Title: sku, Price: money.Of(cents, "USD")}
}

func (s *shop) count(sku string, n int) {
	s.t.Helper()
	if _, err := s.Stocks.Do(context.Background(), sku, stock.Count{OnHand: n}, eventlog.Meta{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) add(user, sku string, n int) {
	s.t.Helper()
	cmd := cart.Add{Item: s.item(sku, s.prices[sku]), Quantity: n}
	if _, err := s.Carts.Do(context.Background(), user, cmd, eventlog.Meta{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) review(user string) checkout.Quote {
	s.t.Helper()
	q, err := s.Review(context.Background(), user, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

// allow sets what the agent may spend for the person, in cents; below zero is no rule.
func (s *shop) allow(user, client string, perOrder, perDay, askAbove int64) {
	s.t.Helper()
	rule := func(cents int64) *money.Amount {
		if a := money.Of(cents, "USD"); cents >= 0 {
			return &a
		}
		return nil
	}
	s.spending(user, client, spending.SetRules{User: user, Client: client, At: s.now,
		Rules: spending.Rules{PerOrder: rule(perOrder), PerDay: rule(perDay), AskAbove: rule(askAbove)}})
}

// spending does something to what the agent may spend, nil only looks.
func (s *shop) spending(user, client string, cmd spending.Command) spending.State {
	s.t.Helper()
	if cmd != nil {
		if _, err := s.Spendings.Do(context.Background(), spending.ID(user, client), cmd, eventlog.Meta{}); err != nil {
			s.t.Fatal(err)
		}
	}
	state, _, err := s.Spendings.State(context.Background(), spending.ID(user, client))
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// code does something to a discount code, nil only looks.
func (s *shop) code(name string, cmd promotion.Command) promotion.State {
	s.t.Helper()
	if cmd != nil {
		if _, err := s.Promotions.Do(context.Background(), name, cmd, eventlog.Meta{}); err != nil {
			s.t.Fatal(err)
		}
	}
	state, _, err := s.Promotions.State(context.Background(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// promise makes a code and puts it on the carts of these people.
func (s *shop) promise(name string, terms promotion.Terms, users ...string) {
	s.t.Helper()
	s.code(name, promotion.Create{Code: name, Terms: terms, At: s.now})
	for _, user := range users {
		if _, err := s.Carts.Do(context.Background(), user, cart.ApplyCode{Code: name}, eventlog.Meta{}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *shop) buy(r checkout.Request) (checkout.Result, error) {
	return s.CheckOut(context.Background(), r, eventlog.Meta{Command: "c"})
}

func (s *shop) stock(sku string) stock.State {
	s.t.Helper()
	state, _, err := s.Stocks.State(context.Background(), sku)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

func (s *shop) cart(user string) cart.State {
	s.t.Helper()
	state, _, err := s.Carts.State(context.Background(), user)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// types counts the events on the log by type.
func (s *shop) types() map[string]int {
	s.t.Helper()
	counts := map[string]int{}
	head, _ := s.log.Head(context.Background())
	if head == 0 {
		return counts
	}
	for batch, err := range s.log.Follow(context.Background(), 0, 1000) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range batch {
			counts[e.Type]++
		}
		if batch[len(batch)-1].Position >= head {
			break
		}
	}
	return counts
}

func reserve(reservation string, n int) stock.Reserve {
	return stock.Reserve{Reservation: reservation, Quantity: n}
}
