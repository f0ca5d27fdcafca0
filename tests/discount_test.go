package tests

import (
	"strings"
	"testing"
)

// The whole way of a discount code: the merchant makes it, a person's agent puts it on
// the cart, reviews, buys and finds the discounted total in the history; once per person
// is once, and the log tells it all.
func TestADiscountCode(t *testing.T) {
	dir := t.TempDir()
	shop := serve(t, dir)
	out, code := till("code", "create", "toys-25", "--data", dir, "--percent", "25", "--category", "toys", "--min", "15", "--limit", "2", "--per-person", "1", "--title", "Toys in winter")
	if code != 0 || !strings.Contains(out, "The code TOYS-25 is made: 25 % off toys from $15.00 on, 2 times in all, once per person.") {
		t.Fatalf("%d: %s", code, out)
	}
	alice := shopper(t, shop, "alice")
	refused := func(who *agent, tool string, in args, code string, words ...string) answer {
		t.Helper()
		out, err := who.try(tool, in)
		if err != nil || !out.IsError || out.text("code") != code {
			t.Fatalf("%s: %v, %s, want %s", tool, err, out.Text, code)
		}
		for _, w := range words {
			if !strings.Contains(out.Text, w) {
				t.Errorf("%s does not say %q: %s", tool, w, out.Text)
			}
		}
		return out
	}

	// Not yet: the cart costs too little. What is missing is named, and nothing changed.
	alice.call("add_to_cart", args{"product": "catnip-mouse", "quantity": 2})
	refused(alice, "apply_discount_code", args{"code": "Toys-25"}, "discount_code_minimum", "$5.02 are missing")
	alice.call("add_to_cart", args{"product": "whisker-wand"})
	alice.call("add_to_cart", args{"product": "cozy-cat-bed"})
	applied := alice.call("apply_discount_code", args{"code": " toys-25 "})
	// 25 % of 2 × $4.99 and $9.99; the bed is no toy.
	if applied.text("discount.subtotal.display") != "$49.96" || applied.text("discount.amount.display") != "$4.99" || applied.text("total.display") != "$44.97" || applied.text("discount.code") != "TOYS-25" {
		t.Fatalf("applied: %s", applied.Text)
	}
	review := alice.call("review_checkout", nil)
	if review.text("total.display") != "$44.97" || review.text("discount.subtotal.display") != "$49.96" || review.text("discount.amount.display") != "$4.99" {
		t.Fatalf("reviewed: %s", review.Text)
	}
	bought := alice.call("checkout", args{"quote_id": review.text("quote_id")})
	order := bought.text("order_id")
	if bought.text("total.display") != "$44.97" || bought.text("discount.code") != "TOYS-25" || !strings.Contains(bought.Text, "Subtotal $49.96, $4.99 less with the code TOYS-25.") {
		t.Fatalf("bought: %s", bought.Text)
	}
	if history := alice.call("get_order_history", nil); history.text("orders.0.total.display") != "$44.97" {
		t.Errorf("the history says %s", history.Text)
	}
	if got := alice.call("get_order", args{"order_id": order}); got.text("discount.subtotal.display") != "$49.96" || got.text("discount.amount.display") != "$4.99" || got.text("total.display") != "$44.97" {
		t.Errorf("the order says %s", got.Text)
	}
	if cart := alice.call("view_cart", nil); cart.at("discount") != nil {
		t.Errorf("the code stays on the bought cart: %s", cart.Text)
	}

	// Once per person: not again for alice, but for bob, after whom it is used up.
	alice.call("add_to_cart", args{"product": "whisker-wand", "quantity": 2})
	refused(alice, "apply_discount_code", args{"code": "TOYS-25"}, "discount_code_user_ineligible", "already used")
	bob := shopper(t, shop, "bob")
	bob.call("add_to_cart", args{"product": "whisker-wand", "quantity": 2})
	bob.call("apply_discount_code", args{"code": "TOYS-25"})
	if got := bob.call("checkout", nil); got.text("total.display") != "$14.98" { // half a cent of 499.5 rounds up
		t.Errorf("bob pays %s", got.Text)
	}
	admin := shopper(t, shop, "admin")
	admin.call("add_to_cart", args{"product": "whisker-wand", "quantity": 2})
	refused(admin, "apply_discount_code", args{"code": "TOYS-25"}, "discount_code_used_up")
	refused(admin, "apply_discount_code", args{"code": "NO-SUCH-CODE"}, "discount_code_invalid")

	for _, line := range []struct {
		command string
		says    []string
	}{
		{"code list", []string{"TOYS-25", "used up", "Toys in winter"}},
		{"code show toys-25", []string{"used 2 times, 0 times left", "alice", "bob", order}},
		{"why order " + order, []string{"$4.99 less with the code TOYS-25", "used the code for order " + order}},
		{"show order " + order, []string{"code: TOYS-25", "amount: $4.99"}},
		{"code end TOYS-25", []string{"has ended"}},
		{"rebuild --verify", nil},
	} {
		out, code := till(append(strings.Fields(line.command), "--data", dir)...)
		if code != 0 {
			t.Errorf("till %s exits %d: %s", line.command, code, out)
		}
		for _, want := range line.says {
			if !strings.Contains(out, want) {
				t.Errorf("till %s does not say %q:\n%s", line.command, want, out)
			}
		}
	}
}
