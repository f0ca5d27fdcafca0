package projections_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

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
	"till/domain/order"
	"till/domain/payment/testgateway"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/projections"
)

// allTypes knows every event of the shop.
func allTypes() *eventlog.Types {
	t := eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){
		catalog.Register, stock.Register, cart.Register, order.Register, promotion.Register, spending.Register,
		account.Register, grant.Register, client.Register, session.Register,
	} {
		register(t)
	}
	return t
}

// shop is a whole shop over a memory log: real deciders, real views.
type shop struct {
	t     testing.TB
	dir   string
	log   eventlog.Log
	types *eventlog.Types
	views *projections.Views

	products *decider.Handler[catalog.State, catalog.Command, catalog.Event]
	grants   *decider.Handler[grant.State, grant.Command, grant.Event]
	accounts *decider.Handler[account.State, account.Command, account.Event]
	sessions *decider.Handler[session.State, session.Command, session.Event]
	clients  *decider.Handler[client.State, client.Command, client.Event]
	process  *checkout.Process

	commands int
	now      time.Time
	warned   notes
}

// notes are what the views told their logger.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// began is when all tests begin.
var began = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func newShop(t testing.TB) *shop {
	t.Helper()
	return openShop(t, memlog.New("epoch-1"), t.TempDir())
}

// openShop opens the shop over a log and a folder that may have a history.
func openShop(t testing.TB, log eventlog.Log, dir string) *shop {
	t.Helper()
	s := &shop{t: t, dir: dir, log: log, types: allTypes(), now: began}
	s.open()
	t.Cleanup(func() { _ = s.views.Close() })
	return s
}

func (s *shop) open() {
	s.t.Helper()
	views, err := projections.Open(s.t.Context(), projections.Options{
		Dir: s.dir, Log: s.log, Types: s.types,
		Logger: slog.New(slog.NewTextHandler(&s.warned, nil)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.views = views
	s.products = decider.NewHandler(catalog.Decider(), s.types, s.log, views)
	s.grants = decider.NewHandler(grant.Decider(), s.types, s.log, views)
	s.accounts = decider.NewHandler(account.Decider(), s.types, s.log, views)
	s.sessions = decider.NewHandler(session.Decider(), s.types, s.log, views)
	s.clients = decider.NewHandler(client.Decider(), s.types, s.log, views)
	s.process = &checkout.Process{
		Carts:      decider.NewHandler(cart.Decider(), s.types, s.log, views),
		Stocks:     decider.NewHandler(stock.Decider(), s.types, s.log, views),
		Orders:     decider.NewHandler(order.Decider(), s.types, s.log, views),
		Spendings:  decider.NewHandler(spending.Decider(), s.types, s.log, views),
		Promotions: decider.NewHandler(promotion.Decider(), s.types, s.log, views),
		Source:     views, Shelf: views, Gateway: testgateway.New(&memlog.Bucket{}, func() time.Time { return s.now }),
		Secret: []byte("a secret of thirty-two bytes ..."), Now: func() time.Time { return s.now },
	}
}

// reopen closes the views and opens them again, on the same folder.
func (s *shop) reopen() {
	s.t.Helper()
	if err := s.views.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.warned.text.Reset()
	s.open()
}

func (s *shop) meta() eventlog.Meta {
	s.commands++
	return eventlog.Meta{Command: fmt.Sprintf("cmd-%d", s.commands), Time: s.now}
}

// do sends a command, waits for the views and returns the position.
func do[S, C, E any](s *shop, h *decider.Handler[S, C, E], id string, c C) eventlog.Position {
	s.t.Helper()
	out, err := h.Do(s.t.Context(), id, c, s.meta())
	if err != nil {
		s.t.Fatalf("%T on %s: %v", c, id, err)
	}
	if err := s.views.Wait(s.t.Context(), out.Position); err != nil {
		s.t.Fatal(err)
	}
	return out.Position
}

// sell puts a product on offer with so many pieces of each variant.
func (s *shop) sell(p catalog.Product, pieces int) {
	s.t.Helper()
	do(s, s.products, p.ID, catalog.Command(catalog.Offer{Product: p}))
	for _, v := range p.Variants {
		do(s, s.process.Stocks, v.SKU, stock.Command(stock.Open{OnHand: pieces}))
	}
}

// add puts pieces of a SKU into a person's cart.
func (s *shop) add(user, sku string, n int) eventlog.Position {
	s.t.Helper()
	offer, ok, err := s.views.Offer(s.t.Context(), sku)
	if err != nil || !ok {
		s.t.Fatalf("the shop has no %s: %v", sku, err)
	}
	return do(s, s.process.Carts, user, cart.Command(cart.Add{Item: offer.Item, Quantity: n}))
}

// buy checks a person's cart out.
func (s *shop) buy(user string) checkout.Result {
	s.t.Helper()
	meta := s.meta()
	meta.Fingerprint, meta.Actor = "buy", eventlog.Actor{Kind: eventlog.Agent, User: user}
	result, err := s.process.CheckOut(s.t.Context(), checkout.Request{User: user}, meta)
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// read calls fn with a reader that includes all of the log.
func (s *shop) read(fn func(*projections.Reader)) {
	s.t.Helper()
	head, err := s.log.Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	if err := s.views.Read(ctx, head, func(r *projections.Reader) error { fn(r); return nil }); err != nil {
		s.t.Fatal(err)
	}
}

// must is for what cannot fail in a test that goes well.
func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}
