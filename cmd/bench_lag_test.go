package cmd

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/money"
)

// BenchmarkLag measures from a command's acknowledgement to its view while
// commands come at a steady pace: 2,000 each second, from 16 people, each of them
// synced to the disk. Whoever is late does not make the others wait, so what the
// shop cannot keep up with shows in the commands per second.
func BenchmarkLag(b *testing.B) {
	const pace, people, seconds = 2000, 16, 5
	a := openShop(b)
	item := cart.Item{SKU: "CATNIP-MOUSE", Product: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Price: money.Of(499, "USD")}
	var mu sync.Mutex
	var lags []time.Duration
	var took time.Duration
	round := 0
	for b.Loop() {
		var writers, waits sync.WaitGroup
		var failed atomic.Pointer[error]
		begin := time.Now()
		for p := range people {
			user := fmt.Sprintf("usr_lag_%d_%d", round, p)
			writers.Go(func() {
				for n := range pace * seconds / people {
					due := time.Duration(n*people+p) * time.Second / pace
					time.Sleep(due - time.Since(begin))
					var cmd cart.Command = cart.SetQuantity{SKU: item.SKU, Quantity: 1 + n%99}
					if n == 0 {
						cmd = cart.Add{Item: item, Quantity: 99}
					}
					out, err := a.checkout.Carts.Do(context.Background(), user, cmd, benchMeta(user))
					if err != nil {
						failed.Store(&err)
						return
					}
					acknowledged := time.Now()
					waits.Go(func() {
						if err := a.views.Wait(context.Background(), out.Position); err != nil {
							failed.Store(&err)
							return
						}
						lag := time.Since(acknowledged)
						mu.Lock()
						defer mu.Unlock()
						lags = append(lags, lag)
					})
				}
			})
		}
		writers.Wait()
		took += time.Since(begin)
		waits.Wait()
		if err := failed.Load(); err != nil {
			b.Fatal(*err)
		}
		round++
	}
	percentiles(b, lags, "lag")
	b.ReportMetric(float64(slices.Max(lags).Microseconds()), "lag-max-µs")
	b.ReportMetric(float64(len(lags))/took.Seconds(), "commands/s")
	b.ReportMetric(0, "ns/op")
}
