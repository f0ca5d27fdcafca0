package jslog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"till/domain/eventlog"
)

// heartbeat is how often the server says that it is there when it has nothing
// to send, and where it stands.
const heartbeat = time.Second

// consumer is one push consumer of ours on the server: unfiltered, ordered by
// its own count of deliveries, without acknowledgements, kept in memory there.
type consumer struct {
	log     *Log
	name    string
	sub     *nats.Subscription
	feed    *feed
	stopped chan struct{} // closed by stop

	// Only receive, which runs on one goroutine, uses these.
	decoder   decoder
	delivered uint64 // the consumer's own count, without a hole
	failed    bool   // what still comes is of no use
}

// startConsumer makes a consumer that fills the feed from its position on.
func (l *Log) startConsumer(ctx context.Context, f *feed) (*consumer, error) {
	c := &consumer{log: l, name: "till_follow_" + nuid.Next(), feed: f, stopped: make(chan struct{})}
	start := f.belong(c)
	sub, err := l.reading.Subscribe(l.reading.NewInbox(), c.receive)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	c.sub = sub
	// The flow control window (32 MB) bounds what waits here.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		c.stop()
		return nil, unavailable(ctx, err)
	}
	request := map[string]any{
		"stream_name": streamName,
		"action":      "create",
		"config": map[string]any{
			"name":               c.name,
			"description":        "follows the whole log",
			"deliver_subject":    sub.Subject,
			"deliver_policy":     "by_start_sequence",
			"opt_start_seq":      start,
			"ack_policy":         "none",
			"flow_control":       true,
			"idle_heartbeat":     heartbeat,
			"inactive_threshold": 30 * time.Second,
			"num_replicas":       1,
			"mem_storage":        true,
		},
	}
	if err := l.api(ctx, "CONSUMER.CREATE."+streamName+"."+c.name, request, nil); err != nil {
		c.stop()
		return nil, refusedOr(err)
	}
	return c, nil
}

// stop takes the consumer away, on the server too.
func (c *consumer) stop() {
	close(c.stopped)
	_ = c.sub.Unsubscribe() // fails only on a closed connection
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.log.reading.IsConnected() {
		_ = c.log.api(ctx, "CONSUMER.DELETE."+streamName+"."+c.name, nil, nil) // else the server drops it after its inactive threshold
	}
}

// receive takes what the server sends, in order, on a goroutine of its own.
func (c *consumer) receive(m *nats.Msg) {
	if c.failed {
		return
	}
	if len(m.Data) == 0 {
		if status := m.Header.Get("Status"); status != "" {
			c.control(m, status)
			return
		}
	}
	at, delivered, _, ok := ackSequences(m.Reply)
	if !ok || delivered != c.delivered+1 {
		c.fail(errOutage) // a message was lost on its way: a new consumer sends it again
		return
	}
	c.delivered = delivered
	e, err := c.decoder.decode(m.Subject, at, m.Header, m.Data)
	if err != nil {
		c.fail(err)
		return
	}
	room, err := c.feed.put(c, &e)
	if err != nil {
		c.fail(err)
		return
	}
	if !room {
		select {
		case <-c.feed.space:
		case <-c.stopped:
			c.failed = true
		}
	}
}

func (c *consumer) fail(err error) {
	c.failed = true
	c.feed.fail(c, err)
}

// control answers the server's own messages: heartbeats and flow control.
func (c *consumer) control(m *nats.Msg, status string) {
	if status != "100" {
		c.fail(errOutage) // 409: the consumer was deleted or its leader is gone
		return
	}
	reply := m.Reply
	if reply == "" {
		reply = m.Header.Get("Nats-Consumer-Stalled")
		c.beat(m)
	} else {
		_ = c.feed.reached(c, 0) // a sign of life
	}
	if reply != "" {
		_ = c.log.reading.Publish(reply, nil) // lost with the connection; the next heartbeat asks again
	}
}

// beat compares where the server stands with what has come. The heartbeat
// comes after all that was sent before it: when the count of deliveries agrees
// but the server has gone further in the stream, what lies between is damaged.
func (c *consumer) beat(m *nats.Msg) {
	delivered, err1 := strconv.ParseUint(m.Header.Get("Nats-Last-Consumer"), 10, 64)
	reached, err2 := strconv.ParseUint(m.Header.Get("Nats-Last-Stream"), 10, 64)
	switch {
	case err1 != nil || err2 != nil:
		c.fail(fmt.Errorf("%w: the server's heartbeat cannot be read", eventlog.ErrUnavailable))
	case delivered != c.delivered:
		c.fail(errOutage)
	default:
		if err := c.feed.reached(c, reached); err != nil {
			c.fail(err)
		}
	}
}
