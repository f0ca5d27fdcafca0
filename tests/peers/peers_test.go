package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// A comparison is worth something only if all that are compared do the work: each
// way of each shop sells to two people, keeps them apart and tells what they bought.
func TestPeersAnswerRightly(t *testing.T) {
	p, err := install(t.Context(), cacheFolder(), os.Getenv("TILL_REQUIRE_CLIENTS") != "")
	if errors.Is(err, errNotInstalled) {
		t.Skip("SKIPPED: THE PYTHON AND TYPESCRIPT PEERS ARE NOT RUN. They need Python 3.11, npm and packages; make bench-peers or TILL_REQUIRE_CLIENTS=1 installs them.")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range p.all() {
		t.Run(way.name, func(t *testing.T) {
			s, err := startPeer(t.Context(), way, t.TempDir(), 2)
			if err != nil {
				t.Fatal(err)
			}
			defer s.stop()
			sells(t, s)
			stranger, err := dial(s.addr, "0000", way.era)
			if err == nil {
				defer stranger.close()
				_, err = stranger.call("view_cart", "{}")
			}
			if err == nil || !strings.Contains(err.Error(), fmt.Sprint(http.StatusUnauthorized)) {
				t.Errorf("a stranger is not refused: %v", err)
			}
		})
	}
}

// Till is measured by the same flow, in both eras.
func TestTillAnswersRightly(t *testing.T) {
	// A short name: the command socket lies in it.
	dir, err := os.MkdirTemp("", "till-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := startTill(t.Context(), dir, modern, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	sells(t, s)
	s.era = legacy
	if w, err := load(s, 1, 500*time.Millisecond); err != nil || w.calls == 0 {
		t.Errorf("in the older era: %d calls, %v", w.calls, err)
	}
}

// open is a connection with a token.
func open(t *testing.T, s *server, token string) *wire {
	t.Helper()
	w, err := dial(s.addr, token, s.era)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

func sells(t *testing.T, s *server) {
	t.Helper()
	one := &buyer{wire: open(t, s, s.tokens[0]), dialect: s.dialect}
	two := &buyer{wire: open(t, s, s.tokens[1]), dialect: s.dialect}
	if _, err := two.call("add_to_cart", two.wand); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := one.shop(); err != nil {
			t.Fatal(err)
		}
	}
	want := 6
	if s.quotes {
		want = 7
	}
	if len(one.took) != 2*want {
		t.Errorf("twice the whole way is %d calls, want %d", len(one.took), 2*want)
	}
	if orders := ordersOf(t, one); len(orders) != 2 || orders[0] == orders[1] {
		t.Errorf("the orders are %q", orders)
	}
	if orders := ordersOf(t, two); len(orders) != 0 {
		t.Errorf("somebody else has bought %q", orders)
	}
	for b, holds := range map[*buyer]bool{one: false, two: true} {
		cart, err := b.call("view_cart", "{}")
		if err != nil || strings.Contains(string(cart), "Whisker Wand") != holds || strings.Contains(string(cart), "Catnip Mouse") {
			t.Errorf("the cart is %s %v, holding a wand: %t", cart, err, holds)
		}
	}
	if answer, err := one.call("add_to_cart", strings.Replace(one.wand, "1", "999", 1)); err == nil && !strings.Contains(string(answer), `"error":`) {
		t.Errorf("an unknown product: %s", answer)
	}
}

func ordersOf(t *testing.T, b *buyer) (ids []string) {
	t.Helper()
	answer, err := b.call("get_order_history", b.history)
	if err != nil {
		t.Fatal(err)
	}
	said, err := content(answer)
	if err != nil {
		t.Fatal(err)
	}
	orders, ok := said["orders"].([]any)
	if !ok {
		t.Fatalf("no orders in %s", answer)
	}
	for _, o := range orders {
		id, _ := o.(map[string]any)["order_id"].(string)
		ids = append(ids, id)
	}
	return ids
}

// Only what was answered in time counts.
func TestAWindowEndsInTime(t *testing.T) {
	began := time.Now()
	var w window
	w.add([]time.Duration{time.Second, time.Second}, began, began.Add(3*time.Second))
	w.add([]time.Duration{time.Second, 2 * time.Second, time.Second}, began.Add(time.Second), began.Add(3*time.Second))
	if w.calls != 3 || w.flows != 1 || !slices.Equal(w.took, []time.Duration{time.Second, time.Second, time.Second}) {
		t.Errorf("%+v", w)
	}
	if m := middle([]float64{9, 1, 3, 4}); m != 3.5 {
		t.Errorf("the middle is %v", m)
	}
	if q := quantile([]time.Duration{1, 2, 3, 4}, 0.99); q != 4 {
		t.Errorf("the 99th is %v", q)
	}
}
