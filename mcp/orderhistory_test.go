package mcp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"till/domain/catalog"
)

// ordersOf are the ids on a page of the history.
func ordersOf(page said) string {
	var ids []string
	for i := range page.at("orders").([]any) {
		ids = append(ids, page.text(fmt.Sprintf("orders.%d.order_id", i)))
	}
	return strings.Join(ids, " ")
}

func TestTheHistoryIsAskedByTimeAndProduct(t *testing.T) {
	s := newShop(t) // it is 2026-11-23T09:00:00Z
	a := s.agent("alice", modernEra)
	mouse := a.bought(1, "MOUSE-CATNIP", "BED-S-GREY")
	s.pass(24 * time.Hour)
	bed := a.bought(1, "BED-L-BLUE")
	s.pass(15*time.Hour - time.Second) // the last second of the day
	wand := a.bought(2, "WAND-WHISKER", "MOUSE-CATNIP")
	before := s.head()
	for _, c := range []struct {
		in   args
		want []string
	}{
		{nil, []string{wand, bed, mouse}},
		{args{"product": "mouse"}, []string{wand, mouse}},
		{args{"product": "Catnip  MOUSE"}, []string{wand, mouse}},
		{args{"product": "catnip-mouse"}, []string{wand, mouse}},
		{args{"product": "MOUSE-CATNIP"}, []string{wand, mouse}},
		{args{"product": "mouse bed"}, nil}, // in one order, not in one line
		{args{"query": "cat bed"}, []string{bed, mouse}},
		{args{"product": "bed large blue"}, []string{bed}},
		{args{"product": "the cosy zebra"}, nil},
		{args{"from": "2026-11-24"}, []string{wand, bed}},
		{args{"from": "2026-11-24", "to": "2026-11-24"}, []string{wand, bed}},
		{args{"to": "2026-11-23"}, []string{mouse}},
		{args{"since": "2026-11-24T09:00:00Z", "until": "2026-11-24T09:00:00Z"}, []string{bed}},
		{args{"from": "2026-11-24T10:00:01+01:00"}, []string{wand}},
		{args{"from": "2026-11-23 09:01", "to": "2026-11-24T23:59:58Z"}, []string{bed}},
		{args{"from": "2027-01-01"}, nil},
		{args{"from": "2026-11-24", "product": "mouse"}, []string{wand}},
		{args{"from": "", "to": nil, "product": " "}, []string{wand, bed, mouse}},
	} {
		got := a.ok("get_order_history", c.in)
		if ordersOf(got) != strings.Join(c.want, " ") || got.number("total") != len(c.want) {
			t.Errorf("%v finds %s", c.in, got.Text)
		}
		if len(c.want) == 0 && !strings.Contains(got.text("next_steps.0"), "without from, to, status or product") {
			t.Errorf("%v says %s", c.in, got.Text)
		}
	}
	for _, c := range []struct {
		in    args
		field string
		says  string
	}{
		{args{"from": "last week"}, "from", "from must be a date (2026-11-20) or a time (2026-11-20T10:00:00Z); it was \"last week\"."},
		{args{"to": "2026-02-30"}, "to", "to must be a date"},
		{args{"to": "20.11.2026"}, "to", "to must be a date"},
		{args{"from": "2026-11-25", "to": "2026-11-24"}, "from", "from must not be after to: from is 2026-11-25T00:00:00Z and to is 2026-11-24T23:59:59Z."},
		{args{"product": "?!"}, "product", "product must hold words"},
	} {
		got := a.refused("invalid_argument", "get_order_history", c.in)
		if got.text("field") != c.field || !strings.Contains(got.text("message"), c.says) {
			t.Errorf("%v is refused with %s", c.in, got.Text)
		}
	}
	if s.head() != before {
		t.Error("something was written")
	}
	if got := s.agent("bob", modernEra).ok("get_order_history", args{"product": "mouse"}); got.number("total") != 0 {
		t.Errorf("bob sees %s", got.Text)
	}
}

// TestFilteredHistoryPagesWhileOrdersCome, now and as of a moment of the past.
func TestFilteredHistoryPagesWhileOrdersCome(t *testing.T) {
	for _, past := range []bool{false, true} {
		t.Run(fmt.Sprint("past=", past), func(t *testing.T) {
			s := newShop(t)
			a := s.agent("alice", modernEra)
			var want []string // the newest first
			for range 7 {
				want = append([]string{a.bought(1, "MOUSE-CATNIP")}, want...)
				a.bought(1, "WAND-WHISKER")
			}
			in := args{"product": "mouse", "limit": 3}
			if past {
				in["as_of"] = a.ok("get_order_history", in).number("as_of")
				a.bought(1, "MOUSE-CATNIP")
			}
			var read []string
			for page := range 3 {
				got := a.ok("get_order_history", in)
				read = append(read, strings.Fields(ordersOf(got))...)
				if total := 7 + page; got.number("total") != total && !past || past && got.number("total") != 7 {
					t.Errorf("page %d: the total is %d", page, got.number("total"))
				}
				a.bought(1, "MOUSE-CATNIP")
				in["cursor"] = got.text("next_cursor")
				if page == 0 {
					if !strings.Contains(fmt.Sprint(got.at("next_steps")), "same other arguments") {
						t.Errorf("it says %s", got.Text)
					}
					refused := a.refused("invalid_argument", "get_order_history", args{"cursor": in["cursor"]})
					if refused.text("field") != "cursor" {
						t.Errorf("a cursor without its filter is refused by %s", refused.Text)
					}
				}
			}
			if in["cursor"] != "" || strings.Join(read, " ") != strings.Join(want, " ") {
				t.Errorf("read %q and then %v, want %q", read, in["cursor"], want)
			}
		})
	}
}

// TestAnOrderSaysWhetherItCanBeBoughtAgain: if any of its lines can.
func TestAnOrderSaysWhetherItCanBeBoughtAgain(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	rare := a.bought(1, "RARE")
	both := a.bought(1, "MOUSE-CATNIP", "BED-L-BLUE")
	can := func(want string) {
		t.Helper()
		page := a.ok("get_order_history", nil)
		if got := fmt.Sprint(page.at("orders.0.can_reorder"), page.at("orders.1.can_reorder")); got != want {
			t.Errorf("it says %s of %s and %s, not %s", got, both, rare, want)
		}
		for i, id := range strings.Fields(ordersOf(page)) {
			got := a.ok("reorder", args{"order_id": id})
			if added := len(got.at("added").([]any)) > 0; added != page.at(fmt.Sprintf("orders.%d.can_reorder", i)) {
				t.Errorf("of %s is added: %s", id, got.Text)
			}
			a.ok("clear_cart", nil)
		}
	}
	at := s.head()
	can("true true")
	s.count("RARE", 0)
	can("true false")
	do(s, s.products, "2", catalog.Command(catalog.Withdraw{}))
	can("true false")
	s.count("BED-L-BLUE", 0)
	can("false false")
	if then := a.ok("get_order_history", args{"as_of": int(at)}); then.at("orders.1.can_reorder") != true {
		t.Errorf("as of then: %s", then.Text)
	}
}
