package mcp

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/stock"
	"till/projections"
)

// flakyLog is a log whose next append goes wrong: before it is stored, or after.
type flakyLog struct {
	eventlog.Log
	lost, refused atomic.Bool
}

func (l *flakyLog) Append(ctx context.Context, changes ...eventlog.Change) (eventlog.Position, error) {
	if l.refused.Swap(false) {
		return 0, eventlog.ErrUnavailable
	}
	at, err := l.Log.Append(ctx, changes...)
	if err == nil && l.lost.Swap(false) {
		return 0, eventlog.ErrUnavailable
	}
	return at, err
}

// TestAReorderIsDoneOnceUnderItsKey, whatever comes between two calls: the cart is
// emptied, the shelf changes, the shop restarts, the answer is lost.
func TestAReorderIsDoneOnceUnderItsKey(t *testing.T) {
	var flaky *flakyLog
	s := newShop(t, func(c *Config) {
		flaky = &flakyLog{Log: c.Log}
		c.Carts = decider.NewHandler(cart.Decider(), c.Types, flaky, c.Views)
	})
	a := s.agent("alice", modernEra)
	id := a.bought(2, "MOUSE-CATNIP", "WAND-WHISKER", "BED-S-GREY")
	again := args{"order_id": id, "idempotency_key": "k"}
	before := s.head()
	flaky.refused.Store(true)
	a.refused("shop_unavailable", "reorder", again)
	if s.head() != before || a.ok("view_cart", nil).number("pieces") != 0 {
		t.Fatal("a part was stored")
	}
	flaky.lost.Store(true)
	a.refused("shop_unavailable", "reorder", again) // the client does not know
	if s.head() != before+1 {
		t.Fatalf("%d events were stored, all lines are one", s.head()-before)
	}
	a.ok("clear_cart", nil)
	s.count("MOUSE-CATNIP", 0)
	after := s.head()
	got := a.ok("reorder", again)
	if got.at("replayed") != true || got.number("pieces") != 0 || len(got.at("added").([]any)) != 3 || len(got.at("not_added").([]any)) != 0 || !strings.Contains(got.Text, "nothing was changed now") {
		t.Errorf("again: %s", got.Text)
	}
	a.refused("idempotency_key_reused", "reorder", args{"order_id": id, "items": "BED-S-GREY", "idempotency_key": "k"})
	a.refused("idempotency_key_reused", "clear_cart", args{"idempotency_key": "k"})

	s.restart()
	a = s.agent("alice", modernEra)
	got = a.ok("reorder", again)
	if got.at("replayed") != true || got.number("pieces") != 0 || got.text("added.0.sku") != "MOUSE-CATNIP" || s.head() != after {
		t.Errorf("after a restart: %s", got.Text)
	}
	if got = a.ok("reorder", args{"order_id": id, "idempotency_key": "other"}); got.number("pieces") != 4 || got.text("not_added.0.reason") != "out_of_stock" {
		t.Errorf("under another key: %s", got.Text)
	}
}

// restart opens the shop anew on its log: what it knew beside that is gone.
func (s *shop) restart() {
	s.t.Helper()
	views, err := projections.Open(s.t.Context(), projections.Options{Dir: s.t.TempDir(), Log: s.log, Types: s.types, Keys: keyOf})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = views.Close() })
	if err := views.Wait(s.t.Context(), s.head()); err != nil {
		s.t.Fatal(err)
	}
	s.views, s.process.Source, s.process.Shelf = views, views, views
	s.products = decider.NewHandler(catalog.Decider(), s.types, s.log, views)
	s.process.Carts = decider.NewHandler(cart.Decider(), s.types, s.log, views)
	s.process.Stocks = decider.NewHandler(stock.Decider(), s.types, s.log, views)
	s.process.Orders = decider.NewHandler(order.Decider(), s.types, s.log, views)
	s.serve()
}

// TestTwoAgentsReorderAtOnce: the cart holds the order once, all lines by one event,
// whether they share a key, have their own or none.
func TestTwoAgentsReorderAtOnce(t *testing.T) {
	for name, key := range map[string]func(int) any{
		"one key": func(int) any { return "k" }, "own keys": func(i int) any { return fmt.Sprint("k", i) }, "no key": func(int) any { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			agents := []*agent{s.agent("alice", modernEra), s.agent("alice", legacyEra)}
			id := agents[0].bought(2, "MOUSE-CATNIP", "WAND-WHISKER", "BED-S-GREY")
			before := s.head()
			var wg sync.WaitGroup
			var added atomic.Int64
			for i := range 16 {
				wg.Go(func() {
					got := agents[i%2].ok("reorder", args{"order_id": id, "idempotency_key": key(i)})
					if got.number("pieces") != 6 {
						t.Errorf("the cart is %s", got.Text)
					}
					if got.at("replayed") == nil {
						added.Add(int64(len(got.at("added").([]any))))
					}
				})
			}
			wg.Wait()
			if n := s.head() - before; n != 1 || added.Load() != 3 {
				t.Errorf("%d events, %d told as added", n, added.Load())
			}
		})
	}
}
