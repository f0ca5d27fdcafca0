package jslog

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
)

// What is answered to the server beside nak (NATS ADR-13).
const (
	answerDone    = "+ACK"
	answerWorking = "+WPI"
)

// handle hands one event out and passes on what becomes of it. Lost answers
// are harmless: the server sends the event again.
func (d *durable) handle(ctx context.Context, m *nats.Msg, out chan<- *message.Message) {
	o := &d.subscriber.options
	position, _, tries, ok := ackSequences(m.Reply)
	if !ok {
		return
	}
	e, err := d.decoder.decode(m.Subject, position, m.Header, m.Data)
	if err != nil {
		// It is never skipped: it might be what makes the others right.
		o.Log.Error("a reactor cannot read an event and stands still before it", "reactor", d.name, "position", position, "error", err)
		_ = m.Respond(nak(o.RetryMax))
		return
	}
	working := time.NewTicker(o.AckWait / 3)
	defer working.Stop()
	if !d.hold(ctx, m, &e, working) {
		_ = m.Respond(nak(0))
		return
	}
	// The handler's context outlives ctx: Close would otherwise break off at once
	// the very work that Grace is there for. It ends with this function.
	msgCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	msg := d.subscriber.log.newMessage(&e)
	msg.SetContext(msgCtx)
	for sent := false; !sent; {
		select {
		case out <- msg:
			sent = true
		case <-working.C:
			_ = m.Respond([]byte(answerWorking))
		case <-ctx.Done():
			_ = m.Respond(nak(0))
			return
		}
	}
	stopping := ctx.Done()
	var over <-chan time.Time
	for {
		select {
		case <-msg.Acked():
			d.done(m)
			return
		case <-msg.Nacked():
			_ = m.Respond(nak(d.pause(tries)))
			return
		case <-working.C:
			_ = m.Respond([]byte(answerWorking))
		case <-stopping:
			stopping = nil
			grace := time.NewTimer(o.Grace)
			defer grace.Stop()
			over = grace.C
		case <-over:
			_ = m.Respond(nak(0))
			return
		}
	}
}

// done acknowledges the event and waits until the server has noted it, so that
// a clean stop loses no position. When the server does not answer, the event
// comes again.
func (d *durable) done(m *nats.Msg) {
	ctx, cancel := context.WithTimeout(context.Background(), min(d.subscriber.options.AckWait, d.subscriber.log.timeout))
	defer cancel()
	_, _ = d.subscriber.log.nc.RequestWithContext(ctx, m.Reply, []byte(answerDone))
}

// hold waits until the event may be handed out, or returns false when ctx ends
// first.
func (d *durable) hold(ctx context.Context, m *nats.Msg, e *eventlog.Envelope, working *time.Ticker) bool {
	o := &d.subscriber.options
	due := e.Time.Add(o.Lag)
	if o.Due != nil {
		due = o.Due(*e)
	}
	// No longer than the lag itself, even if the clock was set back.
	wait := time.Until(due)
	if o.Due == nil {
		wait = min(wait, o.Lag)
	}
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-working.C:
			_ = m.Respond([]byte(answerWorking))
		case <-ctx.Done():
			return false
		}
	}
}

// pause is how long an event rests that failed for the given number of times.
func (d *durable) pause(tries uint64) time.Duration {
	o := &d.subscriber.options
	pause := o.RetryMin
	for range min(tries, 63) - min(tries, 1) {
		if pause *= 2; pause >= o.RetryMax {
			break
		}
	}
	return min(pause, o.RetryMax)
}
