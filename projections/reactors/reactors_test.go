package reactors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"

	"till/domain/aftersale"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/payment/testgateway"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/projections"
	"till/projections/reactors"
)

// clock is the shop's time, which only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// shop is a shop with its reactors, fed over channels instead of JetStream.
type shop struct {
	t       *testing.T
	log     *memlog.Log
	types   *eventlog.Types
	views   *projections.Views
	process *checkout.Process
	clock   *clock
	events  *gochannel.GoChannel
	poison  *gochannel.GoChannel
	parked  <-chan *message.Message
	metrics *prometheus.Registry
	react   *reactors.Reactors
	sent    eventlog.Position

	aftersale *aftersale.Process
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, log: memlog.New("epoch"), types: eventlog.NewTypes(), metrics: prometheus.NewRegistry(),
		clock: &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}}
	for _, register := range []func(*eventlog.Types){catalog.Register, stock.Register, cart.Register, order.Register, promotion.Register, spending.Register} {
		register(s.types)
	}
	views, err := projections.Open(t.Context(), projections.Options{Dir: t.TempDir(), Log: s.log, Types: s.types})
	if err != nil {
		t.Fatal(err)
	}
	s.views = views
	s.process = &checkout.Process{
		Carts:      decider.NewHandler(cart.Decider(), s.types, s.log, views),
		Stocks:     decider.NewHandler(stock.Decider(), s.types, s.log, views),
		Orders:     decider.NewHandler(order.Decider(), s.types, s.log, views),
		Spendings:  decider.NewHandler(spending.Decider(), s.types, s.log, views),
		Promotions: decider.NewHandler(promotion.Decider(), s.types, s.log, views),
		Source:     views, Shelf: views, Gateway: testgateway.New(&memlog.Bucket{}, s.clock.Now),
		Secret: []byte("secret"), Now: s.clock.Now,
	}
	s.aftersale = &aftersale.Process{Checkout: s.process}
	s.events = gochannel.NewGoChannel(gochannel.Config{}, nil)
	s.poison = gochannel.NewGoChannel(gochannel.Config{}, nil)
	if s.parked, err = s.poison.Subscribe(t.Context(), reactors.Poisoned); err != nil {
		t.Fatal(err)
	}
	s.react, err = reactors.New(reactors.Options{
		Process: s.process, Aftersale: s.aftersale, Views: views, Types: s.types, Checkouts: s.events, Reservations: s.events,
		Envelope: envelope, Poison: s.poison, Now: s.clock.Now, Metrics: s.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.react.Run(context.Background()) }()
	<-s.react.Started()
	t.Cleanup(func() {
		if err := errors.Join(s.react.Close(), <-done); err != nil {
			t.Error(err)
		}
		_ = s.events.Close()
		_ = s.poison.Close()
		_ = views.Close()
	})
	return s
}

// envelope reads an event from a message that carries it whole.
func envelope(m *message.Message) (e eventlog.Envelope, err error) {
	err = json.Unmarshal(m.Payload, &e)
	return e, err
}

// deliver sends the reactors all events of the log that they have not had.
func (s *shop) deliver() {
	s.t.Helper()
	head, _ := s.log.Head(s.t.Context())
	if head == s.sent {
		return
	}
	for batch, err := range s.log.Follow(s.t.Context(), s.sent, 1000) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range batch {
			data, _ := json.Marshal(e)
			if err := s.events.Publish(e.Stream.Category, message.NewMessage(fmt.Sprint(e.Position), data)); err != nil {
				s.t.Fatal(err)
			}
			s.sent = e.Position
		}
		if s.sent == head {
			return
		}
	}
}

var commands atomic.Int64

func meta() eventlog.Meta { return eventlog.Meta{Command: fmt.Sprint("cmd-", commands.Add(1))} }

// give does a command that must succeed.
func give[S, C, E any](s *shop, h *decider.Handler[S, C, E], id string, c C) S {
	s.t.Helper()
	out, err := h.Do(s.t.Context(), id, c, meta())
	if err != nil {
		s.t.Fatalf("%T: %v", c, err)
	}
	if err := s.views.Wait(s.t.Context(), out.Position); err != nil {
		s.t.Fatal(err)
	}
	return out.State
}

// eventually waits for what the reactors are to bring about.
func (s *shop) eventually(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if is() {
			return
		}
	}
	s.t.Fatalf("it never came to this: %s", what)
}

