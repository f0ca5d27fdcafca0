package tests

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// An order of six lines is put into the cart again while the shop is killed: the
// cart holds all of it or nothing, the same key makes it whole and once, and no
// repeat after that changes anything.
func TestKilledWhileReordering(t *testing.T) {
	s := flood(t)
	p := s.hands[0].person
	must := func(tool string, in args) said {
		t.Helper()
		out, err := s.tool(p.token, tool, in)
		if err != nil || out.code() != "" {
			t.Fatalf("%s %v: %v %s", tool, in, err, out.Text)
		}
		return out
	}
	skus := []string{"A1", "A2", "A3", "B1", "B2", "C1"}
	for _, sku := range skus {
		must("add_to_cart", args{"product": sku, "quantity": 2})
	}
	order := must("checkout", nil).text("order_id")
	whole, none, adding := 0, 0, 0
	for round := range kills(t) {
		key := fmt.Sprint("again ", round)
		again := args{"order_id": order, "idempotency_key": key}
		var wg sync.WaitGroup
		for range 2 { // a client that lost its patience
			wg.Go(func() {
				if _, err := s.tool(p.token, "reorder", again); err != nil && !errors.Is(err, errGone) {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Duration(s.random.IntN(20_000)) * time.Microsecond)
		s.shop.kill()
		wg.Wait()
		s.http.CloseIdleConnections()
		s.shop = spawn(t, s.dir, address(t, s.shop.endpoint), serveFlags...)

		switch held := must("view_cart", nil).number("pieces"); held {
		case 12:
			whole++
		case 0:
			none++
		default:
			t.Errorf("round %d: the cart holds %d pieces of 12", round, held)
		}
		got := must("reorder", again)
		if got.number("pieces") != 12 || len(got.at("added").([]any)) != len(skus) {
			t.Errorf("round %d: sent again: %s", round, got.Text)
		}
		must("clear_cart", nil)
		if got = must("reorder", again); got.at("replayed") != true || got.number("pieces") != 0 || len(got.at("added").([]any)) != len(skus) {
			t.Errorf("round %d: and again: %s", round, got.Text)
		}
		adding += len(skus)
		if t.Failed() {
			return
		}
	}
	added := 0
	for _, e := range read(t, s.dir).streams["cart/"+p.id] {
		switch e.Type {
		case "cart.item_added":
			added++
		case "cart.filled":
			added += len(e.Data.Items)
		}
	}
	if added != adding+len(skus) {
		t.Errorf("%d lines were put in, not %d", added, adding+len(skus))
	}
	asRebuilt(t, s.dir)
	t.Logf("the kill found the cart whole %d times and empty %d times", whole, none)
}
