package mcp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/spending"
	"till/domain/stock"
)

// bought is the id of an order of these SKUs, so many pieces of each.
func (a *agent) bought(pieces int, skus ...string) string {
	a.t.Helper()
	for _, sku := range skus {
		a.ok("add_to_cart", args{"product": sku, "quantity": pieces})
	}
	return a.ok("checkout", nil).text("order_id")
}

func (s *shop) count(sku string, n int) {
	s.t.Helper()
	do(s, s.process.Stocks, sku, stock.Command(stock.Count{OnHand: n}))
}

func TestAnOrderIsPutIntoTheCartAgain(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		a := s.agent("alice", e)
		id := a.bought(2, "MOUSE-CATNIP", "WAND-WHISKER", "BED-S-GREY")
		before := s.head()
		got := a.ok("reorder", args{"order_id": strings.ToLower(strings.TrimPrefix(id, "CS-"))})
		if got.number("pieces") != 6 || got.text("order_id") != id || len(got.at("added").([]any)) != 3 || got.number("added.2.quantity") != 2 {
			t.Errorf("the cart is %s", got.Text)
		}
		if len(got.at("not_added").([]any)) != 0 || len(got.at("changed_price").([]any)) != 0 || !strings.Contains(got.Text, "Everything of order "+id) {
			t.Errorf("it says %s", got.Text)
		}
		if n := s.head() - before; n != 1 {
			t.Errorf("%d events, all lines are one", n)
		}
		if view := a.ok("view_cart", nil); view.number("version") != got.number("version") || fmt.Sprint(view.at("lines")) != fmt.Sprint(got.at("lines")) {
			t.Errorf("the cart is %s", view.Text)
		}
		if len(got.Text) > 2200 {
			t.Errorf("it takes %d bytes", len(got.Text))
		}
		t.Logf("three lines take %d bytes", len(got.Text))
		// Again, without a key: it is there already.
		got = a.ok("reorder", args{"order": id})
		if got.number("pieces") != 6 || len(got.at("added").([]any)) != 0 || got.text("not_added.0.reason") != "already_in_cart" || s.head() != before+1 {
			t.Errorf("again: %s", got.Text)
		}
		if next := a.ok("checkout", nil).text("order_id"); next == id {
			t.Errorf("bought as the same order %s", next)
		}
		s.agent("bob", e).refused("order_not_found", "reorder", args{"order_id": id})
	})
}

