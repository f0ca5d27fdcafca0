package jslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// readBatch is how many events of a stream one request fetches.
const readBatch = 256

// Read implements [eventlog.Log]. The end is asked of the stream's leader at
// the call. The events come by direct get, which in a cluster a follower may
// answer that does not have the newest ones yet; those come one by one from
// the leader. A hole in the event numbers is a *eventlog.Gap.
func (l *Log) Read(ctx context.Context, s eventlog.Stream) iter.Seq2[eventlog.Envelope, error] {
	subject := subjectOf(s)
	var end uint64
	last, err := l.getMessage(ctx, streamName, getRequest{LastFor: subject})
	if last != nil {
		end = last.Seq
	}
	return func(yield func(eventlog.Envelope, error) bool) {
		if err != nil {
			yield(eventlog.Envelope{}, refusedOr(err))
			return
		}
		r := reader{log: l, subject: subject, stream: s, end: end}
		for r.at < r.end {
			events, err := r.next(ctx)
			for _, e := range events {
				if e.Number != r.number+1 {
					yield(eventlog.Envelope{}, &eventlog.Gap{Where: s.String(), From: r.number + 1, To: max(e.Number, 1) - 1})
					return
				}
				r.number = e.Number
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(eventlog.Envelope{}, refusedOr(err))
				return
			}
		}
	}
}

// Get implements [eventlog.Log]. What is not in the files of a server in this
// process (see blocks) is asked of the stream's leader. A message that is missing
// within the log is a *eventlog.Gap.
func (l *Log) Get(ctx context.Context, at eventlog.Position) (eventlog.Envelope, error) {
	if e, ok := l.blocks.get(l.blocks.all(), uint64(at)); ok {
		return e, nil
	}
	return l.ask(ctx, at)
}

// ask gets an event from the stream's leader.
func (l *Log) ask(ctx context.Context, at eventlog.Position) (eventlog.Envelope, error) {
	var m *stored
	var err error
	if at > 0 {
		if m, err = l.getMessage(ctx, streamName, getRequest{Seq: uint64(at)}); err != nil {
			return eventlog.Envelope{}, refusedOr(err)
		}
	}
	if m == nil {
		head, err := l.Head(ctx)
		switch {
		case err != nil:
			return eventlog.Envelope{}, refusedOr(err)
		case at == 0 || at > head:
			return eventlog.Envelope{}, fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, at, head)
		}
		return eventlog.Envelope{}, &eventlog.Gap{Where: "the log", From: uint64(at), To: uint64(at)}
	}
	var d decoder
	return d.stored(m)
}

// stored decodes a message as the API hands it out.
func (d *decoder) stored(m *stored) (eventlog.Envelope, error) {
	header, err := nats.DecodeHeadersMsg(m.Header)
	if err != nil {
		return eventlog.Envelope{}, fmt.Errorf("%w: the headers of event %d cannot be read", eventlog.ErrDamaged, m.Seq)
	}
	return d.decode(m.Subject, m.Seq, header, m.Data)
}

// refusedOr hides an error of the server behind ErrUnavailable.
func refusedOr(err error) error {
	var no *apiError
	if errors.As(err, &no) {
		return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, no)
	}
	return err
}

// reader goes through the events of one subject up to a fixed end.
type reader struct {
	log     *Log
	decoder decoder
	subject string
	stream  eventlog.Stream
	at, end uint64 // sequence of the last event read, and of the last to read
	number  uint64 // number of the last event handed out
}

// next fetches the next events, at least one unless there is an error.
func (r *reader) next(ctx context.Context) ([]eventlog.Envelope, error) {
	events, err := r.direct(ctx)
	if err != nil || len(events) > 0 {
		return events, err
	}
	m, err := r.log.getMessage(ctx, streamName, getRequest{NextFor: r.subject, Seq: r.at + 1})
	if err != nil {
		return nil, err
	}
	if m == nil || m.Seq > r.end {
		// The leader named an end that it cannot show.
		return nil, &eventlog.Gap{Where: "the log", From: r.at + 1, To: r.end}
	}
	e, err := r.decoder.stored(m)
	r.at = m.Seq
	return []eventlog.Envelope{e}, err
}

// direct asks for a batch of events. It may come back with none.
func (r *reader) direct(ctx context.Context) ([]eventlog.Envelope, error) {
	limited, cancel := context.WithTimeout(ctx, r.log.timeout)
	defer cancel()
	body, err := json.Marshal(getRequest{NextFor: r.subject, Seq: r.at + 1, Batch: readBatch, MaxBytes: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("jslog: %w", err)
	}
	sub, err := r.log.nc.SubscribeSync(r.log.nc.NewInbox())
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only on a closed connection
	if err := r.log.nc.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+streamName, sub.Subject, body); err != nil {
		return nil, unavailable(ctx, err)
	}
	var events []eventlog.Envelope
	for {
		m, err := sub.NextMsgWithContext(limited)
		if err != nil {
			return events, unavailable(ctx, err)
		}
		if status := m.Header.Get("Status"); status != "" {
			// 204 the end of the batch, 404 no message, 503 nobody there for
			// direct gets: what is missing comes from the leader.
			return events, nil
		}
		seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
		if err != nil {
			return events, fmt.Errorf("%w: the server's answer cannot be read", eventlog.ErrUnavailable)
		}
		if seq > r.end {
			return events, nil // written after the call
		}
		e, err := r.decoder.decode(m.Header.Get("Nats-Subject"), seq, m.Header, m.Data)
		if err != nil {
			return events, err
		}
		r.at = seq
		events = append(events, e)
	}
}
