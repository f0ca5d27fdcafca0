package jslog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// filling is how many events are on their way at once while a log is filled.
const filling = 1024

const headExpectedLast = "Nats-Expected-Last-Sequence"

// Fill writes a whole history into an empty log, each event at the position that
// it carries. It does not wait for one event before it sends the next, so that
// it is fast; that also means that what stands on the log after an error, or
// when the program is killed, is a part of the history and must be thrown away.
// On a server that does not sync each write the caller syncs in the end.
func (l *Log) Fill(ctx context.Context, events iter.Seq2[eventlog.Envelope, error]) error {
	head, err := l.Head(ctx)
	switch {
	case err != nil:
		return refusedOr(err)
	case head > 0:
		return fmt.Errorf("%w: the log is not empty, it has %d events", eventlog.ErrConflict, head)
	}
	js, err := jetstream.New(l.nc, jetstream.WithPublishAsyncMaxPending(2*filling))
	if err != nil {
		return fmt.Errorf("jslog: %w", err)
	}
	defer js.CleanupPublisher()
	// One connection keeps the order, and the server refuses whatever would come
	// to stand elsewhere: a hole cannot arise.
	var sent []jetstream.PubAckFuture
	last := eventlog.Position(0)
	for e, err := range events {
		if err != nil {
			return err
		}
		if last++; e.Position != last {
			return fmt.Errorf("%w: event %d comes at position %d", eventlog.ErrInvalid, e.Position, last)
		}
		m := &nats.Msg{Subject: subjectOf(e.Stream), Header: encodeHeaders(&e), Data: e.Data}
		m.Header[headExpectedLast] = []string{strconv.FormatUint(uint64(last-1), 10)}
		f, err := js.PublishMsgAsync(m)
		if err != nil {
			return unavailable(ctx, err)
		}
		if sent = append(sent, f); len(sent) >= filling {
			half := len(sent) / 2
			if err := l.stored(ctx, sent[:half], last-eventlog.Position(len(sent))); err != nil {
				return err
			}
			sent = append(sent[:0], sent[half:]...)
		}
	}
	return l.stored(ctx, sent, last-eventlog.Position(len(sent)))
}

// stored waits until the events after the position are acknowledged.
func (l *Log) stored(ctx context.Context, sent []jetstream.PubAckFuture, after eventlog.Position) error {
	for i, f := range sent {
		select {
		case ack := <-f.Ok():
			if want := uint64(after) + uint64(i) + 1; ack.Stream != streamName || ack.Sequence != want {
				return fmt.Errorf("%w: event %d came to stand at %d", eventlog.ErrConflict, want, ack.Sequence)
			}
		case err := <-f.Err():
			var no *jetstream.APIError
			if errors.As(err, &no) {
				return refused(&apiError{Code: no.Code, ErrCode: int(no.ErrorCode), Description: no.Description})
			}
			return unavailable(ctx, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
