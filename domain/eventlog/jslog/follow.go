package jslog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"till/domain/eventlog"
)

// Follow implements [eventlog.Log]. A long history is read from the files of a
// server in this process (see blocks). All else the server pushes, in order and
// under flow control, to one goroutine that decodes while the caller works on the
// batch before. Every position is checked: JetStream drops a
// damaged block without an error (measured: one flipped bit, 12,729 events
// gone), and only a count of our own notices.
//
// A lost message, a reconnect or a new leader leads to a new consumer behind
// the last event; an outage longer than the log's Patience ends the loop with
// ErrUnavailable.
func (l *Log) Follow(ctx context.Context, after eventlog.Position, most int) iter.Seq2[[]eventlog.Envelope, error] {
	return func(yield func([]eventlog.Envelope, error) bool) {
		most = max(most, 1)
		head, err := l.checkStart(ctx, uint64(after))
		if err != nil {
			yield(nil, err)
			return
		}
		for batch := range l.blocks.read(ctx, uint64(after), head, most) {
			if !yield(batch, nil) {
				return
			}
			after = batch[len(batch)-1].Position
		}
		f := &feed{at: uint64(after), most: most, wake: make(chan struct{}, 1), space: make(chan struct{}, 1)}
		var trouble time.Time // since when nothing goes on
		for {
			served, err := l.serve(ctx, f, yield)
			if err == nil {
				return // the caller is done
			}
			if served || trouble.IsZero() {
				trouble = time.Now()
			}
			// A leader that was just elected may for a moment not know all that
			// the one before it had: ErrBeyond may pass, too.
			passing := errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, eventlog.ErrBeyond)
			if ctx.Err() == nil && passing && !l.reading.IsClosed() && time.Since(trouble) < l.patience {
				select {
				case <-time.After(outagePause):
					continue
				case <-ctx.Done():
				}
			}
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			yield(nil, err)
			return
		}
	}
}

// checkStart returns where the log ends. It refuses to follow from a place that the
// log does not have.
func (l *Log) checkStart(ctx context.Context, after uint64) (head uint64, err error) {
	state, err := l.state(ctx)
	if err == nil && after > state.LastSeq {
		err = fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, after, state.LastSeq)
	}
	return state.LastSeq, err
}

// serve follows with one consumer until the caller is done (nil) or something
// fails, and says whether it handed out anything.
func (l *Log) serve(ctx context.Context, f *feed, yield func([]eventlog.Envelope, error) bool) (served bool, err error) {
	status := l.reading.StatusChanged()
	defer l.reading.RemoveStatusListener(status)
	if _, err := l.checkStart(ctx, f.position()); err != nil {
		return false, err
	}
	c, err := l.startConsumer(ctx, f)
	if err != nil {
		return false, err
	}
	defer c.stop()
	// Heartbeats come each second; three missing ones are an outage.
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	life, missing := f.life(), 0
	for {
		batch, err := f.take()
		if len(batch) > 0 {
			served = true
			if !yield(batch, nil) {
				return served, nil
			}
			continue
		}
		if err != nil {
			return served, err
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
			return served, ctx.Err()
		case <-status: // the connection broke, and the consumer with it
			return served, errOutage
		case <-tick.C:
			now := f.life()
			if missing++; now != life {
				life, missing = now, 0
			}
			if missing > 3 {
				return served, errOutage
			}
		}
	}
}
