package projections_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/projections"
)

// bomb is an account event for which there is no rule: the fold itself panics.
type bomb struct {
	account.Event `json:"-"`
}

// faulty are the types of a newer program with a fault: its upcasters of two
// types panic on events that hold the text.
func faulty(text string) *eventlog.Types {
	t := eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){
		catalog.Register, stock.Register, promotion.Register, spending.Register, account.Register, grant.Register, client.Register, session.Register,
	} {
		register(t)
	}
	up := func(data json.RawMessage) (json.RawMessage, error) {
		if bytes.Contains(data, []byte(text)) {
			panic("no rule for " + text)
		}
		return data, nil
	}
	was := func(data json.RawMessage) (json.RawMessage, error) { return data, nil }
	eventlog.Register[cart.ItemAdded](t, "cart.item_added", 2, up)
	eventlog.Register[cart.Filled](t, "cart.filled", 1)
	eventlog.Register[cart.QuantityChanged](t, "cart.quantity_changed", 1)
	eventlog.Register[cart.ItemRemoved](t, "cart.item_removed", 1)
	eventlog.Register[cart.Cleared](t, "cart.cleared", 1)
	eventlog.Register[cart.CheckedOut](t, "cart.checked_out", 2, was)
	eventlog.Register[cart.DiscountApplied](t, "cart.discount_applied", 1)
	eventlog.Register[cart.DiscountRemoved](t, "cart.discount_removed", 1)
	eventlog.Register[cart.CheckoutClaimed](t, "cart.checkout_claimed", 1)
	eventlog.Register[cart.CheckoutReleased](t, "cart.checkout_released", 1)
	eventlog.Register[order.CheckoutStarted](t, "order.checkout_started", 4, was, was, up)
	eventlog.Register[order.CheckoutJoined](t, "order.checkout_joined", 1)
	eventlog.Register[order.CheckoutRetried](t, "order.checkout_retried", 2, was)
	eventlog.Register[order.PaymentRequested](t, "order.payment_requested", 1)
	eventlog.Register[order.PaymentPending](t, "order.payment_pending", 1)
	eventlog.Register[order.PaymentDeclined](t, "order.payment_declined", 1)
	eventlog.Register[order.CheckoutFailed](t, "order.checkout_failed", 1)
	eventlog.Register[order.OrderPlaced](t, "order.placed", 2, up)
	eventlog.Register[order.OrderDispatched](t, "order.dispatched", 1)
	eventlog.Register[order.OrderDelivered](t, "order.delivered", 1)
	eventlog.Register[order.OrderCancelled](t, "order.cancelled", 1)
	eventlog.Register[order.ReturnRequested](t, "order.return_requested", 1)
	eventlog.Register[order.ReturnApproved](t, "order.return_approved", 1)
	eventlog.Register[order.ReturnRejected](t, "order.return_rejected", 1)
	eventlog.Register[order.ReturnReceived](t, "order.return_received", 1)
	eventlog.Register[order.OrderRefunded](t, "order.refunded", 1)
	eventlog.Register[order.RefundRefused](t, "order.refund_refused", 1)
	eventlog.Register[bomb](t, "account.exploded", 1)
	return t
}

// poisoned is a shop of five people under a program that cannot fold what of
// usr_2 holds a pink mouse, nor an order of usr_3.
func poisoned(t *testing.T) *shop {
	s := newShop(t)
	s.sell(mouse(), 100)
	pink := mouse()
	pink.ID, pink.Handle, pink.Variants[0].SKU = "77", "pink-mouse", "MOUSE-PINK"
	s.sell(pink, 100)
	for i := range 5 {
		s.add(fmt.Sprint("usr_", i), "MOUSE-CATNIP", 1)
	}
	s.buy("usr_3")
	s.buy("usr_4")
	s.add("usr_2", "MOUSE-PINK", 1)
	s.add("usr_3", "MOUSE-PINK", 1)
	s.buy("usr_3")
	s.add("usr_4", "MOUSE-CATNIP", 2)
	return s
}

