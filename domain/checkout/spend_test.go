package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/spending"
)

// agents is a shop with two agents of alice's, cli_1 and cli_2, and a mouse for
// $4.99 and a bed for $29.99 in her cart.
func agents(t *testing.T) *shop {
	s := newShop(t)
	s.count("MOUSE", 100)
	s.count("BED", 100)
	s.add("alice", "MOUSE", 1)
	s.add("alice", "BED", 1)
	return s
}

func (s *shop) buyAs(client, quote string) (checkout.Result, error) {
	return s.buy(checkout.Request{User: "alice", Client: client, Quote: quote})
}

func (s *shop) reviewAs(client string) checkout.Quote {
	s.t.Helper()
	q, err := s.Review(s.t.Context(), "alice", client)
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

func TestALimitPerOrder(t *testing.T) {
	s := agents(t)
	s.allow("alice", "cli_1", 3000, -1, -1)
	quote := s.review("alice").ID // another agent's, or of before the limit
	var over *spending.Exceeded
	for _, id := range []string{quote, ""} {
		if _, err := s.buyAs("cli_1", id); !errors.As(err, &over) || over.Limit != spending.PerOrder {
			t.Errorf("bought with the quote %q: %v", id, err)
		}
	}
	q := s.reviewAs("cli_1")
	if q.ID != "" || len(q.Problems) != 1 || q.Problems[0].Code != "spending_limit_exceeded" || !strings.Contains(q.Problems[0].Message, "$34.98") {
		t.Errorf("its review is %+v", q)
	}
	if n := s.types()["order.checkout_started"]; n != 0 {
		t.Errorf("%d purchases were started", n)
	}
	// The rules are that agent's: the person's other one has none.
	if got, err := s.buyAs("cli_2", quote); err != nil || got.Order.Status != order.Placed {
		t.Errorf("the other agent: %+v, %v", got.Order, err)
	}
}

func TestALimitPerDay(t *testing.T) {
	s := agents(t)
	s.allow("alice", "cli_1", -1, 5000, -1)
	if got, err := s.buyAs("cli_1", ""); err != nil || got.Order.Status != order.Placed {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	s.add("alice", "BED", 1)
	var over *spending.Exceeded
	if _, err := s.buyAs("cli_1", ""); !errors.As(err, &over) || over.Limit != spending.PerDay || over.Left.Minor != 5000-3498 || !over.Again.Equal(s.now.Add(spending.Day)) {
		t.Fatalf("%+v, %v", over, err)
	}
	s.now = s.now.Add(spending.Day)
	if got, err := s.buyAs("cli_1", ""); err != nil || got.Order.Status != order.Placed {
		t.Errorf("a day later: %+v, %v", got.Order, err)
	}
}

// What came to nothing is not spent, and what is under way is.
func TestADeclineIsNotSpent(t *testing.T) {
	s := agents(t)
	s.allow("alice", "cli_1", -1, 3500, -1)
	for range 3 {
		got, err := s.buy(checkout.Request{User: "alice", Client: "cli_1", Method: "pm_card_visa_chargeDeclined"})
		if err != nil || got.Order.Status != order.Declined {
			t.Fatalf("%+v, %v", got.Order, err)
		}
		if sum, _ := s.spending("alice", "cli_1", nil).Within(s.now, "USD", ""); sum.Minor != 0 {
			t.Fatalf("%s count as spent", sum)
		}
	}
	got, err := s.buy(checkout.Request{User: "alice", Client: "cli_1", Method: "tok_timeout"})
	if err != nil || got.Order.Status != order.Pending {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if sum, _ := s.spending("alice", "cli_1", nil).Within(s.now, "USD", ""); sum != got.Order.Total {
		t.Errorf("%s count as spent", sum)
	}
}

func TestAnApproval(t *testing.T) {
	s := agents(t)
	s.allow("alice", "cli_1", -1, -1, 3000)
	q := s.reviewAs("cli_1")
	if q.ID == "" || len(q.Warnings) != 1 || q.Warnings[0].Code != "approval_required" {
		t.Fatalf("the review is %+v", q)
	}
	if len(s.spending("alice", "cli_1", nil).Requests) != 0 {
		t.Error("a review asked the person")
	}
	var ask *spending.Unapproved
	for range 3 {
		if _, err := s.buyAs("cli_1", q.ID); !errors.As(err, &ask) {
			t.Fatalf("bought without a yes: %v", err)
		}
	}
	asked := s.spending("alice", "cli_1", nil).Requests
	if len(asked) != 1 || asked[0].Purchase != ask.Purchase || asked[0].Total != q.Total || asked[0].Order != checkout.OrderID(q.ID) || len(asked[0].Lines) != 2 {
		t.Fatalf("asked: %+v", asked)
	}
	s.spending("alice", "cli_1", spending.Approve{Purchase: ask.Purchase, At: s.now})

	t.Run("is for that cart only", func(t *testing.T) {
		s.add("alice", "MOUSE", 1)
		if _, err := s.buyAs("cli_1", s.reviewAs("cli_1").ID); !errors.As(err, &ask) {
			t.Errorf("another cart: %v", err)
		}
	})
	t.Run("also when it is as it was again", func(t *testing.T) {
		// The cart's revision is another: a yes is to a quote, not to a list.
		if _, err := s.Carts.Do(t.Context(), "alice", cart.SetQuantity{SKU: "MOUSE", Quantity: 1}, eventlog.Meta{}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.buyAs("cli_1", s.reviewAs("cli_1").ID); !errors.As(err, &ask) {
			t.Errorf("the cart as it was: %v", err)
		}
	})
	t.Run("outlives the quote", func(t *testing.T) {
		s.spending("alice", "cli_1", spending.Approve{Purchase: ask.Purchase, At: s.now})
		s.now = s.now.Add(checkout.QuoteLife + time.Minute)
		got, err := s.buyAs("cli_1", s.reviewAs("cli_1").ID)
		if err != nil || got.Order.Status != order.Placed {
			t.Errorf("%+v, %v", got.Order, err)
		}
	})
}

func TestANo(t *testing.T) {
	s := agents(t)
	s.allow("alice", "cli_1", -1, -1, 0)
	q := s.reviewAs("cli_1")
	var ask *spending.Unapproved
	if _, err := s.buyAs("cli_1", q.ID); !errors.As(err, &ask) {
		t.Fatal(err)
	}
	s.spending("alice", "cli_1", spending.Deny{Purchase: ask.Purchase, At: s.now})
	var denial *spending.Denial
	if _, err := s.buyAs("cli_1", q.ID); !errors.As(err, &denial) {
		t.Errorf("bought after a no: %v", err)
	}
	// The same again is no other purchase, though the cart has changed twice.
	s.add("alice", "WAND", 1)
	if _, err := s.Carts.Do(t.Context(), "alice", cart.Remove{SKU: "WAND"}, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.buyAs("cli_1", ""); !errors.As(err, &denial) {
		t.Errorf("the same again after a no: %v", err)
	}
	if q := s.reviewAs("cli_1"); q.ID != "" || q.Problems[0].Code != "approval_denied" {
		t.Errorf("reviewed after a no: %+v", q)
	}
}

// Rules that come between the look and the purchase still hold: the order that
// was begun fails, and nothing is charged or kept.
func TestRulesThatComeInBetween(t *testing.T) {
	s := agents(t)
	q := s.reviewAs("cli_1")
	id := checkout.OrderID(q.ID)
	start := order.Start{ID: id, User: "alice", Client: "cli_1", Quote: q.ID, CartVersion: q.CartVersion, Lines: q.Lines, Total: q.Total, Method: "pm_card_visa", At: s.now}
	if _, err := s.Orders.Do(t.Context(), id, start, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	s.allow("alice", "cli_1", 1, -1, -1)
	got, err := s.buyAs("cli_1", q.ID)
	if err != nil || got.Order.Status != order.Failed || got.Order.Code != "spending_limit_exceeded" {
		t.Fatalf("%+v, %v", got.Order, err)
	}
	if s.cart("alice").Claim != "" || s.stock("MOUSE").Available() != 100 || len(s.gateway.keys) != 0 {
		t.Errorf("cart %+v, stock %+v, charged %v", s.cart("alice"), s.stock("MOUSE"), s.gateway.keys)
	}
	// Another agent of hers may take it up: its own rules count.
	if got, err := s.buyAs("cli_2", q.ID); err != nil || got.Order.Status != order.Placed || got.Order.Client != "cli_2" {
		t.Errorf("the other agent: %+v, %v", got.Order, err)
	}
}

// Four people use one client, which buys for each in four places at once, over and
// over: nobody's limit is anybody else's, and what was placed stays within each.
func TestLimitsUnderRaces(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 1000)
	var all sync.WaitGroup
	for p := range 4 {
		user := fmt.Sprintf("usr_%d", p)
		s.allow(user, "cli_1", -1, 1700, -1)
		// One before the race: in it carts may fill beyond the limit before anybody buys.
		s.add(user, "MOUSE", 1)
		if got, err := s.buy(checkout.Request{User: user, Client: "cli_1"}); err != nil || got.Order.Status != order.Placed {
			t.Fatalf("%+v, %v", got.Order, err)
		}
		for range 4 {
			all.Go(func() {
				for i := range 5 {
					meta := eventlog.Meta{Command: fmt.Sprint(user, i)}
					if _, err := s.Carts.Do(s.t.Context(), user, cart.Add{Item: s.item("MOUSE", 499), Quantity: 1}, meta); err != nil {
						t.Error(err)
					}
					_, _ = s.CheckOut(s.t.Context(), checkout.Request{User: user, Client: "cli_1"}, meta)
				}
			})
		}
	}
	all.Wait()
	placed := s.placed()
	for p := range 4 {
		user := fmt.Sprintf("usr_%d", p)
		if placed[user] > 1700 || placed[user] == 0 {
			t.Errorf("%s bought for %d", user, placed[user])
		}
		if sum, _ := s.spending(user, "cli_1", nil).Within(s.now, "USD", ""); sum.Minor != placed[user] {
			t.Errorf("%s bought for %d, and %s count", user, placed[user], sum)
		}
	}
}

// placed sums up the placed orders of each person, as the log has them.
func (s *shop) placed() map[string]int64 {
	s.t.Helper()
	whose, sums := map[string]string{}, map[string]int64{}
	head, _ := s.log.Head(s.t.Context())
	for batch, err := range s.log.Follow(s.t.Context(), 0, int(head)) {
		if err != nil {
			s.t.Fatal(err)
		}
		types := eventlog.NewTypes()
		order.Register(types)
		for _, e := range batch {
			if e.Stream.Category != order.Category {
				continue
			}
			event, err := types.Decode(e)
			if err != nil {
				s.t.Fatal(err)
			}
			switch event := event.(type) {
			case order.CheckoutStarted:
				whose[e.Stream.ID] = event.User
			case order.OrderPlaced:
				sums[whose[e.Stream.ID]] += event.Total.Minor
			}
		}
		if batch[len(batch)-1].Position >= head {
			break
		}
	}
	return sums
}

// Two processes count at once for one agent: together they stay within its limit.
func TestOneLimitOnTwoMachines(t *testing.T) {
	log := memlog.New("e")
	here := start(t, log, new(memlog.Bucket))
	there := start(t, log, new(memlog.Bucket))
	here.allow("alice", "cli_1", -1, 1000, -1)
	var all sync.WaitGroup
	var counted atomic.Int64
	for i, s := range []*shop{here, there, here, there} {
		all.Go(func() {
			for n := range 10 {
				_, err := s.Spendings.Do(t.Context(), spending.ID("alice", "cli_1"), spending.Reserve{
					Reservation: fmt.Sprintf("CS-%d-%d/1", i, n), Purchase: "p", Amount: money.Of(90, "USD"), At: s.now,
				}, eventlog.Meta{})
				var over *spending.Exceeded
				if err == nil {
					counted.Add(1)
				} else if !errors.As(err, &over) && !errors.Is(err, decider.ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if sum, n := here.spending("alice", "cli_1", nil).Within(here.now, "USD", ""); sum.Minor > 1000 || int64(n) != counted.Load() || n == 0 {
		t.Errorf("%s in %d orders, and %d were let through", sum, n, counted.Load())
	}
}

// Who finds a purchase under way is told its end and starts no attempt of their own.
func TestAJoinIsNoOtherTry(t *testing.T) {
	log := &watched{Log: memlog.New("e")}
	s := start(t, log, new(memlog.Bucket))
	s.count("MOUSE", 100)
	s.add("alice", "MOUSE", 1)
	q := s.reviewAs("cli_1")
	s.gateway.entered, s.gateway.hold = make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := s.buy(checkout.Request{User: "alice", Client: "cli_1", Quote: q.ID, Method: "pm_card_visa_chargeDeclined"})
		if err != nil {
			t.Error(err)
		}
	})
	<-s.gateway.entered
	seen := make(chan struct{})
	log.read.Store(func(of eventlog.Stream) {
		if of.Category == order.Category {
			close(seen)
			log.read.Store(func(eventlog.Stream) {})
		}
	})
	all.Go(func() {
		got, err := s.CheckOut(t.Context(), checkout.Request{User: "alice", Client: "cli_2", Quote: q.ID, Method: "pm_card_visa"}, eventlog.Meta{Command: "other"})
		if err != nil || got.Order.Status != order.Declined || got.Order.Attempt != 1 {
			t.Errorf("who joined: %+v, %v", got.Order, err)
		}
	})
	<-seen // the second one has found it under way
	close(s.gateway.hold)
	all.Wait()
}

// watched is a log that tells which streams have been read.
type watched struct {
	eventlog.Log
	read atomic.Value // a func(eventlog.Stream)
}

func (w *watched) Read(ctx context.Context, of eventlog.Stream) iter.Seq2[eventlog.Envelope, error] {
	return func(yield func(eventlog.Envelope, error) bool) {
		w.Log.Read(ctx, of)(yield)
		if told, ok := w.read.Load().(func(eventlog.Stream)); ok {
			told(of)
		}
	}
}
