package jslog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"till/domain/eventlog"
)

// Everything is the topic of all events, whatever their category.
const Everything = "*"

// ErrClosed: the subscriber was closed.
var ErrClosed = errors.New("jslog: the subscriber is closed")

// SubscriberOptions are how a reactor reads the log.
type SubscriberOptions struct {
	// Name names the reactor's durable position: a word as for a category.
	// Who comes again under the name goes on where it stopped; two at once
	// share the work.
	Name string
	// After is the position behind which a name begins that has none yet.
	After eventlog.Position
	// Lag holds each event back until it is that old, by its own time.
	Lag time.Duration
	// Due says when an event is to be handed out, instead of Lag; it may look
	// into the event.
	Due func(eventlog.Envelope) time.Time
	// RetryMin and RetryMax bound the pause after a Nack, which doubles each
	// time; 0 means 100 ms and 1 minute.
	RetryMin, RetryMax time.Duration
	// AckWait is how long the server waits for a sign of life before it hands
	// an event out again, and so how long an event rests whose process was
	// killed; 0 means 5 s. A handler that runs longer is fine.
	AckWait time.Duration
	// Grace bounds how long Close waits for the event that is being handled,
	// whose context ends only then; 0 means 10 s.
	Grace time.Duration
	// Log takes what goes wrong between the server and this; nil drops it.
	Log *slog.Logger
}

// Subscriber feeds reactors from the log, as a Watermill [message.Subscriber].
// A topic is a category of streams, or [Everything]. Events come one at a
// time, in order, each until it is acknowledged: a Nack brings the same event
// again after a pause, and nothing overtakes it. An event may come twice (a
// crash between work and acknowledgement), so reactors are idempotent by
// position.
type Subscriber struct {
	log     *Log
	options SubscriberOptions

	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	running sync.WaitGroup
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber returns a subscriber on the log. It returns ErrInvalid for a
// name that is no word.
func NewSubscriber(l *Log, o SubscriberOptions) (*Subscriber, error) {
	if o.Name == "" || len(o.Name) > eventlog.MaxCategory || escape(o.Name) != o.Name {
		return nil, fmt.Errorf("%w: the subscriber name %q is not a word of at most %d letters", eventlog.ErrInvalid, o.Name, eventlog.MaxCategory)
	}
	orElse := func(d *time.Duration, other time.Duration) {
		if *d <= 0 {
			*d = other
		}
	}
	orElse(&o.RetryMin, 100*time.Millisecond)
	orElse(&o.RetryMax, time.Minute)
	orElse(&o.AckWait, 5*time.Second)
	orElse(&o.Grace, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Subscriber{log: l, options: o, closing: make(chan struct{})}, nil
}

// Subscribe implements [message.Subscriber]. It returns ErrClosed,
// ErrInvalid for a topic that is no category, or ErrUnavailable.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	d, err := s.open(ctx, topic)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		d.close()
		return nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan *message.Message)
	s.running.Go(func() {
		<-s.closing
		cancel()
	})
	s.running.Go(func() {
		defer close(out)
		defer cancel()
		d.run(ctx, out)
	})
	return out, nil
}

// Close implements [message.Subscriber]: it waits for the events that are
// being handled, at most Grace, and returns when nothing is left running.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
