package projections_test

import (
	"context"
	"strings"
	"testing"

	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

// down is a log that cannot be followed for a while.
type down struct {
	*memlog.Log
	fails chan struct{} // each element is one failure
}

func (d *down) Head(ctx context.Context) (eventlog.Position, error) {
	select {
	case <-d.fails:
		return 0, eventlog.ErrUnavailable
	default:
		return d.Log.Head(ctx)
	}
}

// An outage of the log is waited out.
func TestAnOutageOfTheLogPasses(t *testing.T) {
	log := &down{memlog.New("epoch"), make(chan struct{}, 3)}
	for range 3 {
		log.fails <- struct{}{}
	}
	s := openShop(t, log, t.TempDir())
	if err := s.views.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.sell(mouse(), 1)

	// It is no reason to distrust a file that is there.
	if err := s.views.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		log.fails <- struct{}{}
	}
	again := openShop(t, log, s.dir)
	caughtUp(t, again.views, log.Log)
	if told := again.warned.String(); strings.Contains(told, "built") || !strings.Contains(told, "do not go on for now") {
		t.Errorf("told %q", told)
	}
}
