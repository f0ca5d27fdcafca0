package jslog

import (
	"errors"
	"sync"

	"till/domain/eventlog"
)

// errOutage: the consumer does not go on, but a new one may.
var errOutage = errors.Join(eventlog.ErrUnavailable, errors.New("the NATS server stopped sending"))

// buffered is how many decoded events wait at most for the caller.
const buffered = 16 << 10

// feed lies between the goroutine that decodes what the server sends and the
// caller's loop: the one fills, the other takes all that is there. It outlives
// a consumer; only its present owner may fill it.
type feed struct {
	most  int
	wake  chan struct{} // there is something to take
	space chan struct{} // there is room again

	mu     sync.Mutex
	owner  *consumer
	events []eventlog.Envelope
	err    error
	at     uint64 // position of the last event put in
	signs  uint64 // of life: everything that the server sent
	chunk  int    // how much room to make for the next batch
}

// belong gives the feed to a new consumer and returns the position from which
// on it has to fill.
func (f *feed) belong(c *consumer) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owner, f.err = c, nil
	return f.at + 1
}

// put adds an event, which must be the next one. It returns false when the
// filler must wait for space.
func (f *feed) put(c *consumer, e *eventlog.Envelope) (room bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owner != c {
		return true, errOutage
	}
	f.signs++
	at := uint64(e.Position)
	if at != f.at+1 {
		return true, &eventlog.Gap{Where: "the log", From: f.at + 1, To: at - 1}
	}
	f.at = at
	if f.events == nil {
		f.events = make([]eventlog.Envelope, 0, min(max(f.chunk, 8), f.most))
	}
	f.events = append(f.events, *e)
	signal(f.wake)
	return len(f.events) < buffered, nil
}

// reached compares where the server stands in the stream with what was put.
func (f *feed) reached(c *consumer, at uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signs++
	if f.owner == c && at > f.at {
		return &eventlog.Gap{Where: "the log", From: f.at + 1, To: at}
	}
	return nil
}

// fail ends what this consumer fills; what it put before is still taken.
func (f *feed) fail(c *consumer, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owner == c && f.err == nil {
		f.err = err
	}
	signal(f.wake)
}

// take returns the events that are there, at most most, or the error behind
// them. The caller may keep them.
func (f *feed) take() ([]eventlog.Envelope, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return nil, f.err
	}
	batch := f.events
	if len(batch) <= f.most {
		f.events = nil
	} else {
		batch, f.events = batch[:f.most:f.most], batch[f.most:]
	}
	f.chunk = 2 * len(batch)
	signal(f.space)
	return batch, nil
}

// position is that of the last event put in.
func (f *feed) position() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

// life counts everything that the server sent.
func (f *feed) life() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.signs
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
