package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// openLog starts the embedded server on the folder and opens the log on it.
func openLog(t *testing.T, dir string) *jslog.Log {
	t.Helper()
	n, err := StartNATS(t.Context(), NATSOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	log, err := logOn(t.Context(), t.Cleanup, n)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func logOn(ctx context.Context, atEnd func(func()), n *NATS) (*jslog.Log, error) {
	nc, err := jslog.ConnectInProcess(ctx, n)
	if err != nil {
		return nil, err
	}
	atEnd(nc.Close)
	return jslog.Open(ctx, nc, jslog.Options{})
}

// note is event i of a stream whose last event stands at the position.
func note(id string, i uint64, last uint64) eventlog.Change {
	s := eventlog.Stream{Category: "note", ID: id}
	return eventlog.Change{Stream: s, Expected: eventlog.Position(last), Events: []eventlog.Envelope{{
		Stream: s, Number: i, Type: "noted", Version: 1,
		Meta: eventlog.Meta{Command: fmt.Sprint("cmd_", i), Time: time.Unix(int64(i), 0).UTC()},
		Data: fmt.Appendf(nil, `{"i":%d}`, i),
	}}}
}

func TestNATSKeepsTheLogOverARestart(t *testing.T) {
	dir := t.TempDir()
	var epoch string
	for start := range uint64(3) {
		n, err := StartNATS(t.Context(), NATSOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		var ends []func()
		log, err := logOn(t.Context(), func(f func()) { ends = append(ends, f) }, n)
		if err != nil {
			t.Fatal(err)
		}
		if head, err := log.Head(t.Context()); err != nil || uint64(head) != start {
			t.Fatalf("start %d: head %d, %v", start, head, err)
		}
		if start > 0 && log.Epoch() != epoch {
			t.Fatalf("start %d: epoch %s, was %s", start, log.Epoch(), epoch)
		}
		epoch = log.Epoch()
		if _, err := log.Append(t.Context(), note("restart", start+1, start)); err != nil {
			t.Fatal(err)
		}
		if err := n.Down(); err != nil {
			t.Fatal(err)
		}
		ends[0]()
		n.Stop()
		n.Stop() // harmless
		if err := n.Down(); !errors.Is(err, eventlog.ErrUnavailable) {
			t.Fatalf("a stopped server says %v", err)
		}
	}
}

func TestNATSOnAnUnusableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nats")
	write(t, file, "not a folder")
	started := time.Now()
	_, err := StartNATS(t.Context(), NATSOptions{Dir: file})
	refused(t, err, ErrNATS)
	if took := time.Since(started); took > 10*time.Second {
		t.Fatalf("the refusal took %v", took)
	}
}

func TestNATSStartIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Ready and cancelled at once: either is right, but nothing may be left.
	n, err := StartNATS(ctx, NATSOptions{Dir: t.TempDir()})
	if err == nil {
		n.Stop()
	} else if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestNATSOpensNoPort(t *testing.T) {
	n, err := StartNATS(t.Context(), NATSOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	if addr := n.server.Addr(); addr != nil {
		t.Fatalf("the embedded server listens on %v", addr)
	}
}
