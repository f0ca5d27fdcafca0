package cmd

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/eventlog"
)

// BenchmarkGrowth asks two running programs, in turns, for carts and orders of
// fifty people with the same history: a shop that has little else, ten thousand
// events, and one that holds as many as TILL_BENCH_EVENTS says, or a million. The
// ratios are those of the big shop to the small one.
func BenchmarkGrowth(b *testing.B) {
	program := build(b)
	run := fmt.Sprint(time.Now().UnixNano())
	small, large := filepath.Join(b.TempDir(), "small"), big.shop(b, asked(b))
	var tokens [2][]string
	var urls [2]string
	for i, dir := range []string{small, large} {
		logins := settlePeople(b, dir, run)
		p := start(b, program, dir)
		defer p.stop(b)
		urls[i] = "http://" + p.addr + "/mcp"
		for _, login := range logins {
			token, err := Login(context.Background(), urls[i], login, growthPassword, shopping)
			if err != nil {
				b.Fatal(err)
			}
			tokens[i] = append(tokens[i], token)
		}
	}
	for _, callers := range []int{1, 4} { // one by one, and as many as fill two cores
		for _, tool := range []string{"view_cart", "get_order_history"} {
			b.Run(fmt.Sprintf("%s/callers=%d", tool, callers), func(b *testing.B) {
				const calls = 500
				var took [2][]time.Duration
				round := 0
				for b.Loop() {
					for i := range urls {
						each := make([]time.Duration, calls)
						take(b, callers, calls, round*calls, func(caller, n int) error {
							n = n*callers + caller
							c := benchCaller{b, urls[i], tokens[i][n%len(tokens[i])], "2026-07-28", "", new(atomic.Int64)}
							begin := time.Now()
							err := c.try(tool, `{}`)
							each[n%calls] = time.Since(begin)
							return err
						})
						took[i] = append(took[i], each...)
					}
					round++
				}
				compare(b, took[0], took[1])
			})
		}
	}
}

// compare reports what the large shop took as a part of what the small one did.
func compare(b *testing.B, small, large []time.Duration) {
	slices.Sort(small)
	slices.Sort(large)
	at := func(d []time.Duration, percent int) float64 { return float64(d[len(d)*percent/100].Microseconds()) }
	b.ReportMetric(at(large, 50)/at(small, 50), "p50-ratio")
	b.ReportMetric(at(large, 99)/at(small, 99), "p99-ratio")
	b.ReportMetric(at(small, 99), "small-p99-µs")
	b.ReportMetric(at(large, 99), "large-p99-µs")
	b.ReportMetric(float64(large[len(large)-1].Microseconds()), "large-max-µs")
	b.ReportMetric(0, "ns/op")
}

const growthPassword = "correct horse battery"

// settlePeople opens fifty accounts in a shop and lets each buy sixteen times and
// leave two things in the cart. It returns their login names.
func settlePeople(b *testing.B, dir, run string) (logins []string) {
	b.Helper()
	ctx := context.Background()
	a, err := Open(ctx, Options{Dir: dir, Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer a.close()
	shelf, err := shelf()
	if err != nil {
		b.Fatal(err)
	}
	h := &chronicle{types: Types(), at: time.Now().Add(-time.Hour), ends: map[eventlog.Stream]end{}, log: a.log}
	private := "-" + run
	if err := h.stock(shelf, private); err != nil {
		b.Fatal(err)
	}
	for n := range 50 {
		login := fmt.Sprintf("person%d-%s@example.com", n, run)
		user, err := a.authz.Accounts().OpenAccount(ctx, login, growthPassword, "customer")
		if err != nil {
			b.Fatal(err)
		}
		logins = append(logins, login)
		for i := range 16 {
			if err := h.purchase(n*16+i, user, shelf, private); err != nil {
				b.Fatal(err)
			}
		}
		add := h.adder(user, &err)
		for i := range 2 {
			add(cart.Category, user, cart.ItemAdded{Item: itemOf(shelf[i], private), Quantity: 1})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return logins
}
