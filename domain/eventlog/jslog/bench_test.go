package jslog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// sample is an event of the size that the shop writes most: about 360 bytes on
// the log with its subject and headers.
func sample(s eventlog.Stream, number uint64) eventlog.Envelope {
	return eventlog.Envelope{
		Stream: s, Number: number, Type: "cart.item_added", Version: 1,
		Meta: eventlog.Meta{
			Command:     "cmd_" + strconv.FormatUint(number, 36) + "_7hq2kd93hs",
			Actor:       eventlog.Actor{Kind: eventlog.Agent, User: "usr_8fk2m4c7", Client: "cli_2mm4k1", Grant: "gr_93kfm2"},
			Correlation: "req_5kd93jf8s7",
			Time:        time.Date(2026, 11, 1, 12, 0, 0, int(number), time.UTC),
		},
		Data: []byte(`{"sku":"catnip-mouse","quantity":2,"unit_price":{"amount":699,"currency":"USD"}}`),
	}
}

// BenchmarkAppend compares a command's append with a bare publish of the same
// bytes, each acknowledged after its fsync. The two sides take turns, so that
// a machine that grows busy slows both.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 64} {
		for _, side := range []string{"log", "raw"} {
			b.Run(fmt.Sprintf("%s/callers=%d", side, callers), func(b *testing.B) {
				nc := connect(b, startServer(b, b.TempDir()))
				log := open(b, nc)
				var caller atomic.Uint64
				b.ResetTimer()
				run(b, callers, func(n int) error {
					s := eventlog.Stream{Category: "cart", ID: fmt.Sprint("c", caller.Add(1))}
					var at eventlog.Position
					for i := range n {
						e := sample(s, uint64(i+1))
						if side == "log" {
							pos, err := log.Append(context.Background(), eventlog.Change{Stream: s, Expected: at, Events: []eventlog.Envelope{e}})
							if err != nil {
								return err
							}
							at = pos
							continue
						}
						pos, err := rawPublish(nc, &e, at)
						if err != nil {
							return err
						}
						at = pos
					}
					return nil
				})
			})
		}
	}
}

// run spreads b.N over the callers.
func run(b *testing.B, callers int, work func(n int) error) {
	errs := make(chan error)
	for c := range callers {
		n := b.N / callers
		if c < b.N%callers {
			n++
		}
		go func() { errs <- work(n) }()
	}
	for range callers {
		if err := <-errs; err != nil {
			b.Error(err)
		}
	}
}

// rawPublish is what any program does with nats.go: headers, body, a request.
func rawPublish(nc *nats.Conn, e *eventlog.Envelope, expected eventlog.Position) (eventlog.Position, error) {
	reply, err := nc.RequestMsg(rawMsg(e, expected, true), 10*time.Second)
	if err != nil {
		return 0, err
	}
	var ack jetstream.PubAck
	if err := json.Unmarshal(reply.Data, &ack); err != nil || ack.Sequence == 0 {
		return 0, fmt.Errorf("%s %w", reply.Data, err)
	}
	return eventlog.Position(ack.Sequence), nil
}

func rawMsg(e *eventlog.Envelope, expected eventlog.Position, guarded bool) *nats.Msg {
	m := nats.NewMsg("shop." + e.Stream.Category + "." + e.Stream.ID)
	m.Header = nats.Header{
		"Till-Type": {e.Type}, "Till-Version": {"1"}, "Till-Number": {strconv.FormatUint(e.Number, 10)},
		"Till-Command": {e.Command}, "Till-Actor-Kind": {string(e.Actor.Kind)}, "Till-User": {e.Actor.User},
		"Till-Client": {e.Actor.Client}, "Till-Grant": {e.Actor.Grant}, "Till-Correlation": {e.Correlation},
		"Till-Time": {e.Time.Format(time.RFC3339Nano)},
	}
	if guarded {
		m.Header["Nats-Expected-Last-Subject-Sequence"] = []string{strconv.FormatUint(uint64(expected), 10)}
	}
	m.Data = e.Data
	return m
}

// BenchmarkFollow reads the whole log, decoded, and beside it what a bare
// ordered consumer of the NATS client reaches, which decodes nothing.
func BenchmarkFollow(b *testing.B) {
	const events = 1_000_000
	nc := connect(b, startServer(b, b.TempDir(), noSync))
	log := open(b, nc)
	fillFast(b, nc, events)
	b.Run("log", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for batch, err := range log.Follow(context.Background(), 0, 10_000) {
				if err != nil {
					b.Fatal(err)
				}
				if n += len(batch); n == events {
					break
				}
			}
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("ordered", func(b *testing.B) {
		js, err := jetstream.New(nc)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			c, err := js.OrderedConsumer(context.Background(), "till", jetstream.OrderedConsumerConfig{})
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan struct{})
			n := 0
			cc, err := c.Consume(func(jetstream.Msg) {
				if n++; n == events {
					close(done)
				}
			}, jetstream.PullMaxMessages(10_000))
			if err != nil {
				b.Fatal(err)
			}
			<-done
			cc.Stop()
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