// TestWhatCannotBePutInAgain is the table of reasons.
func TestWhatCannotBePutInAgain(t *testing.T) {
	mouse := func(s *shop, price int) catalog.Product {
		return catalog.Product{ID: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Category: "toys", Variants: variants("MOUSE-CATNIP", "", price)}
	}
	euro := func(s *shop) {
		p := mouse(s, 499)
		p.Variants[0].Price.Currency = "EUR"
		do(s, s.products, "2", catalog.Command(catalog.Offer{Product: p}))
	}
	for _, c := range []struct {
		name    string
		sku     string
		change  func(*shop, *agent)
		reason  string
		added   int // of 2
		message string
		instead string
	}{
		{"withdrawn", "MOUSE-CATNIP", func(s *shop, _ *agent) { do(s, s.products, "2", catalog.Command(catalog.Withdraw{})) },
			"item_unavailable", 0, "no longer sold", "RARE"},
		{"out of stock", "MOUSE-CATNIP", func(s *shop, _ *agent) { s.count("MOUSE-CATNIP", 0) },
			"out_of_stock", 0, "out of stock", "RARE"},
		{"another variant", "BED-L-GREY", func(s *shop, _ *agent) { s.count("BED-L-GREY", 0) },
			"out_of_stock", 0, "out of stock", "BED-L-BLUE BED-S-GREY"},
		{"a variant that is gone", "BED-L-GREY", func(s *shop, _ *agent) {
			p := catalog.Product{ID: "4", Handle: "cozy-cat-bed", Title: "Cozy Cat Bed", Category: "beds", Options: []string{"size", "colour"}, Variants: variants("BED-S-GREY", "small / grey", 2999)}
			do(s, s.products, "4", catalog.Command(catalog.Offer{Product: p}))
		}, "unknown_product", 0, "not in the catalogue any more", "BED-S-GREY"},
		{"too few", "MOUSE-CATNIP", func(s *shop, _ *agent) { s.count("MOUSE-CATNIP", 1) },
			"insufficient_stock", 1, "only 1 are left, the order had 2", ""},
		{"there already", "MOUSE-CATNIP", func(_ *shop, a *agent) { a.ok("add_to_cart", args{"product": 2, "quantity": 5}) },
			"already_in_cart", 0, "the cart holds 5 already", ""},
		{"partly there", "MOUSE-CATNIP", func(_ *shop, a *agent) { a.ok("add_to_cart", args{"product": 2, "quantity": 1}) },
			"already_in_cart", 1, "the cart holds 2 already", ""},
		{"another currency", "MOUSE-CATNIP", func(s *shop, a *agent) { a.ok("add_to_cart", args{"product": 1}); euro(s) },
			"currency_mismatch", 0, "sold in EUR, the cart is in USD", ""},
		{"a full cart", "MOUSE-CATNIP", func(s *shop, a *agent) {
			for i := range cart.MaxLines {
				s.sell(fmt.Sprint(100+i), fmt.Sprint("thing-", i), fmt.Sprint("Thing ", i), "things", 9, variants(fmt.Sprint("THING-", i), "", 100))
				a.ok("add_to_cart", args{"product": fmt.Sprint("THING-", i)})
			}
		}, "cart_full", 0, "the cart holds 50 different items, which is the most", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t)
			a := s.agent("alice", modernEra)
			id := a.bought(2, c.sku)
			c.change(s, a)
			before := a.ok("view_cart", nil).number("pieces")
			got := a.ok("reorder", args{"order_id": id})
			if got.number("pieces") != before+c.added || got.text("not_added.0.sku") != c.sku || got.number("not_added.0.quantity") != 2-c.added {
				t.Errorf("the cart is %s", got.Text)
			}
			if got.text("not_added.0.reason") != c.reason || got.text("not_added.0.message") != c.message || !strings.Contains(got.Text, ": "+c.message+".") {
				t.Errorf("it says %s", got.Text)
			}
			var instead []string
			for i := range got.at("not_added.0.substitutes").([]any) {
				instead = append(instead, got.text(fmt.Sprintf("not_added.0.substitutes.%d.use", i)))
			}
			if all := strings.Join(instead, " "); !strings.Contains(all, c.instead) || c.instead == "" && all != "" || len(instead) > 3 {
				t.Errorf("instead it offers %q", all)
			}
			for _, sku := range instead { // each can be bought now
				a.ok("add_to_cart", args{"product": sku})
			}
			checkAgainst(t, s, "reorder", any(got.Data))
		})
	}
}

// TestAReorderOfSeveralFates: what can be bought is in the cart, the rest is told.
func TestAReorderOfSeveralFates(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	id := a.bought(2, "MOUSE-CATNIP", "WAND-WHISKER", "RARE")
	do(s, s.products, "1", catalog.Command(catalog.Offer{Product: catalog.Product{ID: "1", Handle: "whisker-wand", Title: "Whisker Wand", Category: "toys", Variants: variants("WAND-WHISKER", "", 1299)}}))
	do(s, s.products, "2", catalog.Command(catalog.Withdraw{}))
	got := a.ok("reorder", args{"order_id": id})
	if len(got.at("added").([]any)) != 2 || got.text("added.0.sku") != "WAND-WHISKER" || got.number("added.1.quantity") != 1 || got.number("total.amount") != 2*1299+1000 {
		t.Errorf("it added %s", got.Text)
	}
	if got.text("changed_price.0.was.display") != "$9.99" || got.number("changed_price.0.now.amount") != 1299 || !strings.Contains(got.Text, "Whisker Wand costs $12.99 now; it was $9.99.") {
		t.Errorf("of prices it says %s", got.Text)
	}
	if got.text("not_added.0.reason") != "item_unavailable" || got.text("not_added.1.reason") != "insufficient_stock" || !strings.Contains(fmt.Sprint(got.at("next_steps")), "not added and why") {
		t.Errorf("it says %s", got.Text)
	}
	t.Logf("it takes %d bytes:\n%s", len(got.Text), got.Text)
}

func TestOnlySomeItemsOfAnOrder(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	id := a.bought(2, "MOUSE-CATNIP", "WAND-WHISKER", "BED-S-GREY")
	before := s.head()
	got := a.refused("not_in_order", "reorder", args{"order_id": id, "items": "MOUSE-CATNIP,RARE"})
	if got.text("field") != "items" || got.text("suggestions.1.use") != "WAND-WHISKER" || s.head() != before {
		t.Errorf("it says %s", got.Text)
	}
	if got = a.ok("reorder", args{"order_id": id, "skus": "mouse-catnip, cozy-cat-bed"}); got.number("pieces") != 4 || len(got.at("added").([]any)) != 2 {
		t.Errorf("the cart is %s", got.Text)
	}
	s.agent("bob", modernEra).refused("order_not_found", "reorder", args{"order_id": "CS-00000-00000"})
}

