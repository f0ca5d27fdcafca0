package cmd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/order"
	"till/projections"
)

// BenchmarkAsk puts the questions of a debugging developer to a running shop with
// a million events, over its socket, each for another person, so that little is
// warm.
func BenchmarkAsk(b *testing.B) {
	ctx := context.Background()
	dir := big.shop(b, million)
	shop, err := Serve(ctx, ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	defer shop.Stop()
	r, ok := dial(ctx, dir)
	if !ok {
		b.Fatal("the shop is not reached")
	}
	defer r.close()
	user := func(n int) string { return fmt.Sprintf("usr_-%d_%d", n%16, 37*(n+1)%1500) }
	orders := func(n int) (id string) {
		err := shop.views.Read(ctx, 0, func(reader *projections.Reader) error {
			page, err := reader.Orders(ctx, projections.OrderQuery{User: user(n), Limit: 1})
			if err == nil && len(page.Orders) > 0 {
				id = page.Orders[0].ID
			}
			return err
		})
		if err != nil || id == "" {
			b.Fatal(user(n), "has no order", err)
		}
		return id
	}
	for _, q := range []struct {
		name string
		ask  func(n int) error
	}{
		{"show cart", func(n int) error {
			return askShow.ask(ctx, r, showQuery{Kind: "cart", ID: user(n)}, func(shown) error { return nil }, nil)
		}},
		{"show cart as of the middle", func(n int) error {
			return askShow.ask(ctx, r, showQuery{Kind: "cart", ID: user(n), AsOf: fmt.Sprint(million / 2)}, func(shown) error { return nil }, nil)
		}},
		{"show order", func(n int) error {
			return askShow.ask(ctx, r, showQuery{Kind: order.Category, ID: orders(n)}, func(shown) error { return nil }, nil)
		}},
		{"why order", func(n int) error {
			return askWhy.ask(ctx, r, whyQuery{Order: orders(n)}, func(reason) error { return nil }, nil)
		}},
		{"events --user", func(n int) error {
			return askEvents.ask(ctx, r, eventFilter{User: user(n)}, func(listed) error { return nil }, nil)
		}},
	} {
		b.Run(q.name, func(b *testing.B) {
			n, longest := 0, time.Duration(0)
			for b.Loop() {
				start := time.Now()
				if err := q.ask(n); err != nil {
					b.Fatal(err)
				}
				longest = max(longest, time.Since(start))
				n++
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "max-ms")
		})
	}
}

// BenchmarkPast folds the middle of a million events into a past, and rebuilds
// all views, in turns.
func BenchmarkPast(b *testing.B) {
	ctx := context.Background()
	shop, err := Open(ctx, Options{Dir: big.shop(b, million)})
	if err != nil {
		b.Fatal(err)
	}
	defer shop.close()
	var folding, rebuilding time.Duration
	untold := func(eventlog.Position, eventlog.Position) {}
	for b.Loop() {
		start := time.Now()
		past, err := shop.moments.Own(ctx, million/2, untold)
		if err != nil {
			b.Fatal(err)
		}
		folding += time.Since(start)
		_ = past.Close()
		start = time.Now()
		if err := shop.views.Rebuild(ctx, nil, untold); err != nil {
			b.Fatal(err)
		}
		rebuilding += time.Since(start)
	}
	b.ReportMetric(float64(b.N)*million/2/folding.Seconds(), "past-events/s")
	b.ReportMetric(float64(b.N)*million/rebuilding.Seconds(), "rebuild-events/s")
	b.ReportMetric(0, "ns/op")
}
