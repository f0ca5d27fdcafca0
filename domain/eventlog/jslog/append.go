package jslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
)

const headExpected = "Nats-Expected-Last-Subject-Sequence"

// Append implements [eventlog.Log]. One event is one message; several are an
// atomic batch, which costs a few milliseconds on one node with a file store,
// so nothing hot should need it. Once sent, an append is not given up with ctx:
// it is short, its outcome matters, and the log's Timeout bounds it.
func (l *Log) Append(ctx context.Context, changes ...eventlog.Change) (eventlog.Position, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := eventlog.Check(changes); err != nil {
		return 0, err
	}
	if err := l.down(); err != nil {
		return 0, err
	}
	ctx = context.WithoutCancel(ctx)
	if len(changes) == 1 && len(changes[0].Events) == 1 {
		return l.settle(ctx, changes, func(timeout time.Duration) (uint64, error) {
			return l.publish(ctx, newMsg(&changes[0], 0), timeout)
		})
	}
	return l.settle(ctx, changes, func(timeout time.Duration) (uint64, error) {
		return l.publishBatch(ctx, changes, timeout)
	})
}

// newMsg is event i of the change as it is published. The first one carries
// what the stream must end with: always for the exact subject, since a guard
// by wildcard lets racing writes through in a cluster (measured: 2,294 of
// 14,189).
func newMsg(c *eventlog.Change, i int) *nats.Msg {
	m := &nats.Msg{Subject: subjectOf(c.Stream), Header: encodeHeaders(&c.Events[i]), Data: c.Events[i].Data}
	if i == 0 {
		m.Header[headExpected] = []string{strconv.FormatUint(uint64(c.Expected), 10)}
	}
	return m
}

// errLost: a message was sent and no answer came back.
var errLost = errors.New("no answer")

// publish sends a message of the log and waits for its sequence.
func (l *Log) publish(ctx context.Context, m *nats.Msg, timeout time.Duration) (uint64, error) {
	seq, err := l.publishTo(ctx, streamName, m, timeout)
	if err == nil {
		l.reached(seq)
	}
	return seq, err
}

// publishTo sends a message and waits until the named stream's leader has
// stored it; it returns the sequence, an *apiError, errLost or ErrUnavailable.
func (l *Log) publishTo(ctx context.Context, stream string, m *nats.Msg, timeout time.Duration) (uint64, error) {
	if err := l.keeper.Down(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, err := l.request(ctx, m)
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return 0, fmt.Errorf("%w: the event is larger than the NATS server takes", eventlog.ErrInvalid)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded):
		// Nobody got it, so nobody will store it.
		return 0, l.unavailable(ctx, err)
	case err != nil:
		return 0, fmt.Errorf("%w: %w", errLost, err)
	}
	var ack struct {
		Stream string    `json:"stream"`
		Seq    uint64    `json:"seq"`
		Error  *apiError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return 0, fmt.Errorf("%w: %w", errLost, err)
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	if ack.Stream != stream || ack.Seq == 0 {
		return 0, fmt.Errorf("%w: another JetStream stream took the event", eventlog.ErrUnavailable)
	}
	if err := l.keeper.Stored(stream); err != nil {
		return 0, err
	}
	return ack.Seq, nil
}

// settle sends an append and finds out what became of it. When the answer is
// lost it is sent once more: the expected sequence makes sure that only one of
// the two is stored, so that the second answer is "stored", or a conflict,
// which is then looked up: it may be with our own first try.
func (l *Log) settle(ctx context.Context, changes []eventlog.Change, send func(time.Duration) (uint64, error)) (eventlog.Position, error) {
	seq, err := send(l.timeout)
	lost := errors.Is(err, errLost)
	if lost {
		l.restored(context.Background(), l.timeout/2)
		seq, err = send(l.timeout / 2)
	}
	var no *apiError
	switch {
	case err == nil:
		return eventlog.Position(seq), nil
	case lost:
		return l.lookUp(ctx, changes)
	case errors.As(err, &no) && no.conflict():
		return 0, fmt.Errorf("%w: %s", eventlog.ErrConflict, changes[0].Stream)
	case errors.As(err, &no):
		return 0, refused(no)
	}
	return 0, err
}

// refused words an error of the server for those who can act on it.
func refused(no *apiError) error {
	switch no.ErrCode {
	case codeTooLarge, codeHeaderTooLarge, codeBatchTooLarge, codeBatchDuplicate:
		return fmt.Errorf("%w: %w", eventlog.ErrInvalid, no)
	}
	return fmt.Errorf("%w: the server cannot write now, see to its disk space and its limits (%w)", eventlog.ErrUnavailable, no)
}

// lookUp answers for an append whose answer was lost, by asking the stream's
// leader which event took the place that ours were meant for.
func (l *Log) lookUp(ctx context.Context, changes []eventlog.Change) (eventlog.Position, error) {
	c := &changes[len(changes)-1]
	var d decoder
	at := uint64(c.Expected)
	for range c.Events {
		m, err := l.getMessage(ctx, streamName, getRequest{NextFor: subjectOf(c.Stream), Seq: at + 1})
		var no *apiError
		switch {
		case errors.As(err, &no):
			return 0, refused(no)
		case err != nil:
			return 0, err
		case m == nil:
			return 0, fmt.Errorf("%w: the server did not answer and has not stored the change to %s; if its disk was full, free some space and start it again", eventlog.ErrUnavailable, c.Stream)
		}
		e, err := d.stored(m)
		if err != nil {
			return 0, err
		}
		if !sameEvent(&e, c) {
			return 0, fmt.Errorf("%w: %s", eventlog.ErrConflict, c.Stream)
		}
		at = m.Seq
	}
	return eventlog.Position(at), nil
}

// sameEvent says whether a stored event is the one that the change has under
// its number. Command ids are made once, so command, number, type and time
// together mean the same append.
func sameEvent(e *eventlog.Envelope, c *eventlog.Change) bool {
	for i := range c.Events {
		ours := &c.Events[i]
		if ours.Number == e.Number {
			return ours.Command == e.Command && ours.Type == e.Type && ours.Time.Equal(e.Time) && string(ours.Data) == string(e.Data)
		}
	}
	return false
}
