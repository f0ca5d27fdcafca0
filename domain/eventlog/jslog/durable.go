package jslog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// durable is one subscription: a named consumer on the server, which remembers
// its position, and the inbox that it sends to. With at most one event out at
// a time it keeps the order even after a Nack (watermill-nats, which has no
// such bound, lets others overtake).
type durable struct {
	subscriber *Subscriber
	name       string
	sub        *nats.Subscription
	decoder    decoder
}

// open makes the consumer if it is not there yet.
func (s *Subscriber) open(ctx context.Context, topic string) (*durable, error) {
	filter, suffix := subjectRoot+topic+".*", topic
	if topic == Everything {
		filter, suffix = subjectRoot+">", "all"
	} else if topic == "" || len(topic) > eventlog.MaxCategory || escape(topic) != topic {
		return nil, fmt.Errorf("%w: the topic %q is not a category", eventlog.ErrInvalid, topic)
	}
	d := &durable{subscriber: s, name: reactorPrefix + s.options.Name + "_" + suffix}
	ctx, cancel := context.WithTimeout(ctx, s.log.timeout)
	defer cancel()
	_, err := s.log.js.Consumer(ctx, streamName, d.name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		_, err = s.log.js.CreateConsumer(ctx, streamName, jetstream.ConsumerConfig{
			Durable:       d.name,
			Description:   "the position of the reactor " + s.options.Name,
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:   uint64(s.options.After) + 1,
			FilterSubject: filter,
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       s.options.AckWait,
			MaxDeliver:    -1,
			MaxAckPending: 1,
			Replicas:      s.log.replicas,
		})
		if errors.Is(err, jetstream.ErrConsumerExists) {
			err = nil // another process was faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the position of the reactor %s: %w", eventlog.ErrUnavailable, s.options.Name, err)
	}
	if d.sub, err = s.log.nc.SubscribeSync(s.log.nc.NewInbox()); err != nil {
		return nil, unavailable(ctx, err)
	}
	return d, nil
}

// pull bounds of one request for an event.
const (
	pullExpires   = 30 * time.Second
	pullHeartbeat = time.Second
	outagePause   = 250 * time.Millisecond
)

// run hands out events until ctx ends.
func (d *durable) run(ctx context.Context, out chan<- *message.Message) {
	defer d.close()
	quiet := false // whether the present trouble has been told
	for ctx.Err() == nil {
		m, err := d.pull(ctx)
		if err == nil {
			if m != nil {
				d.handle(ctx, m, out)
			}
			quiet = false
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if !quiet {
			d.subscriber.options.Log.Warn("a reactor waits for the event log", "reactor", d.name, "error", err)
			quiet = true
		}
		select {
		case <-time.After(outagePause):
		case <-ctx.Done():
		}
	}
}

// pull asks for one event and waits for it; it returns nil when none came in
// the time of one request.
func (d *durable) pull(ctx context.Context) (*nats.Msg, error) {
	request := fmt.Appendf(nil, `{"batch":1,"expires":%d,"idle_heartbeat":%d}`, pullExpires, pullHeartbeat)
	err := d.subscriber.log.nc.PublishRequest(jetstream.DefaultAPIPrefix+"CONSUMER.MSG.NEXT."+streamName+"."+d.name, d.sub.Subject, request)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	for {
		limited, cancel := context.WithTimeout(ctx, 3*pullHeartbeat)
		m, err := d.sub.NextMsgWithContext(limited)
		cancel()
		if err != nil {
			return nil, unavailable(ctx, err)
		}
		switch m.Header.Get("Status") {
		case "":
			return m, nil
		case "100": // a heartbeat
		case "404", "408": // nothing came while the request stood
			return nil, nil
		case "503":
			return nil, unavailable(ctx, nats.ErrNoResponders)
		default:
			return nil, fmt.Errorf("%w: the server ended the request (%s %s)", eventlog.ErrUnavailable, m.Header.Get("Status"), m.Header.Get("Description"))
		}
	}
}

// close gives back what came and was not handed out, so that nobody has to
// wait for it, and leaves the inbox.
func (d *durable) close() {
	if err := d.sub.Drain(); err != nil {
		return // the connection is closed, and the inbox with it
	}
	for {
		m, err := d.sub.NextMsg(100 * time.Millisecond)
		if err != nil {
			break
		}
		if m.Header.Get("Status") == "" {
			_ = m.Respond(nak(0)) // else the server sends it again after its ack wait
		}
	}
	_ = d.sub.Unsubscribe() // drained already, as a rule
	_ = d.subscriber.log.nc.FlushTimeout(time.Second)
}

// nak is the answer "again, after this pause" (NATS ADR-13).
func nak(pause time.Duration) []byte {
	if pause <= 0 {
		return []byte("-NAK")
	}
	return fmt.Appendf(nil, `-NAK {"delay": %d}`, pause)
}