func (s *shop) order(id string) order.State {
	s.t.Helper()
	o, _, err := s.process.Orders.State(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *shop) stock() stock.State {
	s.t.Helper()
	state, _, err := s.process.Stocks.State(s.t.Context(), "MOUSE")
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// interrupted is a shop with ten mice and a checkout of two of them whose
// caller is gone: after the reservation, or after the word to pay.
func interrupted(t *testing.T, method string, paying bool) *shop {
	s := newShop(t)
	give(s, s.process.Stocks, "MOUSE", stock.Command(stock.Open{OnHand: 10}))
	item := cart.Item{SKU: "MOUSE", Product: "2", Title: "Mouse", Price: money.Of(499, "USD")}
	state := give(s, s.process.Carts, "alice", cart.Command(cart.Add{Item: item, Quantity: 2}))
	o := give(s, s.process.Orders, "CS-1", order.Command(order.Start{ID: "CS-1", User: "alice", Quote: "q_1", CartVersion: 1,
		Lines: state.Lines, Total: state.Total(), Method: method, At: s.clock.Now()}))
	give(s, s.process.Stocks, "MOUSE", stock.Command(stock.Reserve{Reservation: o.Reservation(), Quantity: 2, Until: s.clock.Now().Add(checkout.ReservationLife)}))
	if paying {
		give(s, s.process.Orders, "CS-1", order.Command(order.RequestPayment{Attempt: 1}))
	}
	return s
}

func TestAnInterruptedCheckoutIsUndone(t *testing.T) {
	s := interrupted(t, "pm_card_visa", false)
	s.clock.move(checkout.Grace)
	s.deliver()
	s.eventually("the order has failed and its pieces are free", func() bool {
		return s.order("CS-1").Status == order.Failed && s.stock().Available() == 10
	})
	if c, _, _ := s.process.Carts.State(t.Context(), "alice"); c.Pieces() != 2 {
		t.Errorf("the cart is %+v, want it as it was", c)
	}
}

func TestAPaymentUnderWayIsFinished(t *testing.T) {
	s := interrupted(t, "pm_card_visa", true)
	s.clock.move(checkout.Grace)
	s.deliver()
	s.eventually("the order is placed, paid from the cart and the stock", func() bool {
		c, _, _ := s.process.Carts.State(t.Context(), "alice")
		return s.order("CS-1").Status == order.Placed && c.Pieces() == 0 && s.stock().OnHand == 8 && len(s.stock().Reserved) == 0
	})
	// Whose doing it was stands in the log.
	for e, err := range s.log.Read(t.Context(), eventlog.Stream{Category: order.Category, ID: "CS-1"}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == "order.placed" && (e.Actor.Kind != eventlog.System || e.Causation != "event:3" || e.Command != "reactor:checkouts:3") {
			t.Errorf("placed by %+v, command %s, because of %s", e.Actor, e.Command, e.Causation)
		}
	}
}

// Placed by somebody who was killed before the cart was told: the end's own
// message sees to what follows from it.
func TestWhatFollowsFromAnEndIsDone(t *testing.T) {
	s := interrupted(t, "pm_card_visa", true)
	give(s, s.process.Orders, "CS-1", order.Command(order.Place{Attempt: 1, Payment: "test", At: s.clock.Now()}))
	s.clock.move(checkout.Grace)
	s.deliver()
	s.eventually("cart and stock are settled", func() bool {
		c, _, _ := s.process.Carts.State(t.Context(), "alice")
		return c.Pieces() == 0 && s.stock().OnHand == 8 && len(s.stock().Reserved) == 0
	})
}

// A cancelled order whose caller died is paid back and restocked; a refund that the
// gateway is silent about is asked for again, by its message and by the sweep.
func TestWhatFollowsFromACancelIsDone(t *testing.T) {
	for _, method := range []string{"pm_card_visa", "tok_refund_timeout"} {
		for _, swept := range []bool{false, true} {
			s := interrupted(t, method, true)
			s.clock.move(checkout.Grace)
			if _, err := s.process.Resume(t.Context(), "CS-1", eventlog.Meta{}); err != nil {
				t.Fatal(err)
			}
			give(s, s.process.Orders, "CS-1", order.Command(order.Cancel{By: order.ByBuyer, At: s.clock.Now()}))
			if swept {
				s.clock.move(time.Hour)
				if err := s.react.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else {
				s.clock.move(checkout.Grace)
				s.deliver()
			}
			s.eventually("the pieces are back", func() bool { return s.stock().OnHand == 10 && len(s.stock().Reserved) == 0 })
			if method == "tok_refund_timeout" && s.order("CS-1").PaidBack().Minor != 0 {
				t.Error("a refund that nobody knows of counts as paid")
			}
			s.clock.move(testgateway.Settles)
			if swept {
				s.clock.move(time.Hour)
				if err := s.react.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			s.eventually("the money is back", func() bool { return s.order("CS-1").PaidBack() == s.order("CS-1").Total })
		}
	}
}

// A payment with an unknown outcome comes again until the gateway knows.
func TestAnUnknownPaymentIsAskedAgain(t *testing.T) {
	s := interrupted(t, "tok_timeout", true)
	s.clock.move(checkout.Grace)
	s.deliver()
	s.eventually("the payment is pending", func() bool { return s.order("CS-1").Status == order.Pending })
	s.clock.move(testgateway.Settles)
	s.eventually("the order is placed", func() bool { return s.order("CS-1").Status == order.Placed })
	if n := s.count("checkouts", "again"); n == 0 {
		t.Error("the message never came again")
	}
}

// count is the number of messages of a reactor with an outcome.
func (s *shop) count(reactor, outcome string) (n float64) {
	s.t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if f.GetName() == "till_reactor_messages_total" && labels["reactor"] == reactor && labels["outcome"] == outcome {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func TestAReservationOfNoOrderIsReleased(t *testing.T) {
	s := newShop(t)
	give(s, s.process.Stocks, "MOUSE", stock.Command(stock.Open{OnHand: 10}))
	give(s, s.process.Stocks, "MOUSE", stock.Command(stock.Reserve{Reservation: "CS-LOST/1", Quantity: 2, Until: s.clock.Now().Add(time.Minute)}))
	s.clock.move(time.Minute)
	s.deliver()
	s.eventually("the pieces are free", func() bool { return s.stock().Available() == 10 })
}

// What its message no longer stands for, the sweep still brings to an end.
func TestTheSweepFindsWhatIsLeft(t *testing.T) {
	s := interrupted(t, "pm_card_visa", true)
	s.clock.move(time.Hour)
	if err := s.react.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := s.order("CS-1"); o.Status != order.Placed {
		t.Errorf("the order is %s", o.Status)
	}
	give(s, s.process.Stocks, "MOUSE", stock.Command(stock.Reserve{Reservation: "CS-LOST/1", Quantity: 2, Until: s.clock.Now()}))
	s.clock.move(time.Hour)
	if err := s.react.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.stock(); got.Available() != 8 || len(got.Reserved) != 0 {
		t.Errorf("the stock is %+v", got)
	}
}

// A message that is no event is parked, with the reason, and the next one is
// handled.
func TestWhatCannotBeHandledIsParked(t *testing.T) {
	s := interrupted(t, "pm_card_visa", true)
	s.clock.move(checkout.Grace)
	if err := s.events.Publish(order.Category, message.NewMessage("broken", []byte("no event"))); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-s.parked:
		if m.UUID != "broken" || m.Metadata.Get("reason_poisoned") == "" {
			t.Errorf("parked %s: %v", m.UUID, m.Metadata)
		}
		m.Ack()
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was parked")
	}
	s.deliver()
	s.eventually("the order is placed", func() bool { return s.order("CS-1").Status == order.Placed })
	s.eventually("the parked message is counted", func() bool { return s.count("checkouts", "parked") == 1 })
}

func TestDue(t *testing.T) {
	types := eventlog.NewTypes()
	stock.Register(types)
	spending.Register(types)
	promotion.Register(types)
	order.Register(types)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	due := reactors.Due(types)
	for _, c := range []struct {
		category string
		event    any
		want     time.Time
	}{
		{"order", order.CheckoutStarted{At: now}, now.Add(checkout.Grace)},
		{"order", order.CheckoutRetried{At: now}, now.Add(checkout.Grace)},
		{"order", order.OrderPlaced{At: now}, now.Add(checkout.Grace)},
		{"order", order.OrderCancelled{At: now}, now.Add(checkout.Grace)},
		{"order", order.ReturnReceived{At: now}, now.Add(checkout.Grace)},
		{"order", order.OrderDispatched{At: now}, now},
		{"order", order.PaymentRequested{Attempt: 1}, now},
		{"stock", stock.Reserved{Until: now.Add(time.Hour)}, now.Add(time.Hour)},
		{"stock", stock.Counted{OnHand: 1}, now},
	} {
		name, version, data, err := types.Encode(c.event)
		if err != nil {
			t.Fatal(err)
		}
		e := eventlog.Envelope{Stream: eventlog.Stream{Category: c.category, ID: "x"}, Type: name, Version: version, Data: data, Meta: eventlog.Meta{Time: now}}
		if got := due(e); !got.Equal(c.want) {
			t.Errorf("%s is due at %s, want %s", name, got, c.want)
		}
	}
	if got := due(eventlog.Envelope{Stream: eventlog.Stream{Category: "order"}, Type: "order.unheard_of", Version: 1, Meta: eventlog.Meta{Time: now}}); !got.Equal(now) {
		t.Errorf("an unknown event is due at %s", got)
	}
}

func TestNewWantsAll(t *testing.T) {
	if _, err := reactors.New(reactors.Options{}); err == nil {
		t.Error("reactors of nothing")
	}
}
