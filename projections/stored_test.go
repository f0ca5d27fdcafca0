package projections_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/aftersale"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/eventlog/archive"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/projections"
)

var update = flag.Bool("update", false, "add a stored history that has the events which no other has")

// Histories that were written once stay readable: whatever the events have
// become since, the views of such a log are what its streams fold to, live and
// rebuilt. Together they hold every type of event.
func TestStoredHistories(t *testing.T) {
	files, err := filepath.Glob("testdata/histories/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	missing := allTypes().Names()
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			log := stored(t, file, func(e eventlog.Envelope) {
				missing = slices.DeleteFunc(missing, func(name string) bool { return name == e.Type })
			})
			// As it is read today, and by a program that has newer versions of
			// some events and upcasts these.
			for name, types := range map[string]*eventlog.Types{"today": allTypes(), "upcast": faulty("nothing holds this")} {
				t.Run(name, func(t *testing.T) {
					s := &shop{t: t, dir: t.TempDir(), log: log, types: types, now: began}
					s.open()
					defer s.views.Close()
					caughtUp(t, s.views, log)
					told := func(d projections.Difference) error { return fmt.Errorf("%+v", d) }
					if _, err := s.views.Verify(t.Context(), nil, untold, told); err != nil {
						t.Error(err)
					}
					rapid.Check(t, func(r *rapid.T) { (&life{shop: s, r: r}).agrees() })
				})
			}
		})
	}
	if len(missing) == 0 {
		return
	}
	if !*update {
		t.Fatalf("no stored history holds %v; live through them in everything below and run the test with -update", missing)
	}
	write(t, filepath.Join("testdata", "histories", fmt.Sprintf("%d.jsonl", len(files)+1)))
}

