package jslog_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// BenchmarkVisible is the time from the acknowledgement of an append until a
// follower has the event.
func BenchmarkVisible(b *testing.B) {
	log := newLog(b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seen := make(chan time.Time, 1)
	go func() {
		for batch, err := range log.Follow(ctx, 0, 1000) {
			if err != nil {
				return
			}
			for range batch {
				seen <- time.Now()
			}
		}
	}()
	s := eventlog.Stream{Category: "cart", ID: "a"}
	var at eventlog.Position
	var waits []time.Duration
	for n := uint64(1); b.Loop(); n++ {
		var err error
		if at, err = log.Append(ctx, eventlog.Change{Stream: s, Expected: at, Events: []eventlog.Envelope{sample(s, n)}}); err != nil {
			b.Fatal(err)
		}
		acknowledged := time.Now()
		waits = append(waits, max(0, (<-seen).Sub(acknowledged)))
	}
	half := median(waits) // sorts
	b.ReportMetric(float64(half.Microseconds()), "p50-µs")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkSubscriber is how many events a reactor gets that does nothing but
// acknowledge, one at a time and each noted by the server.
func BenchmarkSubscriber(b *testing.B) {
	nc := connect(b, startServer(b, b.TempDir(), noSync))
	log := open(b, nc)
	const count = 50_000
	fillFast(b, nc, count)
	n := 0
	var c <-chan *message.Message
	for b.Loop() {
		if n%count == 0 { // from the beginning, under another name
			c = subscribe(b, newSubscriber(b, log, jslog.SubscriberOptions{Name: fmt.Sprint("n", n)}), "cart")
		}
		(<-c).Ack()
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
