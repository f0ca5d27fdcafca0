package projections_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/client"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/projections"
)

// life does random commands of every kind, as several people at once would.
type life struct {
	*shop
	r      *rapid.T
	orders []string
}

// try sends a command; a rule may forbid it.
func try[S, C, E any](l *life, h *decider.Handler[S, C, E], id string, c C) {
	meta := l.meta()
	if rapid.Bool().Draw(l.r, "keyed") {
		meta.Fingerprint = "f"
	}
	_, _ = h.Do(l.t.Context(), id, c, meta)
}

func (l *life) pick(what string, all ...string) string { return rapid.SampledFrom(all).Draw(l.r, what) }

func (l *life) step() {
	l.now = l.now.Add(time.Second)
	who := l.pick("who", "alice", "bob", "carol")
	id := l.pick("product", "1", "2", "3")
	sku := l.pick("sku", "SKU-1", "SKU-2", "SKU-3")
	n := rapid.IntRange(0, 5).Draw(l.r, "n")
	switch rapid.IntRange(0, 14).Draw(l.r, "kind") {
	case 0:
		title := l.pick("title", "Mouse", "Grey Mouse", "Ball")
		try(l, l.products, id, catalog.Command(catalog.Offer{Product: catalog.Product{ID: id, Handle: "thing-" + id, Title: title, Category: "toys",
			Tags: []string{"felt"}, Variants: []catalog.Variant{{SKU: "SKU-" + id, Price: money.Of(int64(100+n), "USD")}}}}))
	case 1:
		try(l, l.products, id, catalog.Command(catalog.Withdraw{}))
	case 2:
		try(l, l.process.Stocks, sku, stock.Command(stock.Count{OnHand: 10 * n}))
	case 3, 4, 5:
		if offer, ok, err := l.views.Offer(l.t.Context(), sku); err == nil && ok {
			try(l, l.process.Carts, who, cart.Command(cart.Add{Item: offer.Item, Quantity: n}))
		}
	case 6:
		try(l, l.process.Carts, who, cart.Command(cart.SetQuantity{SKU: sku, Quantity: n}))
	case 7:
		try(l, l.process.Carts, who, cart.Command(l.change(sku)))
	case 8, 9:
		meta := l.meta()
		meta.Fingerprint = "buy"
		result, err := l.process.CheckOut(l.t.Context(), checkout.Request{User: who, Method: l.pick("method", "pm_card_visa", "fail_token", "tok_timeout")}, meta)
		if err == nil {
			l.orders = append(l.orders, result.Order.ID)
		}
	case 10:
		if len(l.orders) > 0 {
			l.now = l.now.Add(time.Minute)
			_, _ = l.process.Resume(l.t.Context(), rapid.SampledFrom(l.orders).Draw(l.r, "order"), l.meta())
		}
	case 11:
		l.token(who, n)
	case 12:
		try(l, l.accounts, who, account.Command(account.Open{User: who, Login: eventlog.Sealed{Of: who, Data: []byte("x")}, Role: account.Customer, Credential: "c", At: l.now}))
		try(l, l.sessions, "ses-"+who, session.Command(session.Start{User: who, Credential: "c", At: l.now, Expires: l.now.Add(time.Hour)}))
		if n == 0 {
			try(l, l.sessions, "ses-"+who, session.Command(session.End{At: l.now}))
		}
		try(l, l.clients, "cli", client.Command(client.RegisterClient{ID: "cli", Name: "Claude", Redirects: []string{"http://127.0.0.1/"}, At: l.now}))
	case 13:
		if n == 0 {
			l.reopen()
		}
	case 14:
		code := l.pick("code", "TEN", "HALF")
		try(l, l.process.Promotions, code, promotion.Command(promotion.Create{Code: code, Terms: promotion.Terms{Percent: 1000, Limit: 3, PerPerson: n % 3}, At: l.now}))
		try(l, l.process.Carts, who, cart.Command(cart.ApplyCode{Code: code}))
		if n == 0 {
			try(l, l.process.Promotions, code, promotion.Command(promotion.End{At: l.now}))
		}
	}
}

func (l *life) change(sku string) cart.Command {
	if rapid.Bool().Draw(l.r, "clear") {
		return cart.Clear{}
	}
	return cart.Remove{SKU: sku}
}

