package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/checkout"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/domain/payment/testgateway"
)

func TestAQuoteIsBought(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.count("BED", 2)
	s.add("alice", "MOUSE", 3)
	s.add("alice", "BED", 1)
	before, _ := s.log.Head(context.Background())
	q := s.review("alice")
	if head, _ := s.log.Head(context.Background()); head != before {
		t.Error("a review wrote to the log")
	}
	if q.Total != money.Of(3*499+2999, "USD") || len(q.Lines) != 2 || len(q.Problems) != 0 {
		t.Fatalf("the quote is %+v", q)
	}
	s.add("alice", "WAND", 1) // after the quote: stays in the cart
	if _, err := s.buy(checkout.Request{User: "alice", Quote: q.ID}); !errors.Is(err, checkout.ErrQuoteOutdated) {
		t.Fatalf("a cart that changed: %v", err)
	}
	s.count("WAND", 5)
	q = s.review("alice")
	got, err := s.buy(checkout.Request{User: "alice", Quote: q.ID})
	if err != nil || got.Order.Status != order.Placed || got.Order.Total != q.Total || got.Replayed {
		t.Fatalf("%+v, %v", got, err)
	}
	if c := s.cart("alice"); len(c.Lines) != 0 || c.LastOrder != got.Order.ID {
		t.Errorf("the cart is %+v", c)
	}
	if st := s.stock("MOUSE"); st.OnHand != 7 || st.Available() != 7 {
		t.Errorf("the stock is %+v", st)
	}
	again, err := s.buy(checkout.Request{User: "alice", Quote: q.ID})
	if err != nil || !again.Replayed || again.Order.ID != got.Order.ID {
		t.Errorf("bought again: %+v, %v", again, err)
	}
	if n := s.types()["order.placed"]; n != 1 {
		t.Errorf("%d orders were placed", n)
	}
}

func TestWhatCannotBeBought(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	buy := func(r checkout.Request) error { _, err := s.buy(r); return err }

	if _, err := s.Review(context.Background(), "alice", ""); !errors.Is(err, cart.ErrEmpty) {
		t.Errorf("an empty cart reviewed: %v", err)
	}
	if err := buy(checkout.Request{User: "alice"}); !errors.Is(err, cart.ErrEmpty) {
		t.Errorf("an empty cart bought: %v", err)
	}
	s.add("alice", "MOUSE", 2)
	q := s.review("alice")
	for name, id := range map[string]string{
		"nonsense": "nonsense", "cut short": q.ID[:20], "edited": q.ID[:10] + "A" + q.ID[11:], "empty": "q_",
	} {
		if err := buy(checkout.Request{User: "alice", Quote: id}); !errors.Is(err, checkout.ErrQuote) {
			t.Errorf("a quote %s: %v", name, err)
		}
	}
	if err := buy(checkout.Request{User: "bob", Quote: q.ID}); !errors.Is(err, checkout.ErrQuote) {
		t.Errorf("somebody else's quote: %v", err)
	}
	s.prices["MOUSE"] = 599
	if err := buy(checkout.Request{User: "alice", Quote: q.ID}); !errors.Is(err, checkout.ErrQuoteOutdated) {
		t.Errorf("a price that changed: %v", err)
	}
	if q := s.review("alice"); len(q.Warnings) != 1 || q.Warnings[0].Code != "price_changed" || q.Total != money.Of(1198, "USD") {
		t.Errorf("the new quote is %+v", q)
	}
	s.prices["MOUSE"] = 499
	s.now = s.now.Add(checkout.QuoteLife + time.Second)
	if err := buy(checkout.Request{User: "alice", Quote: q.ID}); !errors.Is(err, checkout.ErrQuoteExpired) {
		t.Errorf("an old quote: %v", err)
	}
	s.count("MOUSE", 1)
	var blocked *checkout.Blocked
	if err := buy(checkout.Request{User: "alice"}); !errors.As(err, &blocked) || blocked.Problems[0].Code != "insufficient_stock" {
		t.Errorf("too few pieces: %v", err)
	}
	if q := s.review("alice"); q.ID != "" || len(q.Problems) != 1 {
		t.Errorf("a quote for what is not there: %+v", q)
	}
	delete(s.prices, "MOUSE")
	if err := buy(checkout.Request{User: "alice"}); !errors.As(err, &blocked) || blocked.Problems[0].Code != "unavailable" {
		t.Errorf("withdrawn: %v", err)
	}
	if n := s.types()["order.checkout_started"]; n != 0 {
		t.Errorf("%d purchases were started", n)
	}
	s.gateway.real = true
	if err := buy(checkout.Request{User: "alice"}); !errors.Is(err, checkout.ErrReviewFirst) {
		t.Errorf("real money without a review: %v", err)
	}
}

