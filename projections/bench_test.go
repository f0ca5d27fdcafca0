package projections_test

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/projections"
)

// events is how many events the large histories have; TILL_BENCH_EVENTS makes
// it another number.
func events(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("TILL_BENCH_EVENTS"))
	if err != nil {
		return 1_000_000
	}
	return n
}

// BenchmarkRebuild builds all views from a history that is in memory already.
func BenchmarkRebuild(b *testing.B) {
	h := newHistory(b, events(b), 20_000, 150)
	runtime.GC()
	before := resident()
	for b.Loop() {
		start := time.Now()
		views, err := projections.Open(b.Context(), projections.Options{Dir: b.TempDir(), Log: h.log, Types: h.types, Logger: logger(b)})
		if err != nil {
			b.Fatal(err)
		}
		if err := views.Wait(b.Context(), eventlog.Position(h.n)); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(h.n)/time.Since(start).Seconds(), "events/s")
		b.ReportMetric(float64(peak()-before)/(1<<20), "MB-above-the-log")
		_ = views.Close()
	}
}

func logger(b *testing.B) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return nil
}

// resident and peak are the process's memory now and at most so far, in bytes
// (Linux only; 0 elsewhere).
func resident() int64 { return status("VmRSS:") }
func peak() int64     { return status("VmHWM:") }

func status(field string) int64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// BenchmarkVisible is the time from an append to the view that includes it.
func BenchmarkVisible(b *testing.B) {
	s := newShop(b)
	s.sell(mouse(), 10)
	offer, _, _ := s.views.Offer(b.Context(), "MOUSE-CATNIP")
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		out, err := s.process.Carts.Do(b.Context(), fmt.Sprint("user", i%1000), cart.Add{Item: offer.Item, Quantity: 1}, s.meta())
		if err != nil {
			out, err = s.process.Carts.Do(b.Context(), fmt.Sprint("user", i%1000), cart.Clear{}, s.meta())
		}
		start := time.Now()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.views.Wait(b.Context(), out.Position); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkRead reads what the busiest calls read, from the views of a large
// history: once again and again the same, once each time another.
func BenchmarkRead(b *testing.B) {
	h := newHistory(b, events(b)/4, 20_000, 150)
	dir := b.TempDir()
	s := openShop(b, h.log, dir)
	if err := s.views.Wait(b.Context(), eventlog.Position(h.n)); err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name string
		fn   func(i int, r *projections.Reader) error
	}{
		{"Nothing", func(int, *projections.Reader) error { return nil }},
		{"Cart", func(i int, r *projections.Reader) error {
			_, _, err := r.Cart(b.Context(), user(i%20_000))
			return err
		}},
		{"Orders", func(i int, r *projections.Reader) error {
			_, err := r.Orders(b.Context(), projections.OrderQuery{User: user(i % 20_000)})
			return err
		}},
		{"Product", func(i int, r *projections.Reader) error {
			_, _, _, err := r.Product(b.Context(), sku(i%150))
			return err
		}},
		{"List", func(i int, r *projections.Reader) error {
			_, err := r.Products(b.Context(), projections.ProductQuery{})
			return err
		}},
		{"Search", func(i int, r *projections.Reader) error {
			_, err := r.Products(b.Context(), projections.ProductQuery{Text: fmt.Sprint("thing ", i%150)})
			return err
		}},
	} {
		for _, kind := range []string{"same", "any"} {
			b.Run(bench.name+"/"+kind, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					which := 7
					if kind == "any" {
						which = i * 7919
					}
					if err := s.views.Read(b.Context(), 0, func(r *projections.Reader) error { return bench.fn(which, r) }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("Grant", func(b *testing.B) {
		id := slices.Sorted(maps.Keys(h.grants))[0]
		for b.Loop() {
			if _, _, ok, err := s.views.Grant(b.Context(), id); err != nil || !ok {
				b.Fatal("no grant", err)
			}
		}
	})
	b.Run("State", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, _, err := s.views.State(b.Context(), eventlog.Stream{Category: cart.Category, ID: user(i * 7919 % 20_000)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
