package cmd

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
	"till/domain/money"
)

// The benchmarks of this file compare in one run, on one disk and one server,
// what a shop does with the least that could do it; their figures are ratios.

// openShop opens a shop that syncs every event, with the memory settings of
// serve.
func openShop(b *testing.B) *App {
	b.Helper()
	before := debug.SetGCPercent(gcPercent)
	b.Cleanup(func() { debug.SetGCPercent(before) })
	a, err := Open(context.Background(), Options{Dir: b.TempDir(), Create: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.close() })
	return a
}

// BenchmarkCommand runs a command (decide, encode, append with fsync, fold)
// against a bare publish of the same bytes with the same expectation, in turns.
func BenchmarkCommand(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			a := openShop(b)
			raw := newRaw(b, a)
			item := cart.Item{SKU: "CATNIP-MOUSE", Product: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Price: money.Of(499, "USD")}
			command := func(caller, n int) error {
				user := fmt.Sprintf("usr_bench_%d", caller)
				var cmd cart.Command = cart.SetQuantity{SKU: item.SKU, Quantity: 1 + n%99}
				if n == 0 {
					cmd = cart.Add{Item: item, Quantity: 99}
				}
				_, err := a.checkout.Carts.Do(context.Background(), user, cmd, benchMeta(user))
				return err
			}
			var ratios []float64
			var commands, publishes time.Duration
			round := max(callers*8, 256)
			for n := 0; b.Loop(); n++ {
				r := take(b, callers, round, n*round/callers, raw.publish)
				c := take(b, callers, round, n*round/callers, command)
				publishes, commands = publishes+r, commands+c
				ratios = append(ratios, r.Seconds()/c.Seconds())
			}
			slices.Sort(ratios)
			total := float64(len(ratios) * round)
			b.ReportMetric(publishes.Seconds()/commands.Seconds(), "ratio")
			b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
			b.ReportMetric(total/commands.Seconds(), "commands/s")
			b.ReportMetric(total/publishes.Seconds(), "raw/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func benchMeta(user string) eventlog.Meta {
	return eventlog.Meta{
		Command: "01JD0000000000000000000000", Correlation: "01JD0000000000000000000000", Causation: "mcp:update_cart_quantity",
		Actor: eventlog.Actor{Kind: eventlog.Agent, User: user, Client: "cli_bench", Grant: "grt_bench"}, Time: time.Now().UTC(),
	}
}

// take has callers do total calls between them and returns how long it took.
func take(b *testing.B, callers, total, from int, call func(caller, n int) error) time.Duration {
	b.Helper()
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	start := time.Now()
	for caller := range callers {
		wg.Go(func() {
			for n := range total / callers {
				if err := call(caller, from+n); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return time.Since(start)
}

// raw publishes to a JetStream stream of its own beside the log, set up alike.
type raw struct {
	nc   *nats.Conn
	last []uint64
}

func newRaw(b *testing.B, a *App) *raw {
	b.Helper()
	conn, err := jslog.ConnectInProcess(context.Background(), a.nats)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		b.Fatal(err)
	}
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{Name: "raw", Subjects: []string{"raw.>"}, Storage: jetstream.FileStorage, DenyDelete: true, DenyPurge: true})
	if err != nil {
		b.Fatal(err)
	}
	return &raw{conn, make([]uint64, 64)}
}

func (r *raw) publish(caller, _ int) error {
	user := fmt.Sprintf("usr_bench_%d", caller)
	m := &nats.Msg{Subject: "raw.cart." + user, Data: []byte(`{"sku":"CATNIP-MOUSE","from":17,"to":18}`), Header: nats.Header{
		"Nats-Expected-Last-Subject-Sequence": {fmt.Sprint(r.last[caller])},
		"Till-Type":                           {"cart.quantity_changed"}, "Till-Version": {"1"}, "Till-Number": {"1234"},
		"Till-Command": {"01JD0000000000000000000000"}, "Till-Correlation": {"01JD0000000000000000000000"},
		"Till-Causation": {"mcp:update_cart_quantity"}, "Till-Actor-Kind": {"agent"}, "Till-User": {user},
		"Till-Client": {"cli_bench"}, "Till-Grant": {"grt_bench"}, "Till-Time": {"2026-11-23T12:00:00.123456789Z"},
	}}
	answer, err := r.nc.RequestMsg(m, 10*time.Second)
	if err != nil {
		return err
	}
	var seq uint64
	if _, err := fmt.Sscanf(string(answer.Data), `{"stream":"raw","seq":%d`, &seq); err != nil {
		return fmt.Errorf("%s: %w", answer.Data, err)
	}
	r.last[caller] = seq
	return nil
}

// BenchmarkVisible measures from a command's acknowledgement to its view: what
// a tool waits for before it answers.
func BenchmarkVisible(b *testing.B) {
	a := openShop(b)
	item := cart.Item{SKU: "CATNIP-MOUSE", Product: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Price: money.Of(499, "USD")}
	var waits, whole []time.Duration
	n := 0
	for b.Loop() {
		user := fmt.Sprintf("usr_%d", n%1000)
		start := time.Now()
		out, err := a.checkout.Carts.Do(context.Background(), user, cart.Add{Item: item, Quantity: 1}, benchMeta(user))
		if err != nil {
			out, err = a.checkout.Carts.Do(context.Background(), user, cart.Clear{}, benchMeta(user))
		}
		acknowledged := time.Now()
		if err == nil {
			err = a.views.Wait(context.Background(), out.Position)
		}
		if err != nil {
			b.Fatal(err)
		}
		waits, whole = append(waits, time.Since(acknowledged)), append(whole, time.Since(start))
		n++
	}
	percentiles(b, waits, "visible")
	percentiles(b, whole, "whole")
}

func percentiles(b *testing.B, d []time.Duration, name string) {
	slices.Sort(d)
	b.ReportMetric(float64(d[len(d)/2].Microseconds()), name+"-p50-µs")
	b.ReportMetric(float64(d[len(d)*99/100].Microseconds()), name+"-p99-µs")
}