func TestADeclineLeavesEverythingAsItWas(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.add("alice", "MOUSE", 2)
	q := s.review("alice")
	got, err := s.buy(checkout.Request{User: "alice", Quote: q.ID, Method: "pm_card_visa_chargeDeclined"})
	if err != nil || got.Order.Status != order.Declined || got.Order.Code != "card_declined" {
		t.Fatalf("%+v, %v", got, err)
	}
	if s.stock("MOUSE").Available() != 10 || s.cart("alice").Pieces() != 2 {
		t.Errorf("stock %+v, cart %+v", s.stock("MOUSE"), s.cart("alice"))
	}
	got, err = s.buy(checkout.Request{User: "alice", Quote: q.ID, Method: "pm_card_visa"})
	if err != nil || got.Order.Status != order.Placed || got.Order.Attempt != 2 {
		t.Fatalf("with another card: %+v, %v", got, err)
	}
	if s.stock("MOUSE").OnHand != 8 || len(s.cart("alice").Lines) != 0 {
		t.Errorf("stock %+v, cart %+v", s.stock("MOUSE"), s.cart("alice"))
	}
}

func TestAnUnknownOutcomeIsAskedAgainUnderTheSameKey(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.add("alice", "MOUSE", 2)
	q := s.review("alice")
	got, err := s.buy(checkout.Request{User: "alice", Quote: q.ID, Method: "tok_timeout"})
	if err != nil || got.Order.Status != order.Pending || s.stock("MOUSE").Available() != 8 {
		t.Fatalf("%+v, %v", got, err)
	}
	if done, err := s.Resume(context.Background(), got.Order.ID, eventlog.Meta{}); err != nil || done {
		t.Fatalf("asked too early: %v, %v", done, err)
	}
	s.now = s.now.Add(testgateway.Settles)
	if done, err := s.Resume(context.Background(), got.Order.ID, eventlog.Meta{}); err != nil || !done {
		t.Fatalf("%v, %v", done, err)
	}
	if len(s.gateway.keys) != 1 || s.stock("MOUSE").OnHand != 8 || len(s.cart("alice").Lines) != 0 {
		t.Errorf("keys %v, stock %+v", s.gateway.keys, s.stock("MOUSE"))
	}
	t.Run("and so is an error", func(t *testing.T) {
		s.add("bob", "MOUSE", 1)
		s.gateway.err = errors.New("connection reset")
		got, err := s.buy(checkout.Request{User: "bob"})
		if err != nil || got.Order.Status != order.Pending {
			t.Fatalf("%+v, %v", got, err)
		}
		s.gateway.err = nil
		got, err = s.buy(checkout.Request{User: "bob"})
		if err != nil || got.Order.Status != order.Placed || got.Order.Attempt != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestTwoQuotesOfOneCartAreOneOrder(t *testing.T) {
	t.Run("while the first is pending", func(t *testing.T) {
		s := newShop(t)
		s.count("MOUSE", 10)
		s.add("alice", "MOUSE", 2)
		first := s.review("alice")
		s.now = s.now.Add(time.Second)
		second := s.review("alice")
		if first.ID == second.ID {
			t.Fatal("the quotes are one")
		}
		got, err := s.buy(checkout.Request{User: "alice", Quote: first.ID, Method: "tok_timeout"})
		if err != nil || got.Order.Status != order.Pending {
			t.Fatalf("%+v, %v", got, err)
		}
		var busy *checkout.Busy
		if _, err := s.buy(checkout.Request{User: "alice", Quote: second.ID}); !errors.As(err, &busy) || busy.Order != got.Order.ID {
			t.Errorf("the second quote: %v", err)
		}
		if q := s.review("alice"); q.ID != "" || q.Problems[0].Code != "checkout_in_progress" {
			t.Errorf("a third quote: %+v", q)
		}
		s.now = s.now.Add(testgateway.Settles)
		if again, err := s.buy(checkout.Request{User: "alice", Quote: first.ID}); err != nil || again.Order.Status != order.Placed {
			t.Errorf("the first again: %+v, %v", again, err)
		}
		if len(s.gateway.keys) != 1 || s.cart("alice").Claim != "" {
			t.Errorf("charged under %v, claimed by %q", s.gateway.keys, s.cart("alice").Claim)
		}
	})
	t.Run("at the same moment", func(t *testing.T) {
		for range 50 {
			s := newShop(t)
			s.count("MOUSE", 10)
			s.add("alice", "MOUSE", 2)
			var quotes []string
			for range 4 {
				s.now = s.now.Add(time.Second)
				quotes = append(quotes, s.review("alice").ID)
			}
			var wg sync.WaitGroup
			for _, q := range quotes {
				wg.Go(func() { _, _ = s.buy(checkout.Request{User: "alice", Quote: q}) })
			}
			wg.Wait()
			if n := s.types()["order.placed"]; n != 1 || s.stock("MOUSE").OnHand != 8 || s.cart("alice").Claim != "" {
				t.Fatalf("%d orders of one cart, stock %+v, cart %+v", n, s.stock("MOUSE"), s.cart("alice"))
			}
		}
	})
}

func TestARepeatedKeyGoesOnWithItsOrderThoughTheCartChanged(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.count("BED", 10)
	s.add("alice", "MOUSE", 2)
	meta := eventlog.Meta{Command: "key", Fingerprint: "f"}
	first, err := s.CheckOut(context.Background(), checkout.Request{User: "alice", Method: "tok_timeout"}, meta)
	if err != nil || first.Order.Status != order.Pending {
		t.Fatalf("%+v, %v", first, err)
	}
	s.add("alice", "BED", 1)
	s.now = s.now.Add(testgateway.Settles)
	again, err := s.CheckOut(context.Background(), checkout.Request{User: "alice", Method: "tok_timeout"}, meta)
	if err != nil || again.Order.ID != first.Order.ID || again.Order.Status != order.Placed {
		t.Fatalf("%+v, %v", again, err)
	}
	if c := s.cart("alice"); len(c.Lines) != 1 || c.Lines[0].SKU != "BED" {
		t.Errorf("the cart is %+v", c)
	}
}

func TestOneQuoteHasOneCurrency(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.count("BED", 10)
	s.add("alice", "MOUSE", 1)
	s.add("alice", "BED", 1)
	s.currency = map[string]string{"BED": "EUR"}
	if q := s.review("alice"); q.ID != "" || len(q.Problems) != 1 || q.Problems[0].SKU != "BED" {
		t.Errorf("a cart of two currencies is quoted: %+v", q)
	}
	var blocked *checkout.Blocked
	if _, err := s.buy(checkout.Request{User: "alice"}); !errors.As(err, &blocked) {
		t.Errorf("and bought: %v", err)
	}
}

func TestARepeatedCommandGetsItsFirstAnswer(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.add("alice", "MOUSE", 2)
	meta := eventlog.Meta{Command: "key-1", Fingerprint: "f"}
	first, err := s.CheckOut(context.Background(), checkout.Request{User: "alice", Method: "fail_token"}, meta)
	if err != nil || first.Order.Status != order.Declined {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := s.CheckOut(context.Background(), checkout.Request{User: "alice", Method: "fail_token"}, meta)
	if err != nil || !again.Replayed || again.Order.Attempt != 1 || again.Order.Status != order.Declined {
		t.Errorf("a repeat of the declined: %+v, %v", again, err)
	}
	meta.Fingerprint = "other"
	if _, err := s.CheckOut(context.Background(), checkout.Request{User: "alice"}, meta); !errors.Is(err, decider.ErrReused) {
		t.Errorf("the key with other arguments: %v", err)
	}
	meta = eventlog.Meta{Command: "key-2", Fingerprint: "f"}
	first, err = s.CheckOut(context.Background(), checkout.Request{User: "alice"}, meta)
	if err != nil || first.Order.Status != order.Placed {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err = s.CheckOut(context.Background(), checkout.Request{User: "alice"}, meta)
	if err != nil || !again.Replayed || again.Order.ID != first.Order.ID {
		t.Errorf("a repeat with an empty cart: %+v, %v", again, err)
	}
}

func TestManyCallsForOneQuoteAreOneOrder(t *testing.T) {
	for _, method := range []string{"pm_card_visa", "fail_token"} {
		s := newShop(t)
		s.count("MOUSE", 100)
		s.add("alice", "MOUSE", 2)
		q := s.review("alice")
		var wg sync.WaitGroup
		orders := make([]order.State, 32)
		for i := range orders {
			wg.Go(func() {
				got, err := s.buy(checkout.Request{User: "alice", Quote: q.ID, Method: method})
				if err != nil {
					t.Error(err)
				}
				orders[i] = got.Order
			})
		}
		wg.Wait()
		for _, o := range orders {
			if o.ID != orders[0].ID || o.Status != orders[0].Status {
				t.Fatalf("%s: two answers, %+v and %+v", method, o, orders[0])
			}
		}
		if n := s.types()["order.checkout_started"]; n != 1 || s.stock("MOUSE").OnHand != s.stock("MOUSE").Available() {
			t.Errorf("%s: %d purchases, stock %+v", method, n, s.stock("MOUSE"))
		}
	}
}

func TestAHundredBuyersForTenPieces(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	for i := range 100 {
		s.add(fmt.Sprint("user-", i), "MOUSE", 1)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	placed, refused := 0, 0
	for i := range 100 {
		wg.Go(func() {
			got, err := s.buy(checkout.Request{User: fmt.Sprint("user-", i)})
			mu.Lock()
			defer mu.Unlock()
			var blocked *checkout.Blocked
			switch {
			case err == nil && got.Order.Status == order.Placed:
				placed++
			case errors.As(err, &blocked), err == nil && got.Order.Status == order.Failed && got.Order.Code == "insufficient_stock":
				refused++
			default:
				t.Errorf("%+v, %v", got.Order, err)
			}
		})
	}
	wg.Wait()
	if st := s.stock("MOUSE"); placed != 10 || refused != 90 || st.OnHand != 0 || len(st.Reserved) != 0 {
		t.Errorf("%d placed, %d refused, stock %+v", placed, refused, st)
	}
}

// Two agents buy one cart, each under a key of its own: both keys are remembered
// with the one order, so that either finds it when the cart is empty.
func TestEachKeyOfAPurchaseIsRemembered(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 5)
	s.add("usr_1", "MOUSE", 2)
	quote := s.review("usr_1")
	for _, key := range []string{"key:1", "key:2", "key:2", "key:3"} {
		meta := eventlog.Meta{Command: key, Fingerprint: "of " + key, Time: s.now}
		got, err := s.CheckOut(t.Context(), checkout.Request{User: "usr_1", Quote: quote.ID}, meta)
		if err != nil || got.Order.Status != order.Placed || got.Replayed != (key != "key:1") {
			t.Fatalf("%s: %+v %v", key, got, err)
		}
		receipt, ok, err := s.Source.Command(t.Context(), key)
		if err != nil || !ok || receipt.Stream.ID != got.Order.ID {
			t.Errorf("%s is remembered as %+v %v %v", key, receipt, ok, err)
		}
		// Without the quote, as an agent that named none.
		again, err := s.CheckOut(t.Context(), checkout.Request{User: "usr_1"}, meta)
		if err != nil || again.Order.ID != got.Order.ID || !again.Replayed {
			t.Errorf("%s again: %+v %v", key, again, err)
		}
	}
	if n := s.types()["order.placed"]; n != 1 {
		t.Errorf("placed %d times", n)
	}
	if n := s.types()["order.checkout_joined"]; n != 2 {
		t.Errorf("joined %d times", n)
	}
}

// Of two calls with one quote the second looks for the order, then the first buys
// the cart, and then the second finds the cart changed: it is the same order.
func TestTheQuoteIsBoughtBetweenTwoLooks(t *testing.T) {
	s := newShop(t)
	s.count("MOUSE", 10)
	s.add("alice", "MOUSE", 2)
	quote := s.review("alice").ID
	var first checkout.Result
	looks := 0
	s.Now = func() time.Time {
		if looks++; looks == 2 { // the order was looked for
			s.Now = s.clock
			var err error
			if first, err = s.buy(checkout.Request{User: "alice", Quote: quote}); err != nil {
				t.Fatal(err)
			}
		}
		return s.clock()
	}
	second, err := s.CheckOut(t.Context(), checkout.Request{User: "alice", Quote: quote}, eventlog.Meta{Command: "d"})
	if err != nil || first.Order.ID == "" || second.Order.ID != first.Order.ID || second.Order.Status != order.Placed {
		t.Errorf("%+v, %v; the first %+v", second.Order, err, first.Order)
	}
	if st := s.stock("MOUSE"); st.OnHand != 8 {
		t.Errorf("the stock is %+v", st)
	}
}