func stored(t *testing.T, file string, each func(eventlog.Envelope)) *memlog.Log {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.NewReader(bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	log, last := memlog.New(r.Head().Epoch), map[eventlog.Stream]eventlog.Position{}
	for item, err := range r.Items() {
		if err != nil {
			t.Fatal(err)
		}
		e := *item.Event
		each(e)
		if last[e.Stream], err = log.Append(t.Context(), eventlog.Change{Stream: e.Stream, Expected: last[e.Stream], Events: []eventlog.Envelope{e}}); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

func write(t *testing.T, file string) {
	t.Helper()
	s := everything(t)
	head, _ := s.log.Head(t.Context())
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, archive.Head{Kind: archive.Log, Format: archive.Format, Epoch: s.log.Epoch(), Events: head}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for p := eventlog.Position(1); p <= head; p++ {
		if err := w.Event(must(s.log.Get(t.Context(), p))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("wrote %s", file)
}

// everything is a shop in which everything has happened.
func everything(t *testing.T) *shop {
	s := newShop(t)
	s.sell(mouse(), 20)
	bed := mouse()
	bed.ID, bed.Handle, bed.Title, bed.Variants[0].SKU = "9", "old-bed", "Old Bed", "BED-OLD"
	s.sell(bed, 3)
	bed.Title = "Older Bed"
	do(s, s.products, bed.ID, catalog.Command(catalog.Offer{Product: bed}))
	do(s, s.process.Stocks, "BED-OLD", stock.Command(stock.Count{OnHand: 2}))
	for _, user := range []string{"usr_1", "usr_2", "usr_3"} {
		do(s, s.accounts, user, account.Command(account.Open{User: user, Login: eventlog.Sealed{Of: user, Data: []byte("sealed")}, Role: account.Customer, Credential: "crd_1", At: s.now}))
		do(s, s.sessions, "ses_"+user, session.Command(session.Start{User: user, Credential: "crd_1", At: s.now, Expires: s.now.Add(time.Hour)}))
		s.add(user, "MOUSE-CATNIP", 2)
		s.add(user, "BED-OLD", 1)
	}
	do(s, s.process.Carts, "usr_1", cart.Command(cart.SetQuantity{SKU: "MOUSE-CATNIP", Quantity: 5}))
	do(s, s.process.Carts, "usr_2", cart.Command(cart.Remove{SKU: "BED-OLD"}))
	do(s, s.process.Carts, "usr_3", cart.Command(cart.Clear{}))
	buy := func(user, method string) checkout.Result {
		result, err := s.process.CheckOut(t.Context(), checkout.Request{User: user, Method: method}, s.meta())
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	buy("usr_1", "pm_card_visa_chargeDeclined")
	buy("usr_1", "pm_card_visa")
	pending := buy("usr_2", "tok_timeout")
	s.now = s.now.Add(time.Hour)
	if _, err := s.process.Resume(t.Context(), pending.Order.ID, s.meta()); err != nil {
		t.Fatal(err)
	}
	s.interrupted("usr_3")
	do(s, s.clients, "cli_1", client.Command(client.RegisterClient{ID: "cli_1", Name: "An Agent", Redirects: []string{"http://127.0.0.1/cb"}, At: s.now}))
	do(s, s.grants, "grt_1", grant.Command(grant.Authorize{ID: "grt_1", User: "usr_1", Client: "cli_1", Resource: "r", Redirect: "u", Scopes: grant.Shopping(),
		Challenge: "c", Code: "code", CodeExpires: s.now.Add(time.Hour), Until: s.now.Add(24 * time.Hour), At: s.now}))
	do(s, s.grants, "grt_1", grant.Command(grant.Redeem{Code: "code", Client: "cli_1", Challenge: "c",
		Pair: grant.Pair{Access: "a1", Expires: s.now.Add(time.Minute), Refresh: "r1", At: s.now}}))
	do(s, s.grants, "grt_1", grant.Command(grant.Revoke{Reason: grant.ByUser, At: s.now}))
	s.spends("usr_1", "cli_1")
	s.saves("usr_1")
	do(s, s.sessions, "ses_usr_1", session.Command(session.End{At: s.now}))
	do(s, s.accounts, "usr_1", account.Command(account.ChangePassword{Credential: "crd_2", At: s.now}))
	do(s, s.accounts, "usr_2", account.Command(account.Disable{At: s.now}))
	do(s, s.accounts, "usr_2", account.Command(account.Enable{At: s.now}))
	do(s, s.accounts, "usr_2", account.Command(account.Suspect{At: s.now}))
	link := account.Link{Provider: "login.example.com", Subject: eventlog.Sealed{Of: "usr_2", Data: []byte("sealed")}, At: s.now}
	do(s, s.accounts, "usr_2", account.Command(link))
	do(s, s.accounts, "usr_2", account.Command(account.Unlink(link)))
	do(s, s.accounts, "usr_2", account.Command(account.AddPasskey{ID: "psk_1", Credential: "crd_1", At: s.now}))
	do(s, s.accounts, "usr_2", account.Command(account.AddPasskey{ID: "psk_2", Credential: "crd_1", After: 1, At: s.now}))
	do(s, s.sessions, "ses_usr_2_passkey", session.Command(session.Start{User: "usr_2", Credential: "crd_1", Passkey: "psk_1", At: s.now, Expires: s.now.Add(time.Hour)}))
	do(s, s.accounts, "usr_2", account.Command(account.RemovePasskey{ID: "psk_1", At: s.now}))
	do(s, s.accounts, "usr_3", account.Command(account.Forget{At: s.now}))
	do(s, s.products, bed.ID, catalog.Command(catalog.Withdraw{}))
	do(s, s.process.Orders, pending.Order.ID, order.Command(order.Join{By: "key:1"}))
	s.comesBack("usr_4")
	rope := collar()
	rope.ID, rope.Handle = "10", "old-collar"
	s.sell(rope, 5)
	var again []cart.Wanted
	for _, sku := range []string{"COLLAR-RED", "COLLAR-BLUE"} {
		offer, _, err := s.views.Offer(t.Context(), sku)
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, cart.Wanted{Item: offer.Item, Quantity: 2, Available: 5})
	}
	do(s, s.process.Carts, "usr_4", cart.Command(cart.Fill{Items: again}))
	return s
}

// comesBack is an order that is cancelled, one whose refund the gateway refuses,
// and one that is delivered and comes back in parts.
func (s *shop) comesBack(user string) {
	s.t.Helper()
	ctx := s.t.Context()
	buy := func(method string) string {
		s.add(user, "MOUSE-CATNIP", 2)
		result, err := s.process.CheckOut(ctx, checkout.Request{User: user, Method: method}, s.meta())
		if err != nil {
			s.t.Fatal(err)
		}
		return result.Order.ID
	}
	taken := func(res aftersale.Result, err error) {
		s.t.Helper()
		if err == nil {
			err = s.views.Wait(ctx, res.At)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	for _, method := range []string{"pm_card_visa", "tok_refund_fail"} {
		taken(s.aftersale().Cancel(ctx, buy(method), "no longer needed", order.ByBuyer, s.meta()))
	}
	id := buy("pm_card_visa")
	taken(s.aftersale().Dispatch(ctx, id, order.Dispatch{Carrier: "Cat Express", Tracking: "CE-1", URL: "https://example.com/CE-1"}, s.meta()))
	taken(s.aftersale().Deliver(ctx, id, 0, s.meta()))
	for _, approved := range []bool{false, true} {
		ret, res, err := s.aftersale().RequestReturn(ctx, id, aftersale.ReturnRequest{Pieces: []order.Pieces{{SKU: "MOUSE-CATNIP", Quantity: 1}}, Reason: "too small"}, s.meta())
		taken(res, err)
		if !approved {
			taken(s.aftersale().Reject(ctx, id, ret, "it was worn", s.meta()))
			continue
		}
		taken(s.aftersale().Approve(ctx, id, ret, s.meta()))
		taken(s.aftersale().Receive(ctx, id, ret, true, s.meta()))
	}
}

func (s *shop) aftersale() *aftersale.Process {
	return &aftersale.Process{Checkout: s.process}
}

// spends is an agent under rules that asks for a yes and for a no, buys once with
// a card that is declined and once with one that is not.
func (s *shop) spends(user, client string) {
	s.t.Helper()
	id, little := spending.ID(user, client), money.Of(100, "USD")
	do(s, s.process.Spendings, id, spending.Command(spending.SetRules{User: user, Client: client, Rules: spending.Rules{AskAbove: &little}, At: s.now}))
	buy := func(method string) error {
		_, err := s.process.CheckOut(s.t.Context(), checkout.Request{User: user, Client: client, Method: method}, s.meta())
		return err
	}
	s.add(user, "MOUSE-CATNIP", 1)
	var ask *spending.Unapproved
	if err := buy(""); !errors.As(err, &ask) {
		s.t.Fatal(err)
	}
	do(s, s.process.Spendings, id, spending.Command(spending.Deny{Purchase: ask.Purchase, At: s.now}))
	do(s, s.process.Spendings, id, spending.Command(spending.Approve{Purchase: ask.Purchase, At: s.now}))
	for _, method := range []string{"pm_card_visa_chargeDeclined", "pm_card_visa"} {
		if err := buy(method); err != nil {
			s.t.Fatal(err)
		}
	}
}

// saves is a person with a code who buys once with a card that is declined and once
// with one that is not, and puts another on the cart and takes it off.
func (s *shop) saves(user string) {
	s.t.Helper()
	terms := promotion.Terms{Percent: 1000, Limit: 10, PerPerson: 1}
	for _, code := range []string{"TEN", "OLD"} {
		do(s, s.process.Promotions, code, promotion.Command(promotion.Create{Code: code, Terms: terms, At: s.now}))
	}
	do(s, s.process.Promotions, "OLD", promotion.Command(promotion.End{At: s.now}))
	do(s, s.process.Carts, user, cart.Command(cart.ApplyCode{Code: "OLD"}))
	do(s, s.process.Carts, user, cart.Command(cart.RemoveCode{}))
	s.add(user, "MOUSE-CATNIP", 1)
	do(s, s.process.Carts, user, cart.Command(cart.ApplyCode{Code: "TEN"}))
	for _, method := range []string{"pm_card_visa_chargeDeclined", "pm_card_visa"} {
		if _, err := s.process.CheckOut(s.t.Context(), checkout.Request{User: user, Method: method}, s.meta()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// interrupted is a checkout whose caller died before the payment.
func (s *shop) interrupted(user string) {
	s.t.Helper()
	s.add(user, "BED-OLD", 1)
	quote, err := s.process.Review(s.t.Context(), user, "")
	if err != nil {
		s.t.Fatal(err)
	}
	id := checkout.OrderID(quote.ID)
	do(s, s.process.Orders, id, order.Command(order.Start{ID: id, User: user, Quote: quote.ID, CartVersion: quote.CartVersion,
		Lines: quote.Lines, Total: quote.Total, Method: "pm_card_visa", At: s.now}))
	s.now = s.now.Add(time.Hour)
	if _, err := s.process.Resume(s.t.Context(), id, s.meta()); err != nil {
		s.t.Fatal(err)
	}
}