// wants is the position and the number of the event that is at fault.
func wants(t *testing.T, s *shop, category, user, typ, text string) (at eventlog.Position, number uint64) {
	t.Helper()
	head, _ := s.log.Head(t.Context())
	for p := eventlog.Position(1); p <= head; p++ {
		e, err := s.log.Get(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if e.Stream.Category == category && e.Type == typ && strings.Contains(string(e.Data), text) && (e.Stream.ID == user || strings.Contains(string(e.Data), user)) {
			return p, e.Number
		}
	}
	t.Fatalf("no %s of %s", typ, user)
	return 0, 0
}

// One person's poison stops one person, says where, survives restarts, and is
// gone once the program is mended and the views are built anew.
func TestAPoisonedEventStopsOnlyItsOwn(t *testing.T) {
	s := poisoned(t)
	caughtUp(t, s.views, s.log)
	want := dump(t, s.dir)
	good := s.types
	cartAt, cartNumber := wants(t, s, cart.Category, "usr_2", "cart.item_added", "MOUSE-PINK")
	cart3At, _ := wants(t, s, cart.Category, "usr_3", "cart.item_added", "MOUSE-PINK")
	orderAt, _ := wants(t, s, order.Category, "usr_3", "order.checkout_started", "MOUSE-PINK")

	// The newer program meets it when it folds the whole log, and when the event
	// comes while it serves: the same is set aside.
	for _, late := range []bool{false, true} {
		name := "rebuilt"
		if late {
			name = "live"
		}
		t.Run(name, func(t *testing.T) {
			log, dir := s.log, t.TempDir()
			bad := &shop{t: t, dir: dir, log: log, types: faulty("MOUSE-PINK"), now: began}
			bad.open()
			t.Cleanup(func() { _ = bad.views.Close() })
			caughtUp(t, bad.views, log)
			if late {
				// Its own poison, in a stream that was good so far.
				stream := eventlog.Stream{Category: account.Category, ID: "usr_0"}
				do(bad, bad.accounts, "usr_0", account.Command(account.Open{User: "usr_0", Login: eventlog.Sealed{Of: "usr_0", Data: []byte("x")}, Role: account.Customer, Credential: "c", At: began}))
				_, v, _ := bad.views.State(t.Context(), stream)
				at, err := log.Append(t.Context(), eventlog.Change{Stream: stream, Expected: v.Position, Events: []eventlog.Envelope{{
					Stream: stream, Number: v.Number + 1, Type: "account.exploded", Version: 1, Data: []byte("{}"), Meta: eventlog.Meta{Time: began}}}})
				if err != nil {
					t.Fatal(err)
				}
				if err := bad.views.Wait(t.Context(), at); err != nil {
					t.Fatalf("the others stand still: %v", err)
				}
				_, _, err = bad.views.State(t.Context(), stream)
				var q *projections.Quarantined
				if !errors.As(err, &q) || q.Position != at || q.User != "usr_0" || !strings.Contains(q.Reason, "an event without a rule") {
					t.Errorf("the account is read: %v %+v", err, q)
				}
			}
			for round := range 2 {
				checkPoisoned(t, bad, cartAt, cartNumber, cart3At, orderAt)
				if round == 0 {
					bad.reopen()
					caughtUp(t, bad.views, log)
					if told := bad.warned.String(); told != "" {
						t.Errorf("the restart was told %s", told)
					}
				}
			}
			all, err := bad.views.Quarantine(t.Context())
			if wantAll := map[bool]int{false: 3, true: 4}[late]; err != nil || len(all) != wantAll {
				t.Errorf("%d are set aside, %v: %+v", len(all), err, all)
			}
			// Strict: nothing is replaced.
			var q *projections.Quarantined
			if err := bad.views.Rebuild(t.Context(), nil, untold); err == nil || !strings.Contains(err.Error(), fmt.Sprint("at position ", cartAt)) {
				t.Errorf("rebuild: %v", err)
			}
			if _, err := bad.views.Verify(t.Context(), nil, untold, nil); err == nil || !strings.Contains(err.Error(), "cannot be folded") {
				t.Errorf("verify: %v", err)
			}
			if _, err := projections.OpenPast(t.Context(), t.TempDir(), log, bad.types, cartAt, untold); err == nil || errors.As(err, &q) {
				t.Errorf("past: %v", err)
			}
			if err := bad.views.Retry(t.Context(), untold); err == nil || !strings.Contains(err.Error(), "cannot be folded") {
				t.Errorf("retry: %v", err)
			}
			filesOf(t, dir)
			checkPoisoned(t, bad, cartAt, cartNumber, cart3At, orderAt)
			if late {
				return // its log has an event that no good program folds
			}
			// The program is mended.
			bad.types = good
			bad.reopen()
			caughtUp(t, bad.views, log)
			if all, _ := bad.views.Quarantine(t.Context()); len(all) != 3 {
				t.Errorf("a mended program forgets by itself: %+v", all)
			}
			if err := bad.views.Retry(t.Context(), untold); err != nil {
				t.Fatal(err)
			}
			if all, err := bad.views.Quarantine(t.Context()); len(all) != 0 || err != nil {
				t.Errorf("still set aside: %+v %v", all, err)
			}
			filesOf(t, dir)
			bad.reopen() // under the usual name
			caughtUp(t, bad.views, log)
			if diff := cmp.Diff(want, dump(t, dir)); diff != "" {
				t.Errorf("after the retry:\n%s", diff)
			}
			if err := bad.views.Retry(t.Context(), untold); err != nil {
				t.Errorf("nothing to retry: %v", err)
			}
		})
	}
}

func checkPoisoned(t *testing.T, s *shop, cartAt eventlog.Position, cartNumber uint64, cart3At, orderAt eventlog.Position) {
	t.Helper()
	aside := func(what string, err error, at eventlog.Position, user string) {
		t.Helper()
		var q *projections.Quarantined
		if !errors.As(err, &q) || !errors.Is(err, projections.ErrQuarantined) || q.Position != at || q.User != user ||
			!strings.Contains(q.Reason, "no rule for MOUSE-PINK") || !strings.Contains(err.Error(), fmt.Sprint("from position ", at)) {
			t.Errorf("%s: %v %+v, want position %d of %s", what, err, q, at, user)
		}
	}
	s.read(func(r *projections.Reader) {
		_, _, err := r.Cart(t.Context(), "usr_2")
		aside("the cart", err, cartAt, "usr_2")
		_, _, err = r.Cart(t.Context(), "usr_3")
		aside("the other cart", err, cart3At, "usr_3")
		_, err = r.Orders(t.Context(), projections.OrderQuery{User: "usr_3"})
		aside("the history", err, orderAt, "usr_3")
		page, err := r.Orders(t.Context(), projections.OrderQuery{User: "usr_4"})
		if err != nil || page.Total != 1 {
			t.Errorf("another's history: %+v %v", page, err)
		}
		c, _, err := r.Cart(t.Context(), "usr_4")
		if err != nil || c.Pieces() != 2 {
			t.Errorf("another's cart: %+v %v", c, err)
		}
	})
	_, err := s.process.Carts.Do(t.Context(), "usr_2", cart.Clear{}, s.meta())
	aside("a command", err, cartAt, "usr_2")
	if cartNumber != 2 {
		t.Errorf("number %d", cartNumber)
	}
}

// What the shop cannot count it does not sell; the rest of the shelf is there.
func TestAPoisonedShelf(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 100)
	other := mouse()
	other.ID, other.Handle, other.Title, other.Variants[0].SKU = "77", "pink-mouse", "Pink Mouse", "MOUSE-PINK"
	s.sell(other, 100)
	poke := func(category, id, typ string) {
		t.Helper()
		stream := eventlog.Stream{Category: category, ID: id}
		_, v, err := s.views.State(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.log.Append(t.Context(), eventlog.Change{Stream: stream, Expected: v.Position, Events: []eventlog.Envelope{{
			Stream: stream, Number: v.Number + 1, Type: typ, Version: 1, Data: []byte(`{"BOOM":1}`), Meta: eventlog.Meta{Time: began}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.views.Wait(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	eventlog.Register[stockBomb](s.types, "stock.exploded", 2, boom)
	eventlog.Register[productBomb](s.types, "product.exploded", 2, boom)
	poke(stock.Category, "MOUSE-CATNIP", "stock.exploded")
	s.read(func(r *projections.Reader) {
		page, err := r.Products(t.Context(), projections.ProductQuery{})
		if err != nil || page.Total != 2 || len(page.Products) != 2 {
			t.Errorf("the shelf: %+v %v", page, err)
		}
		l, _, ok, err := r.Product(t.Context(), mouse().ID)
		if err != nil || !ok || l.InStock() {
			t.Errorf("the uncountable: %+v %v", l, err)
		}
	})
	poke(catalog.Category, "77", "product.exploded")
	s.read(func(r *projections.Reader) {
		page, err := r.Products(t.Context(), projections.ProductQuery{Text: "mouse"})
		if err != nil || len(page.Products) != 1 {
			t.Errorf("the rest of the shelf: %+v %v", page, err)
		}
		if _, _, _, err := r.Product(t.Context(), "77"); !errors.Is(err, projections.ErrQuarantined) {
			t.Errorf("the product: %v", err)
		}
	})
}

type (
	stockBomb   struct{ stock.Event }
	productBomb struct{ catalog.Event }
)

func boom(json.RawMessage) (json.RawMessage, error) { panic("boom") }
