package cmd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"till/domain/eventlog"
)

// BenchmarkTrail lists one user's events out of a million over the socket of a
// running shop: the first time after its start, and again. Beside it the worst
// case, a hundred events that lie as far apart as they can. What the system holds
// of the files in memory stays there.
func BenchmarkTrail(b *testing.B) {
	dir := big.shop(b, million)
	var cold, warm, scattered time.Duration
	events, n := 0, 0
	for b.Loop() {
		shop, err := Serve(context.Background(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0"})
		if err != nil {
			b.Fatal(err)
		}
		r, ok := dial(context.Background(), dir)
		if !ok {
			b.Fatal("the shop is not reached")
		}
		list := func() time.Duration {
			start := time.Now()
			events = 0
			f := eventFilter{User: fmt.Sprintf("usr_-%d_%d", n%16, 37*(n+1)%1500)}
			if err := askEvents.ask(context.Background(), r, f, func(listed) error { events++; return nil }, nil); err != nil {
				b.Fatal(err)
			}
			return time.Since(start)
		}
		cold += list()
		warm += list()
		var apart []eventlog.Position
		for i := range eventlog.Position(100) {
			apart = append(apart, 1+i*million/100+i%13)
		}
		start := time.Now()
		for _, err := range shop.log.GetMany(context.Background(), apart) {
			if err != nil {
				b.Fatal(err)
			}
		}
		scattered += time.Since(start)
		n++
		_ = r.close()
		if err := shop.Stop(); err != nil {
			b.Fatal(err)
		}
	}
	each := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(n) }
	b.ReportMetric(each(cold), "cold-ms")
	b.ReportMetric(each(warm), "warm-ms")
	b.ReportMetric(each(scattered), "scattered-ms")
	b.ReportMetric(float64(events), "events")
	b.ReportMetric(0, "ns/op")
}
