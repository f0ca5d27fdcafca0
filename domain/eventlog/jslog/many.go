package jslog

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// A lane asks for at most laneEvents events at once, all of them less than
// laneReach positions apart: they mostly lie in one file block.
const (
	laneEvents = 32
	laneReach  = 8192
)

// GetMany implements [eventlog.Log]. What is not in the files of a server in this
// process (see blocks) the server is asked. It answers the requests of one
// connection one after the other, and loading a cold block of 8 MB takes it 5 to
// 15 ms, whatever is read of it. So the positions are cut into runs of
// neighbours, and each connection for looking reads the next run; the requests of
// a run are sent before the first answer is waited for. Direct gets may meet a
// server of a cluster that does not have the event yet: that is asked of the
// leader.
func (l *Log) GetMany(ctx context.Context, positions []eventlog.Position) iter.Seq2[eventlog.Envelope, error] {
	return func(yield func(eventlog.Envelope, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		type got struct {
			events []eventlog.Envelope
			err    error
		}
		type job struct {
			run  []eventlog.Position
			done chan got
		}
		files := l.blocks.all()
		jobs, ordered := make(chan job), make(chan job, len(l.looking))
		for _, nc := range l.looking {
			go func() {
				for j := range jobs {
					events, err := l.getRun(ctx, nc, files, j.run)
					j.done <- got{events, err}
				}
			}()
		}
		go func() {
			defer close(jobs)
			defer close(ordered)
			for rest := positions; len(rest) > 0; {
				n := run(rest)
				j := job{rest[:n], make(chan got, 1)}
				rest = rest[n:]
				select {
				case ordered <- j:
				case <-ctx.Done():
					return
				}
				jobs <- j // the workers take all that is sent
			}
		}()
		for j := range ordered {
			g := <-j.done
			for _, e := range g.events {
				if !yield(e, nil) {
					return
				}
			}
			if g.err != nil {
				yield(eventlog.Envelope{}, g.err)
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(eventlog.Envelope{}, err)
		}
	}
}

// run is how many of the positions one lane reads at once.
func run(positions []eventlog.Position) int {
	n := 1
	for n < len(positions) && n < laneEvents && positions[n]-positions[0] < laneReach {
		n++
	}
	return n
}

// getRun reads a run of events.
func (l *Log) getRun(ctx context.Context, nc *nats.Conn, files []block, positions []eventlog.Position) (events []eventlog.Envelope, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := make(map[eventlog.Position]eventlog.Envelope, len(positions))
	var rest []eventlog.Position
	for _, at := range positions {
		if e, ok := l.blocks.get(files, uint64(at)); ok {
			found[at] = e
		} else {
			rest = append(rest, at)
		}
	}
	if err := l.directMany(ctx, nc, rest, found); err != nil {
		return nil, err
	}
	for _, at := range positions {
		e, ok := found[at]
		if !ok {
			if e, err = l.ask(ctx, at); err != nil {
				return events, err
			}
		}
		events = append(events, e)
	}
	return events, nil
}

// directMany asks for all positions at once and adds what it finds. What it does not find is not said
// to be missing.
func (l *Log) directMany(ctx context.Context, nc *nats.Conn, positions []eventlog.Position, found map[eventlog.Position]eventlog.Envelope) error {
	if len(positions) == 0 {
		return nil
	}
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return unavailable(ctx, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only on a closed connection
	limited, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	asked := 0
	for _, at := range positions {
		if at == 0 {
			continue // which would mean the first
		}
		body, err := json.Marshal(getRequest{Seq: uint64(at)})
		if err != nil {
			return err
		}
		if err := nc.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+streamName, sub.Subject, body); err != nil {
			return unavailable(ctx, err)
		}
		asked++
	}
	var d decoder
	for range asked {
		m, err := sub.NextMsgWithContext(limited)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return nil // the leader says why, if it is there
		}
		seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
		if m.Header.Get("Status") != "" || err != nil {
			continue
		}
		e, err := d.decode(m.Header.Get("Nats-Subject"), seq, m.Header, m.Data)
		if err != nil {
			return err
		}
		found[e.Position] = e
	}
	return nil
}
