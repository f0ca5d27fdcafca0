package jslog

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// Reached is how far the reactor of a name has come with a topic: it is done
// with all events up to the position.
type Reached struct {
	Name, Topic string
	At          eventlog.Position
}

// reactorPrefix begins the name of a reactor's consumer on the server.
const reactorPrefix = "till_"

// Reached returns how far each reactor has come. What they made happen until then
// stands on the log at the next look at its end, not at the last.
func (l *Log) Reached(ctx context.Context) (all []Reached, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	stream, err := l.js.Stream(ctx, streamName)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
	}
	list := stream.ListConsumers(ctx)
	for c := range list.Info() {
		if r, ok := reached(c); ok {
			all = append(all, r)
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
	}
	return all, nil
}

// reached reads a reactor's position; ok is false for another kind of consumer.
func reached(c *jetstream.ConsumerInfo) (r Reached, ok bool) {
	if c.Config.Durable == "" {
		return r, false
	}
	name, ours := strings.CutPrefix(c.Config.Durable, reactorPrefix)
	if filter, one := strings.CutSuffix(c.Config.FilterSubject, ".*"); one {
		r.Topic = strings.TrimPrefix(filter, subjectRoot)
		name, ok = strings.CutSuffix(name, "_"+r.Topic)
	} else {
		r.Topic = Everything
		name, ok = strings.CutSuffix(name, "_all")
	}
	r.Name, r.At = name, eventlog.Position(c.AckFloor.Stream)
	if c.Config.OptStartSeq > 0 {
		r.At = max(r.At, eventlog.Position(c.Config.OptStartSeq-1))
	}
	return r, ours && ok
}

// Begin lets a reactor that has no position yet begin behind one that it had on
// another server with the same history. Nothing is handed out.
func (l *Log) Begin(ctx context.Context, r Reached) error {
	s, err := NewSubscriber(l, SubscriberOptions{Name: r.Name, After: r.At})
	if err != nil {
		return err
	}
	d, err := s.open(ctx, r.Topic)
	if err == nil {
		d.close()
	}
	return err
}
