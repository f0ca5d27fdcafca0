package jslog

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
)

// session is the time between two breaks of the connection. What was asked in
// one is not answered in the next, and nats.go lets it wait all the same.
type session struct {
	context.Context
	end context.CancelFunc
}

func newSession() *session {
	ctx, end := context.WithCancel(context.Background())
	return &session{ctx, end}
}

// watch ends the session whenever the connection breaks, for as long as the
// connection is not closed for good.
func (l *Log) watch() {
	l.session.Store(newSession())
	broken := l.nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	go func() {
		for status := range broken {
			l.session.Swap(newSession()).end()
			if status == nats.CLOSED {
				return
			}
		}
	}()
}

// down is why nothing can be asked now, or nil.
func (l *Log) down() error {
	if err := l.keeper.Down(); err != nil {
		return err
	}
	if l.nc.Status() != nats.CONNECTED {
		return fmt.Errorf("%w: no connection to the NATS server", eventlog.ErrUnavailable)
	}
	return nil
}

// restored waits for a connection that broke to come back. It does not wait for
// a server whose keeper says that it is down.
func (l *Log) restored(ctx context.Context, most time.Duration) {
	for began := time.Now(); l.keeper.Down() == nil && !l.nc.IsConnected() && time.Since(began) < most; {
		select {
		case <-time.After(nobodyPause):
		case <-ctx.Done():
			return
		}
	}
}
