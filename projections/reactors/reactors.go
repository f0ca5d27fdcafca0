// Package reactors does what follows from events while the shop runs: it takes
// interrupted checkouts and refunds to their end and looks after reservations whose
// time is over. It answers nobody and never runs in a replay.
package reactors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"till/domain/aftersale"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/order"
	"till/domain/stock"
	"till/projections"
)

// Options are what the reactors work with.
type Options struct {
	Process   *checkout.Process
	Aftersale *aftersale.Process
	Views     *projections.Views
	Types     *eventlog.Types
	// Checkouts hands out the events of the category order, Reservations those
	// of stock, each when it is [Due], one at a time and in order.
	Checkouts, Reservations message.Subscriber
	// Envelope returns the event that a message of theirs carries.
	Envelope func(*message.Message) (eventlog.Envelope, error)
	// Poison takes the messages that cannot be handled, under the topic
	// "reactors", with the reason in their metadata.
	Poison message.Publisher
	Logger *slog.Logger
	Now    func() time.Time
	// Metrics counts messages by reactor and outcome; nil counts nothing.
	Metrics prometheus.Registerer
}

// Poisoned is the topic under which messages that cannot be handled are parked.
const Poisoned = "reactors"

// Reactors run until they are closed. Use New.
type Reactors struct {
	Options
	router *message.Router
	counts *counts
}

// errAgain: it is not time yet, or somebody else is at it; the message comes
// again.
var errAgain = errors.New("reactors: not at its end yet")

// New prepares the reactors; Run starts them.
func New(o Options) (*Reactors, error) {
	if o.Process == nil || o.Aftersale == nil || o.Views == nil || o.Types == nil || o.Checkouts == nil || o.Reservations == nil ||
		o.Envelope == nil || o.Poison == nil || o.Now == nil {
		return nil, errors.New("reactors: something that they need is missing")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	counts, err := newCounts(o.Metrics, o.Logger)
	if err != nil {
		return nil, fmt.Errorf("reactors: %w", err)
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 15 * time.Second}, watermill.NewSlogLogger(quieter(o.Logger)))
	if err != nil {
		return nil, fmt.Errorf("reactors: %w", err)
	}
	poison, err := middleware.PoisonQueueWithFilter(o.Poison, Poisoned, hopeless)
	if err != nil {
		return nil, fmt.Errorf("reactors: %w", err)
	}
	r := &Reactors{Options: o, router: router, counts: counts}
	router.AddMiddleware(
		counts.middleware,
		poison,
		middleware.Retry{
			MaxRetries: 3, InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, Multiplier: 3,
			ShouldRetry: func(p middleware.RetryParams) bool { return hopeless(p.Err) },
		}.Middleware,
		middleware.Recoverer,
	)
	router.AddConsumerHandler("checkouts", order.Category, o.Checkouts, r.checkout)
	router.AddConsumerHandler("reservations", stock.Category, o.Reservations, r.reservation)
	return r, nil
}

// Run works until ctx ends or Close is called, and returns when nothing is
// left running. A subscriber that cannot start is its error.
func (r *Reactors) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		r.sweepUntil(ctx)
	}()
	err := r.router.Run(ctx)
	cancel()
	<-swept
	if err != nil {
		return fmt.Errorf("reactors: %w", err)
	}
	return nil
}

// Close ends Run once the messages in hand are done; at most 15 s later.
func (r *Reactors) Close() error { return r.router.Close() }

// Started is closed once Run has subscribed.
func (r *Reactors) Started() <-chan struct{} { return r.router.Running() }

// event decodes the message's event and waits until the views include it.
func (r *Reactors) event(m *message.Message) (eventlog.Envelope, any, error) {
	e, err := r.Envelope(m)
	if err != nil {
		return e, nil, err
	}
	event, err := r.Types.Decode(e)
	if err != nil {
		return e, nil, err
	}
	return e, event, r.Views.Wait(m.Context(), e.Position)
}

// meta is that of a command which answers an event.
func (r *Reactors) meta(reactor string, e eventlog.Envelope) eventlog.Meta {
	return eventlog.Meta{
		Command:     fmt.Sprintf("reactor:%s:%d", reactor, e.Position),
		Actor:       eventlog.Actor{Kind: eventlog.System},
		Correlation: e.Correlation,
		Causation:   fmt.Sprintf("event:%d", e.Position),
		Time:        r.Now().UTC(),
	}
}