func (l *life) token(who string, n int) {
	id := fmt.Sprint("grt-", who, n%2)
	g, _, err := l.grants.State(l.t.Context(), id)
	if err != nil {
		l.r.Fatal(err)
	}
	pair := grant.Pair{Access: grant.Hash("a" + l.now.String()), Expires: l.now.Add(time.Hour), Refresh: grant.Hash("r" + l.now.String()), At: l.now}
	switch {
	case g.ID == "":
		try(l, l.grants, id, grant.Command(grant.Authorize{ID: id, User: who, Client: "cli", Resource: "r", Redirect: "u", Scopes: grant.Shopping(),
			Challenge: "c", Code: "code", CodeExpires: l.now.Add(time.Hour), Until: l.now.Add(24 * time.Hour), At: l.now}))
	case !g.Redeemed:
		try(l, l.grants, id, grant.Command(grant.Redeem{Code: "code", Client: "cli", Challenge: "c", Pair: pair}))
	case n > 3:
		try(l, l.grants, id, grant.Command(grant.Revoke{Reason: grant.ByUser, At: l.now}))
	case len(g.Refresh) > 0:
		try(l, l.grants, id, grant.Command(grant.Renew{Presented: g.Refresh[len(g.Refresh)-1].Hash, Ours: true, Client: "cli", Leeway: 30 * time.Second, Pair: pair}))
	}
}

// After any history, the views that grew with it, the views after a restart and
// the views built from nothing hold the same, to the row; and every state in
// them is what its stream alone folds to.
func TestViewsAreWhatTheLogSays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dirs := []string{tempDir(r), tempDir(r)}
		l := &life{shop: openShop(t, memlog.New("epoch"), dirs[0]), r: r}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			l.step()
		}
		caughtUp(t, l.views, l.log)
		live := dump(t, dirs[0])
		l.agrees()
		if _, err := l.views.Verify(t.Context(), nil, untold, func(d projections.Difference) error { return fmt.Errorf("%+v", d) }); err != nil {
			r.Fatal(err)
		}
		l.reopen()
		caughtUp(t, l.views, l.log)
		same(r, "a restart changed something", live, dump(t, dirs[0]))
		l.agrees()
		if told := l.warned.String(); told != "" {
			r.Fatalf("the restart was told %s", told)
		}
		_ = l.views.Close()
		built := openShop(t, l.log, dirs[1])
		caughtUp(t, built.views, l.log)
		same(r, "views built from nothing differ", live, dump(t, dirs[1]))
		_ = built.views.Close()
	})
}

func tempDir(r *rapid.T) string {
	dir, err := os.MkdirTemp("", "views")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func same(r *rapid.T, what, want, got string) {
	r.Helper()
	if want != got {
		r.Fatalf("%s (-want +got):\n%.3000s", what, cmp.Diff(want, got))
	}
}

// agrees compares every state in the views with its stream folded alone, and
// every command that may come again with where it stands on the log.
func (l *life) agrees() {
	alone := decider.NewFromLog(l.log, l.types)
	decider.Know(alone, cart.Decider())
	decider.Know(alone, catalog.Decider())
	decider.Know(alone, stock.Decider())
	decider.Know(alone, order.Decider())
	decider.Know(alone, grant.Decider())
	decider.Know(alone, account.Decider())
	decider.Know(alone, session.Decider())
	decider.Know(alone, client.Decider())
	decider.Know(alone, spending.Decider())
	decider.Know(alone, promotion.Decider())
	ctx := l.t.Context()
	head, _ := l.log.Head(ctx)
	seen := map[eventlog.Stream]bool{}
	if head == 0 {
		return
	}
	for batch, err := range l.log.Follow(ctx, 0, 10_000) {
		if err != nil {
			l.r.Fatal(err)
		}
		for _, e := range batch {
			if e.Fingerprint != "" {
				got, ok, err := l.views.Command(ctx, e.Command)
				if err != nil || !ok || got.Stream != e.Stream || got.Position > e.Position {
					l.r.Fatalf("command %s: %+v %t %v", e.Command, got, ok, err)
				}
			}
			if seen[e.Stream] {
				continue
			}
			seen[e.Stream] = true
			want, wantAt, err1 := alone.State(ctx, e.Stream)
			got, gotAt, err2 := l.views.State(ctx, e.Stream)
			if err1 != nil || err2 != nil || wantAt != gotAt {
				l.r.Fatalf("%s: %+v %v, alone %+v %v", e.Stream, gotAt, err2, wantAt, err1)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				l.r.Fatalf("%s (-alone +view):\n%s", e.Stream, diff)
			}
		}
		if batch[len(batch)-1].Position == head {
			return
		}
	}
}
