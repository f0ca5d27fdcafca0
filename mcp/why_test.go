package mcp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// chain is each event of an answer in short: its part, who, and by which tool.
func chain(a said) (short []string) {
	for _, e := range a.at("events").([]any) {
		m := e.(map[string]any)
		who := "shop"
		if strings.HasPrefix(m["who"].(string), "agent") {
			who = "agent"
		}
		line := fmt.Sprint(m["part"], " ", who)
		if cause, _ := m["cause"].(string); strings.HasPrefix(cause, "mcp:") {
			line += " " + cause
		}
		short = append(short, line)
	}
	return short
}

func TestWhyAnOrderIsAsItIs(t *testing.T) {
	s := newShop(t)
	s.people()
	a, b, r := s.agent("alice", modernEra), s.agent("bob", modernEra), s.agent(root, modernEra)
	a.ok("add_to_cart", args{"product": "catnip-mouse", "quantity": 9}) // taken out again: no reason
	a.ok("clear_cart", nil)
	a.ok("add_to_cart", args{"product": "catnip-mouse", "quantity": 2, "idempotency_key": "k1"})
	b.ok("add_to_cart", args{"product": "catnip-mouse"})
	s.pass(time.Minute)
	a.ok("add_to_cart", args{"product": "whisker-wand"})
	a.ok("update_cart_quantity", args{"product": "catnip-mouse", "quantity": 3})
	line := r.ok("why", args{"user": "alice", "sku": "mouse-catnip"})
	quote := a.ok("review_checkout", nil).text("quote_id")
	declined := a.refused("payment_declined", "checkout", args{"quote_id": quote, "payment_method": "pm_card_chargeDeclined"})
	between := int(s.head())
	id := a.ok("checkout", args{"quote_id": quote}).text("order_id")
	a.ok("add_to_cart", args{"product": "catnip-mouse"}) // later: no reason either
	b.ok("checkout", nil)

	want := []string{"allowed shop", "into_cart agent mcp:add_to_cart", "into_cart agent mcp:update_cart_quantity"}
	if diff := cmp.Diff(want, chain(line)); diff != "" {
		t.Errorf("the line comes from elsewhere:\n%s", diff)
	}
	got := r.ok("why", args{"order_id": strings.ToLower(id)})
	short := chain(got)
	want = []string{"allowed shop", "into_cart agent mcp:add_to_cart", "into_cart agent mcp:add_to_cart", "into_cart agent mcp:update_cart_quantity", "purchase agent mcp:checkout"}
	if diff := cmp.Diff(want, short[:min(len(want), len(short))]); diff != "" {
		t.Errorf("the order comes from elsewhere:\n%s", diff)
	}
	count := map[string]int{}
	for _, line := range short {
		part, _, _ := strings.Cut(line, " ")
		count[part]++
	}
	// Two lines are reserved, given back, reserved and sold; the cart is claimed,
	// given back, claimed and emptied.
	if diff := cmp.Diff(map[string]int{"allowed": 1, "into_cart": 3, "purchase": 6, "stock": 8, "cart": 4}, count); diff != "" {
		t.Errorf("the parts are\n%s\nof %s", diff, got.Text)
	}
	if n := len(encode(got.Data)); n > 20_000 || got.number("as_of") != int(s.head()) {
		t.Errorf("%d bytes as of %d", n, got.number("as_of"))
	}
	if text := got.words(); !strings.Contains(text, "put 2 × Catnip Mouse into the cart, $4.99 each (with add_to_cart)") || strings.Contains(got.Text, "usr_bob") {
		t.Errorf("it is told as %s", text)
	}
	for i, e := range got.at("events").([]any) {
		m := e.(map[string]any)
		if m["command"] == "" || i > 0 && m["part"] != "stock" && m["grant"] != "grt_1" {
			t.Errorf("event %d does not say by what: %v", i, m)
		}
	}
	checkAgainst(t, s, "why", any(got.Data))

	if then := r.ok("why", args{"order_id": declined.text("order_id"), "as_of": between}); len(chain(then)) >= len(short) || then.number("as_of") != between {
		t.Errorf("after the decline it was %s", then.Text)
	}
	r.refused("order_not_found", "why", args{"order_id": id, "as_of": line.number("as_of")})
	r.refused("order_not_found", "why", args{"order_id": "CS-00000-00000"})
	r.refused("not_in_cart", "why", args{"user": "alice", "sku": "RARE"})
	r.refused("unknown_user", "why", args{"user": "carol", "sku": "RARE"})
	r.refused("invalid_argument", "why", args{"user": "alice"})
	r.refused("invalid_argument", "why", nil)
}
