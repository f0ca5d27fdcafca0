package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/order"
	"till/domain/stock"
)

// million is how many events the long benchmarks run over.
const million = 1_000_000

// asked is how many events the benchmarks run over that are also of interest with
// more: TILL_BENCH_EVENTS, or a million. Ten million take five gigabytes and some
// minutes to write.
func asked(b *testing.B) int {
	b.Helper()
	text := os.Getenv("TILL_BENCH_EVENTS")
	if text == "" {
		return million
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 10_000 {
		b.Fatalf("TILL_BENCH_EVENTS is %q, not a number of at least 10000", text)
	}
	return n
}

// chronicle writes what a busy shop leaves: people who browse, change their minds
// and buy, and agents whose tokens are renewed. It follows the shapes of real
// events but skips the deciders, so that a million take seconds.
type chronicle struct {
	types *eventlog.Types
	at    time.Time
	// ends are the last position and number of each stream, by shard.
	ends    map[eventlog.Stream]end
	log     eventlog.Log
	written int
	// command and fingerprint are those of the next event, if they matter.
	command, fingerprint string
}

// shards are how many write a history side by side, each for people and stock of
// their own.
const shards = 16

type end struct {
	position eventlog.Position
	number   uint64
}

func (h *chronicle) append(category, id, user string, event any) error {
	s := eventlog.Stream{Category: category, ID: id}
	e := h.ends[s]
	name, version, data, err := h.types.Encode(event)
	if err != nil {
		return err
	}
	h.at = h.at.Add(time.Millisecond)
	command := fmt.Sprintf("cmd-%s-%d", id, e.number)
	if h.command != "" {
		command = h.command
	}
	at, err := h.log.Append(context.Background(), eventlog.Change{Stream: s, Expected: e.position, Events: []eventlog.Envelope{{
		Stream: s, Number: e.number + 1, Type: name, Version: version, Data: data,
		Meta: eventlog.Meta{
			Command: command, Fingerprint: h.fingerprint, Correlation: "01JD0000000000000000000000", Causation: "mcp:add_to_cart",
			Actor: eventlog.Actor{Kind: eventlog.Agent, User: user, Client: "cli_bench", Grant: "grt_" + user}, Time: h.at,
		},
	}}})
	if err != nil {
		return err
	}
	h.ends[s] = end{at, e.number + 1}
	h.command, h.fingerprint = "", ""
	h.written++
	return nil
}

// adder returns a function that appends an event of the user's until one fails.
func (h *chronicle) adder(user string, err *error) func(category, id string, event any) {
	return func(category, id string, event any) {
		if *err == nil {
			*err = h.append(category, id, user, event)
		}
	}
}

// visit is one person's purchase: twelve events, two more at their first.
func (h *chronicle) visit(n, people int, shelf []catalog.Product, private string) (err error) {
	user := fmt.Sprintf("usr_%s_%d", private, n%people)
	if n < people {
		add := h.adder(user, &err)
		token := grant.Hash("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
		add(grant.Category, "grt_"+user, grant.Authorized{ID: "grt_" + user, User: user, Client: "cli_bench", ClientName: "Bench",
			Resource: "http://127.0.0.1:8000/mcp", Redirect: "http://127.0.0.1/cb", Scopes: []string{"catalog:read", "cart:write"},
			Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Code: token, CodeExpires: h.at.Add(time.Minute), Until: h.at.Add(time.Hour), At: h.at})
		add(grant.Category, "grt_"+user, grant.TokensIssued{Generation: 1, Access: token, Expires: h.at.Add(10 * time.Minute), Scopes: []string{"catalog:read", "cart:write"}, Refresh: token, At: h.at})
	}
	if err != nil {
		return err
	}
	return h.purchase(n, user, shelf, private)
}

// purchase is a cart that is filled and bought: twelve events.
func (h *chronicle) purchase(n int, user string, shelf []catalog.Product, private string) (err error) {
	add := h.adder(user, &err)
	o := order.State{ID: checkout.OrderID(fmt.Sprintf("%s/%d", private, n)), Attempt: 1}
	var lines []cart.Line
	for i := range 2 {
		// Each shard sells its own half of the shelf: one writer per stream.
		item := itemOf(shelf[(n*7+i*31)%len(shelf)], private)
		add(cart.Category, user, cart.ItemAdded{Item: item, Quantity: 1})
		if i == 0 {
			add(cart.Category, user, cart.QuantityChanged{SKU: item.SKU, From: 1, To: 2})
		}
		lines = append(lines, cart.Line{Item: item, Quantity: 2 - i})
	}
	total := money.Of(0, "USD")
	for _, l := range lines {
		total.Minor += l.Subtotal().Minor
	}
	add(order.Category, o.ID, order.CheckoutStarted{ID: o.ID, User: user, Quote: "q_" + o.ID, CartVersion: 3, Lines: lines, Total: total, Method: "pm_card_visa", At: h.at})
	for _, l := range lines {
		add(stock.Category, l.SKU, stock.Reserved{Reservation: o.Reservation(), Quantity: l.Quantity, Until: h.at.Add(checkout.ReservationLife)})
	}
	add(order.Category, o.ID, order.PaymentRequested{Attempt: 1, Key: o.PaymentKey(), Amount: total, Method: "pm_card_visa"})
	add(order.Category, o.ID, order.OrderPlaced{Attempt: 1, Payment: "test_1", Total: total, At: h.at})
	o.Lines = lines
	// As the checkout names it, whose reactor else finds it undone.
	h.command, h.fingerprint = "checkout:"+o.Reservation()+":cart", "checked out"
	add(cart.Category, user, cart.CheckedOut{Order: o.ID, Lines: o.Bought()})
	for _, l := range lines {
		add(stock.Category, l.SKU, stock.Committed{Reservation: o.Reservation(), Quantity: l.Quantity})
	}
	return err
}

func itemOf(p catalog.Product, private string) cart.Item {
	v := p.Variants[0]
	return cart.Item{SKU: v.SKU + private, Product: p.ID, Handle: p.Handle, Title: p.Title, Variant: v.Title(), Price: v.Price}
}

// bigShops are the data folders that the benchmarks of this run made, by how
// many events their logs hold. With TILL_BENCH_DIR they are made there and kept
// for the next run.
type bigShops struct {
	mu      sync.Mutex
	folders map[int]string
}

var big = bigShops{folders: map[int]string{}}

// shop returns a folder whose log holds that many events; they were written
// without syncing each.
func (s *bigShops) shop(b *testing.B, events int) string {
	b.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if dir, ok := s.folders[events]; ok {
		return dir
	}
	keep := os.Getenv("TILL_BENCH_DIR")
	kept := filepath.Join(keep, strconv.Itoa(events))
	if _, err := os.Stat(kept); keep != "" && err == nil {
		return kept
	}
	dir, err := os.MkdirTemp(keep, "till-bench-")
	if err != nil {
		b.Fatal(err)
	}
	s.folders[events] = dir
	if err := fill(dir, events); err != nil {
		b.Fatal(err)
	}
	if keep != "" {
		if err := os.Rename(dir, kept); err != nil {
			b.Fatal(err)
		}
		delete(s.folders, events)
		return kept
	}
	return dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range big.folders {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// shelf are the products of the demo shop.
func shelf() (shelf []catalog.Product, err error) {
	rows, faults := catalog.ReadJSONL(catalog.CatShop())
	if len(faults) > 0 {
		return nil, faults[0]
	}
	for _, r := range rows {
		shelf = append(shelf, r.Product)
	}
	return shelf, nil
}

// stock counts more pieces of everything than anybody buys.
func (h *chronicle) stock(shelf []catalog.Product, private string) error {
	for _, p := range shelf {
		if err := h.append(stock.Category, itemOf(p, private).SKU, "", stock.Counted{OnHand: stock.MaxOnHand}); err != nil {
			return err
		}
	}
	return nil
}

func fill(dir string, events int) error {
	ctx := context.Background()
	folder, err := OpenFolder(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	server, err := StartNATS(ctx, NATSOptions{Dir: folder.NATSDir(), SyncInterval: time.Minute})
	if err != nil {
		return err
	}
	defer server.Stop()
	nc, err := jslog.ConnectInProcess(ctx, server)
	if err != nil {
		return err
	}
	defer nc.Close()
	log, err := jslog.Open(ctx, nc, jslog.Options{})
	if err != nil {
		return err
	}
	shelf, err := shelf()
	if err != nil {
		return err
	}
	types, start := Types(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	first := &chronicle{types: types, at: start, ends: map[eventlog.Stream]end{}, log: log}
	for _, p := range shelf {
		if err := first.append(catalog.Category, p.ID, "", catalog.ProductAdded{Product: p}); err != nil {
			return err
		}
	}
	people := 1500
	if events < million {
		people = 2 // who buy as often as those of ten million events
	}
	var wg sync.WaitGroup
	errs := make([]error, shards)
	for i := range shards {
		wg.Go(func() {
			h := &chronicle{types: types, at: start, ends: map[eventlog.Stream]end{}, log: log}
			private := fmt.Sprintf("-%d", i)
			if errs[i] = h.stock(shelf, private); errs[i] != nil {
				return
			}
			for n := 0; h.written < (events-len(shelf))/shards+1; n++ {
				if errs[i] = h.visit(n, people, shelf, private); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
