package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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

// note is event i of the one stream that these tests write.
func note(i uint64) eventlog.Change {
	s := eventlog.Stream{Category: "note", ID: "crash"}
	return eventlog.Change{Stream: s, Expected: eventlog.Position(i - 1), Events: []eventlog.Envelope{{
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
		if _, err := log.Append(t.Context(), note(start+1)); err != nil {
			t.Fatal(err)
		}
		if err := n.Healthy(); err != nil {
			t.Fatal(err)
		}
		ends[0]()
		n.Stop()
		n.Stop() // harmless
		if err := n.Healthy(); !errors.Is(err, ErrNATS) {
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

// child runs the named test of this binary in a process of its own.
func child(t *testing.T, test, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=2m")
	c.Env = append(os.Environ(), "TILL_TEST_CHILD="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c, bufio.NewScanner(out)
}

// TestChildWrites is not a test of its own but the process that
// TestKillLosesNothing kills: it says each position once it is acknowledged.
func TestChildWrites(t *testing.T) {
	dir := os.Getenv("TILL_TEST_CHILD")
	if dir == "" {
		return
	}
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log := openLog(t, f.NATSDir())
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("open")
	for i := uint64(head) + 1; ; i++ {
		at, err := log.Append(t.Context(), note(i))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("acknowledged", at)
	}
}

func TestKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	acknowledged := uint64(0)
	for round := range 3 {
		c, out := child(t, "TestChildWrites", dir)
		for n := 0; n < 50+30*round && out.Scan(); {
			if word, at, _ := strings.Cut(out.Text(), " "); word == "acknowledged" {
				i, err := strconv.ParseUint(at, 10, 64)
				if err != nil || i <= acknowledged {
					t.Fatalf("the child said %q after %d", out.Text(), acknowledged)
				}
				acknowledged = i
				n++
			}
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() { // what it still said before it died counts too
			if word, at, _ := strings.Cut(out.Text(), " "); word == "acknowledged" {
				if i, err := strconv.ParseUint(at, 10, 64); err == nil {
					acknowledged = i
				}
			}
		}
		_ = c.Wait() // killed

		func() {
			f, err := OpenFolder(dir) // the dead process's lock is gone
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			n, err := StartNATS(t.Context(), NATSOptions{Dir: f.NATSDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Stop()
			var ends []func()
			log, err := logOn(t.Context(), func(f func()) { ends = append(ends, f) }, n)
			if err != nil {
				t.Fatal(err)
			}
			defer ends[0]()
			count := uint64(0)
			for e, err := range log.Read(t.Context(), note(1).Stream) {
				if err != nil {
					t.Fatal(err)
				}
				if count++; e.Number != count || string(e.Data) != fmt.Sprintf(`{"i":%d}`, count) {
					t.Fatalf("event %d is %d %s", count, e.Number, e.Data)
				}
			}
			if count < acknowledged {
				t.Fatalf("round %d: %d events are there, %d were acknowledged", round, count, acknowledged)
			}
			acknowledged = count
		}()
	}
}

func TestTwoProcessesOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	c, out := child(t, "TestChildWrites", dir)
	for out.Scan() && out.Text() != "open" {
	}
	_, err := OpenFolder(dir)
	refused(t, err, ErrFolderLocked, fmt.Sprintf("process %d", c.Process.Pid))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for out.Scan() {
	}
	_ = c.Wait() // killed
	mustOpen(t, dir)
}
