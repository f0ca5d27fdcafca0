package jslog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
// bytes, each acknowledged after its fsync. Both sides write to one server and
// take turns of a few milliseconds, so that a disk that grows busy slows both;
// the ratio is that of the median turns.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			nc := connect(b, startServer(b, b.TempDir()))
			log := open(b, nc)
			logged := func(e *eventlog.Envelope, at eventlog.Position) (eventlog.Position, error) {
				return log.Append(context.Background(), eventlog.Change{Stream: e.Stream, Expected: at, Events: []eventlog.Envelope{*e}})
			}
			raw := func(e *eventlog.Envelope, at eventlog.Position) (eventlog.Position, error) {
				return rawPublish(nc, e, at)
			}
			const turn = 128 // events of one side's turn
			var times [2][]time.Duration
			for n := 0; b.Loop(); n++ {
				for side, publish := range []func(*eventlog.Envelope, eventlog.Position) (eventlog.Position, error){logged, raw} {
					started := time.Now()
					if err := appendAll(callers, turn, fmt.Sprintf("c%d-%d", n, side), publish); err != nil {
						b.Fatal(err)
					}
					times[side] = append(times[side], time.Since(started)/turn)
				}
			}
			ours, bare := median(times[0]), median(times[1])
			b.ReportMetric(float64(ours), "ns/append")
			b.ReportMetric(float64(bare), "ns/raw")
			b.ReportMetric(float64(bare)/float64(ours), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkBatch is what it costs to append three events of one stream together, as a
// reorder of three lines does: an atomic batch, against one event and against three
// one after the other, in turns.
func BenchmarkBatch(b *testing.B) {
	log := open(b, connect(b, startServer(b, b.TempDir())))
	var times [3][]time.Duration
	for n := 0; b.Loop(); n++ {
		for side, together := range [][]int{{1}, {1, 1, 1}, {3}} {
			s := eventlog.Stream{Category: "cart", ID: fmt.Sprintf("b%d-%d", n, side)}
			var at eventlog.Position
			number := uint64(0)
			started := time.Now()
			for _, count := range together {
				var events []eventlog.Envelope
				for range count {
					number++
					events = append(events, sample(s, number))
				}
				var err error
				if at, err = log.Append(context.Background(), eventlog.Change{Stream: s, Expected: at, Events: events}); err != nil {
					b.Fatal(err)
				}
			}
			times[side] = append(times[side], time.Since(started))
		}
	}
	for side, unit := range []string{"µs/one", "µs/three-in-a-row", "µs/batch-of-three"} {
		b.ReportMetric(float64(median(times[side]).Microseconds()), unit)
	}
	b.ReportMetric(0, "ns/op")
}

// appendAll writes count events, spread over the callers, each of which has a
// stream of its own.
func appendAll(callers, count int, name string, publish func(*eventlog.Envelope, eventlog.Position) (eventlog.Position, error)) error {
	errs := make(chan error)
	for c := range callers {
		go func() {
			s := eventlog.Stream{Category: "cart", ID: fmt.Sprint(name, "-", c)}
			var at eventlog.Position
			for i := range uint64(count / callers) {
				e := sample(s, i+1)
				pos, err := publish(&e, at)
				if err != nil {
					errs <- err
					return
				}
				at = pos
			}
			errs <- nil
		}()
	}
	var all error
	for range callers {
		all = errors.Join(all, <-errs)
	}
	return all
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
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
// ordered consumer of the NATS client reaches, which decodes nothing. The two
// take turns, so that a machine that grows busy slows both.
func BenchmarkFollow(b *testing.B) {
	const count = 1_000_000
	nc := connect(b, startServer(b, b.TempDir(), noSync))
	log := open(b, nc)
	fillFast(b, nc, count)
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	var times [2][]time.Duration
	for b.Loop() {
		started := time.Now()
		n := 0
		for batch, err := range log.Follow(context.Background(), 0, 10_000) {
			if err != nil {
				b.Fatal(err)
			}
			if n += len(batch); n == count {
				break
			}
		}
		times[0] = append(times[0], time.Since(started))

		started = time.Now()
		c, err := js.OrderedConsumer(context.Background(), "till", jetstream.OrderedConsumerConfig{})
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		n = 0
		cc, err := c.Consume(func(jetstream.Msg) {
			if n++; n == count {
				close(done)
			}
		}, jetstream.PullMaxMessages(10_000))
		if err != nil {
			b.Fatal(err)
		}
		<-done
		times[1] = append(times[1], time.Since(started))
		cc.Stop()
		<-cc.Closed()
	}
	ours, bare := median(times[0]), median(times[1])
	b.ReportMetric(count/ours.Seconds(), "events/s")
	b.ReportMetric(count/bare.Seconds(), "bare-events/s")
	b.ReportMetric(float64(bare)/float64(ours), "ratio")
	b.ReportMetric(0, "ns/op")
}
