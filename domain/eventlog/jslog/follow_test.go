package jslog_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// settled waits until count is at most the limit.
func settled(t *testing.T, what string, limit int, count func() int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		n := count()
		if n <= limit {
			return
		}
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d %s are left, want at most %d\n%s", n, what, limit, buf[:runtime.Stack(buf, true)])
		}
	}
}

// goroutines counts those that run code of this package or wait for messages
// on its behalf.
func goroutines() (n int) {
	buf := make([]byte, 4<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "eventlog/jslog.(") || strings.Contains(g, ".(*Conn).waitForMsgs") {
			n++
		}
	}
	return n
}

func consumers(t *testing.T, nc *nats.Conn) func() int {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return func() int {
		stream, err := js.Stream(t.Context(), "till")
		if err != nil {
			t.Fatal(err)
		}
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Consumers
	}
}

func TestFollowLeavesNothingBehind(t *testing.T) {
	nc := connect(t, startServer(t, t.TempDir()))
	log := open(t, nc)
	orders(t, log, 50)
	_ = consumers(t, nc)() // whatever the client starts once is running now
	subscriptions, running := nc.NumSubscriptions(), goroutines()
	for range 10 {
		for range log.Follow(t.Context(), 0, 10) { // broken off with more to come
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		for range log.Follow(ctx, 0, 10) { // cancelled while it waits
		}
		cancel()
		for range log.Follow(t.Context(), 1000, 10) { // refused
		}
		for range log.Read(t.Context(), eventlog.Stream{Category: "cart", ID: "n0"}) {
			break
		}
		func() { // a loop that panics
			defer func() { _ = recover() }()
			for range log.Follow(t.Context(), 0, 10) {
				panic("a projection fails")
			}
		}()
	}
	settled(t, "consumers", 0, consumers(t, nc))
	settled(t, "subscriptions", subscriptions, nc.NumSubscriptions)
	settled(t, "goroutines", running, goroutines)
}

func TestSubscriberLeavesNothingBehind(t *testing.T) {
	nc := connect(t, startServer(t, t.TempDir()))
	log := open(t, nc)
	orders(t, log, 5)
	_ = consumers(t, nc)()
	subscriptions, running := nc.NumSubscriptions(), goroutines()
	for range 10 {
		s := newSubscriber(t, log, jslogOptions("once"))
		c := subscribe(t, s, "order")
		m, _ := next(t, c)
		m.Nack()
		s.Close()
	}
	settled(t, "subscriptions", subscriptions, nc.NumSubscriptions)
	settled(t, "goroutines", running, goroutines)
}

// A slow reader holds the server back: what waits in the process stays small,
// and nothing is lost.
func TestFollowWaitsForASlowReader(t *testing.T) {
	nc := connect(t, startServer(t, t.TempDir(), noSync))
	log := open(t, nc)
	const count = 35_000
	fillFast(t, nc, count)
	at := eventlog.Position(0)
	for batch, err := range log.Follow(t.Context(), 0, 20_000) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			if at++; e.Position != at {
				t.Fatalf("event %d, want %d", e.Position, at)
			}
		}
		if len(batch) > 17_000 {
			t.Fatalf("%d events waited", len(batch))
		}
		if at == count {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
}
