package tests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// buyer is an agent that fills a cart and buys it, with cards that work, are
// refused or take their time. Two of them may be at one cart.
type buyer struct {
	*stream
	*person
	random *rand.Rand
	keys   int
	// buying is the purchase that is wanted, until an answer ends it.
	buying args
	// cancelling is the call that calls an order off, until it is answered.
	cancelling args
}

// refusals are what a buyer may be told: somebody was faster, the catalogue
// has changed, the shop has closed.
var refusals = []string{
	"out_of_stock", "insufficient_stock", "quantity_limit_exceeded", "cart_full", "cart_empty", "cart_not_buyable", "quote_outdated",
	"discount_code_used_up", "discount_code_user_ineligible", "rate_limited",
	"checkout_in_progress", "interrupted", "shop_unavailable", "busy", "http_503",
}

func (b *buyer) act() error {
	if b.cancelling != nil {
		return b.cancel()
	}
	if b.buying == nil {
		if err := b.fill(); err != nil || b.buying == nil {
			return err
		}
	}
	out, err := b.tool(b.token, "checkout", b.buying)
	if err != nil {
		// Most clients send it again, some are never seen again.
		if b.random.IntN(4) == 0 {
			b.buying = nil
		}
		return err
	}
	switch code := out.code(); code {
	case "":
		return b.bought(out)
	case "payment_declined":
		b.ended("declined payments", out.text("order_id"), "order.payment_declined")
		if b.buying["quote_id"] != nil && b.random.IntN(2) == 0 {
			b.buying = args{"quote_id": b.buying["quote_id"], "idempotency_key": b.key()}
			return nil
		}
		b.buying = nil
	case "payment_pending":
		b.ended("pending payments", out.text("order_id"), "order.payment_pending")
		if b.random.IntN(2) == 0 {
			b.buying = nil // the shop sees to it
		}
		time.Sleep(50 * time.Millisecond)
	default:
		if !slices.Contains(refusals, code) {
			b.wrong("checkout %v is refused: %s %s", b.buying, code, out.Text)
		}
		b.buying = nil
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// fill puts something into the cart and makes up its mind how to buy it.
func (b *buyer) fill() error {
	out, err := b.tool(b.token, "add_to_cart", args{"product": scarce[b.random.IntN(len(scarce))], "quantity": 1 + b.random.IntN(3)})
	if err != nil {
		return err
	}
	if code := out.code(); code != "" && !slices.Contains(refusals, code) {
		b.wrong("add_to_cart is refused: %s %s", code, out.Text)
	}
	if b.random.IntN(3) == 0 {
		out, err := b.tool(b.token, "apply_discount_code", args{"code": "scarce-10"})
		if err != nil {
			return err
		}
		if code := out.code(); code != "" && !slices.Contains(refusals, code) {
			b.wrong("apply_discount_code is refused: %s %s", code, out.Text)
		}
	}
	method := "pm_card_visa"
	switch b.random.IntN(20) {
	case 0, 1:
		method = "tok_timeout" // it takes three seconds
	case 2, 3, 4, 5:
		method = "fail_token"
	case 6, 7:
		method = "tok_refund_timeout"
	case 8:
		method = "tok_refund_fail"
	}
	if b.random.IntN(5) == 0 {
		b.buying = args{"payment_method": method, "idempotency_key": b.key()}
		return nil
	}
	if out, err = b.tool(b.token, "review_checkout", nil); err != nil {
		return err
	}
	quote := out.text("quote_id")
	switch code := out.code(); {
	case code != "" && !slices.Contains(refusals, code):
		b.wrong("review_checkout is refused: %s %s", code, out.Text)
	case quote != "":
		b.buying = args{"quote_id": quote, "payment_method": method}
		if b.random.IntN(2) == 0 {
			b.buying["idempotency_key"] = b.key()
		}
	default: // another purchase holds the cart, or too few are left
		out, err := b.tool(b.token, "clear_cart", nil)
		if err == nil && out.code() != "" && !slices.Contains(refusals, out.code()) {
			b.wrong("clear_cart is refused: %s", out.Text)
		}
		time.Sleep(10 * time.Millisecond)
		return err
	}
	return nil
}

func (b *buyer) key() string {
	b.keys++
	return fmt.Sprintf("%s-buys-%d-%d", b.name, b.random.Uint32(), b.keys)
}

// bought notes an order and sometimes asks for it once more.
func (b *buyer) bought(out said) error {
	order, pieces, total := out.text("order_id"), out.number("pieces"), out.number("total.amount")
	b.acknowledge("orders", func(l *record) string {
		o := l.orders[order]
		if o == nil || o.placed != 1 || o.pieces() != pieces || o.total != total || o.user != b.id {
			return fmt.Sprintf("order %s of %s with %d pieces for %d (there is %+v)", order, b.name, pieces, total, o)
		}
		return ""
	})
	again := b.buying
	b.buying = nil
	b.onward(out)
	if again["quote_id"] == nil && again["idempotency_key"] == nil || b.random.IntN(4) > 0 {
		return nil
	}
	out, err := b.tool(b.token, "checkout", again)
	if replayed, _ := out.at("replayed").(bool); err == nil && (out.text("order_id") != order || !replayed) {
		b.wrong("bought as %s, asked for again with %v: %d %s", order, again, out.status, out.Text)
	}
	return err
}

// ended notes that the shop has told how far an order came.
func (b *buyer) ended(kind, order, event string) {
	b.acknowledge(kind, func(l *record) string {
		for _, e := range l.streams["order/"+order] {
			if e.Type == event {
				return ""
			}
		}
		return fmt.Sprintf("%s of order %s", event, order)
	})
}
