package reactors

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/projections"
)

// hopeless is whether an error is the message's own: it is tried a few times
// and then parked. Everything else passes, and the message waits for that in
// its place. What this program does not know is never parked either: a newer
// one will.
func hopeless(err error) bool {
	for _, passing := range []error{
		errAgain, context.Canceled, context.DeadlineExceeded,
		eventlog.ErrUnavailable, eventlog.ErrConflict, eventlog.ErrDamaged, eventlog.ErrUnknownType, eventlog.ErrBeyond,
		decider.ErrBusy, projections.ErrCatchingUp, projections.ErrClosed,
	} {
		if errors.Is(err, passing) {
			return false
		}
	}
	return true
}

// counts are the reactors' metrics.
type counts struct {
	logger   *slog.Logger
	messages *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newCounts(to prometheus.Registerer, logger *slog.Logger) (*counts, error) {
	c := &counts{
		logger: logger,
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "till_reactor_messages_total", Help: "Messages by reactor and by what became of them: done, again, parked or failed.",
		}, []string{"reactor", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "till_reactor_seconds", Help: "How long a message was in hand.", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8),
		}, []string{"reactor"}),
	}
	if to == nil {
		return c, nil
	}
	return c, errors.Join(to.Register(c.messages), to.Register(c.seconds))
}

// middleware counts what becomes of each message. It stands outside of the
// poison queue, which takes a message's error away and notes it instead.
func (c *counts) middleware(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		reactor := message.HandlerNameFromCtx(m.Context())
		start := time.Now()
		out, err := next(m)
		c.seconds.WithLabelValues(reactor).Observe(time.Since(start).Seconds())
		outcome := "done"
		switch {
		case errors.Is(err, errAgain):
			outcome = "again"
		case err != nil:
			outcome = "failed"
			c.logger.Warn("a reactor cannot go on for now; the event comes again", "reactor", reactor, "message", m.UUID, "because", err)
		case m.Metadata.Get(middleware.ReasonForPoisonedKey) != "":
			outcome = "parked"
			c.logger.Error("a reactor cannot handle an event and has parked it", "reactor", reactor, "message", m.UUID,
				"because", m.Metadata.Get(middleware.ReasonForPoisonedKey))
		}
		c.messages.WithLabelValues(reactor, outcome).Inc()
		return out, err
	}
}

// quieter takes Watermill's own talk down to where its errors are news of no
// urgency: that an event comes again is the rule, and what is not is told above.
func quieter(l *slog.Logger) *slog.Logger { return slog.New(lower{l.Handler()}) }

type lower struct{ slog.Handler }

func (h lower) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, lowered(level))
}

func (h lower) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	return h.Handler.Handle(ctx, r)
}

func (h lower) WithAttrs(attrs []slog.Attr) slog.Handler { return lower{h.Handler.WithAttrs(attrs)} }
func (h lower) WithGroup(name string) slog.Handler       { return lower{h.Handler.WithGroup(name)} }

func lowered(l slog.Level) slog.Level { return l - (slog.LevelError - slog.LevelDebug) }