func TestAnOrderThatIsNone(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 1})
	for _, method := range []string{"fail_token", "tok_timeout"} {
		id := a.call("checkout", args{"payment_method": method}).text("order_id")
		if got := a.refused("order_not_placed", "reorder", args{"order_id": id}); got.text("order_id") != id {
			t.Errorf("it says %s", got.Text)
		}
	}
}

// TestAReorderPassesOverAProductThatIsSetAside: a fault of the program in one
// product keeps nobody from the others, nor from the history.
func TestAReorderPassesOverAProductThatIsSetAside(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	both := a.bought(1, "MOUSE-CATNIP", "WAND-WHISKER")
	alone := a.bought(1, "MOUSE-CATNIP")
	do(s, s.products, "2", catalog.Command(catalog.Offer{Product: catalog.Product{ID: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Category: "toys", Description: "boom", Variants: variants("MOUSE-CATNIP", "", 499)}}))
	s.types = eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){stock.Register, cart.Register, order.Register, spending.Register, account.Register, grant.Register, client.Register, session.Register} {
		register(s.types)
	}
	eventlog.Register[catalog.ProductAdded](s.types, "product.added", 1)
	eventlog.Register[catalog.ProductChanged](s.types, "product.changed", 2, func(json.RawMessage) (json.RawMessage, error) { panic("no rule for it") })
	eventlog.Register[catalog.ProductWithdrawn](s.types, "product.withdrawn", 1)
	s.restart()
	a = s.agent("alice", modernEra)
	a.refused("set_aside", "get_product", args{"product": "catnip-mouse"})
	page := a.ok("get_order_history", nil)
	if ordersOf(page) != alone+" "+both || page.at("orders.0.can_reorder") != false || page.at("orders.1.can_reorder") != true {
		t.Errorf("the history is %s", page.Text)
	}
	got := a.ok("reorder", args{"order_id": both})
	if got.number("pieces") != 1 || got.text("not_added.0.reason") != "item_unavailable" || !strings.Contains(got.Text, "the shop cannot sell it at the moment.") {
		t.Errorf("the cart is %s", got.Text)
	}
}

// TestTheLargestReorderStaysBounded: 50 lines with the longest names, half of them
// gone, all others dearer.
func TestTheLargestReorderStaysBounded(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	product := func(i, price int) catalog.Product {
		return catalog.Product{ID: fmt.Sprint(100 + i), Handle: fmt.Sprint(strings.Repeat("h", 90), i), Title: fmt.Sprint(strings.Repeat("T", catalog.MaxTitle-3), i),
			Category: "toys", Options: []string{"size"}, Variants: variants(fmt.Sprintf("%s-%03d", strings.Repeat("W", 55), i), fmt.Sprint(strings.Repeat("v", 50), i), price)}
	}
	for i := range 2 * cart.MaxLines {
		p := product(i, 1000)
		s.sell(p.ID, p.Handle, p.Title, p.Category, 9, p.Variants)
	}
	for i := range cart.MaxLines {
		a.ok("add_to_cart", args{"product": product(i, 0).Variants[0].SKU})
	}
	id := a.ok("checkout", nil).text("order_id")
	for i := range cart.MaxLines {
		if i%2 == 0 {
			do(s, s.products, fmt.Sprint(100+i), catalog.Command(catalog.Withdraw{}))
		} else {
			do(s, s.products, fmt.Sprint(100+i), catalog.Command(catalog.Offer{Product: product(i, 2000)}))
		}
	}
	got := a.ok("reorder", args{"order_id": id})
	t.Logf("%d bytes, %d lines told, %d omitted", len(got.Text), len(got.at("lines").([]any)), got.number("lines_omitted"))
	if len(got.Text) > 20_000 {
		t.Errorf("it answers with %d bytes", len(got.Text))
	}
	told := len(got.at("changed_price").([]any)) + len(got.at("not_added").([]any))
	if len(got.at("added").([]any)) != 25 || told+got.number("more_omitted") != 50 || len(got.at("lines").([]any))+got.number("lines_omitted") != 25 {
		t.Errorf("%d are told and %d left out", told, got.number("more_omitted"))
	}
	if got.text("not_added.0.substitutes.2.use") == "" || !strings.Contains(fmt.Sprint(got.at("next_steps")), "review_checkout") {
		t.Errorf("it says %.3000s", got.Text)
	}
}
