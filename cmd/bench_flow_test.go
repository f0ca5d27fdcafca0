package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// people is how many callers the benchmarks of calls have.
const people = 16

// shopWithPeople is a shop with the memory settings of serve that never sells out, and
// a token for each of its people.
func shopWithPeople(b *testing.B) (*Running, []string) {
	b.Helper()
	before := debug.SetGCPercent(gcPercent)
	b.Cleanup(func() { debug.SetGCPercent(before) })
	dir := b.TempDir()
	shop, err := Serve(context.Background(), ServeOptions{Options: Options{Dir: dir, AccessLife: time.Hour}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = shop.Stop() })
	const plenty = `{"till_catalog":1,"currency":"USD"}
{"handle":"plenty-of-mice","title":"Plenty of Mice","category":"toys","variants":[{"sku":"MICE","price":"4.99","stock":1000000}]}
{"handle":"plenty-of-wands","title":"Plenty of Wands","category":"toys","variants":[{"sku":"WANDS","price":"9.99","stock":1000000}]}
`
	if code := Main([]string{"catalog", "import", "-", "--data", dir}, strings.NewReader(plenty), io.Discard, io.Discard); code != 0 {
		b.Fatalf("the import exits %d", code)
	}
	var tokens []string
	for i := range people {
		user, password := fmt.Sprint("shopper", i), "correct horse battery"
		if err := shop.AddUser(context.Background(), user, password); err != nil {
			b.Fatal(err)
		}
		token, err := Login(context.Background(), shop.Endpoint, user, password, shopping)
		if err != nil {
			b.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	return shop, tokens
}

// BenchmarkFlow is whole purchases by people at once, for profiles of what
// tests/peers measures from outside. An op is one purchase: list, two into the cart,
// view, review, checkout, history.
func BenchmarkFlow(b *testing.B) {
	shop, tokens := shopWithPeople(b)
	buyers := make(chan benchCaller, people)
	for _, token := range tokens {
		buyers <- benchCaller{b, shop.Endpoint, token, "2026-07-28", "", new(atomic.Int64)}
	}
	b.SetParallelism(people)
	b.ReportAllocs()
	before := shop.views.Position()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		buyer := <-buyers
		defer func() { buyers <- buyer }()
		for p.Next() {
			if err := buyer.buy(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(shop.views.Position()-before)/float64(b.N), "events/op")
}

// buy goes the whole way once.
func (c *benchCaller) buy() error {
	for _, step := range [][2]string{
		{"list_products", `{"limit":8}`}, {"add_to_cart", `{"product":"MICE","quantity":2}`}, {"add_to_cart", `{"product":"WANDS"}`}, {"view_cart", `{}`},
	} {
		if err := c.try(step[0], step[1]); err != nil {
			return err
		}
	}
	answer, err := c.ask("review_checkout", `{}`)
	if err != nil {
		return err
	}
	var review struct {
		Result struct {
			StructuredContent struct {
				Quote string `json:"quote_id"`
			}
		}
	}
	if err := json.Unmarshal(answer, &review); err != nil {
		return err
	}
	if err := c.try("checkout", `{"quote_id":"`+review.Result.StructuredContent.Quote+`"}`); err != nil {
		return err
	}
	return c.try("get_order_history", `{"limit":5}`)
}
