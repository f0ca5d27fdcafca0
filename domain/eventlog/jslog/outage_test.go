package jslog_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// onPort lets the server listen on a port of the loopback address, -1 for any.
func onPort(port int) func(*server.Options) {
	return func(o *server.Options) { o.DontListen, o.Host, o.Port = false, "127.0.0.1", port }
}

// deaf connects to a server whose answers can be held back: what is sent to
// it arrives, what it says does not.
type deaf struct {
	*server.Server
	until   atomic.Int64 // Unix nanoseconds; nothing is heard before
	trigger atomic.Pointer[trigger]
}

// trigger makes the connection deaf for a while once it has heard the text.
type trigger struct {
	text string
	span time.Duration
}

func (d *deaf) deafen(span time.Duration) { d.until.Store(time.Now().Add(span).UnixNano()) }
func (d *deaf) hear()                     { d.until.Store(0) }

func (d *deaf) InProcessConn() (net.Conn, error) {
	conn, err := d.Server.InProcessConn()
	return &deafConn{conn, d}, err
}

type deafConn struct {
	net.Conn
	deaf *deaf
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for time.Now().UnixNano() < c.deaf.until.Load() {
		time.Sleep(time.Millisecond)
	}
	if tr := c.deaf.trigger.Load(); tr != nil && bytes.Contains(p[:n], []byte(tr.text)) {
		c.deaf.trigger.Store(nil)
		c.deaf.deafen(tr.span)
	}
	return n, err
}

func TestAppendWhoseAnswerIsLost(t *testing.T) {
	stream := eventlog.Stream{Category: "cart", ID: "a"}
	one := func(command string) eventlog.Change {
		e := sample(stream, 1)
		e.Command = command
		return eventlog.Change{Stream: stream, Events: []eventlog.Envelope{e}}
	}
	several := func(command string) []eventlog.Change {
		first, second := sample(stream, 1), sample(stream, 2)
		other := sample(eventlog.Stream{Category: "order", ID: "b"}, 1)
		first.Command, second.Command, other.Command = command, command, command
		return []eventlog.Change{
			{Stream: other.Stream, Events: []eventlog.Envelope{other}},
			{Stream: stream, Events: []eventlog.Envelope{first, second}},
		}
	}
	const timeout = 300 * time.Millisecond
	setup := func(t *testing.T) (*jslog.Log, *deaf) {
		d := &deaf{Server: startServer(t, t.TempDir())}
		nc, err := jslog.ConnectInProcess(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		log, err := jslog.Open(t.Context(), nc, jslog.Options{Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		return log, d
	}
	head := func(t *testing.T, log *jslog.Log, want eventlog.Position) {
		t.Helper()
		if got, err := log.Head(t.Context()); err != nil || got != want {
			t.Fatalf("head %d, %v; want %d", got, err, want)
		}
	}
	// A while in which both tries of an append go unanswered, but not what is
	// asked after them.
	const while = timeout + timeout/2 + 50*time.Millisecond

	t.Run("ItWasStored", func(t *testing.T) {
		log, d := setup(t)
		d.deafen(while)
		if at, err := log.Append(t.Context(), one("ours")); err != nil || at != 1 {
			t.Errorf("position %d, %v; want 1", at, err)
		}
		head(t, log, 1) // once, although it was sent twice
	})
	t.Run("AnotherWasFaster", func(t *testing.T) {
		log, d := setup(t)
		if _, err := log.Append(t.Context(), one("theirs")); err != nil {
			t.Fatal(err)
		}
		d.deafen(while)
		if _, err := log.Append(t.Context(), one("ours")); !errors.Is(err, eventlog.ErrConflict) {
			t.Errorf("error %v, want ErrConflict", err)
		}
		head(t, log, 1)
	})
	t.Run("TheSameCommandButAnotherEvent", func(t *testing.T) {
		log, d := setup(t)
		if _, err := log.Append(t.Context(), one("ours")); err != nil {
			t.Fatal(err)
		}
		second := one("ours")
		second.Events[0].Type = "cart.cleared"
		d.deafen(while)
		if _, err := log.Append(t.Context(), second); !errors.Is(err, eventlog.ErrConflict) {
			t.Errorf("error %v, want ErrConflict", err)
		}
	})
	t.Run("SeveralWereStored", func(t *testing.T) {
		log, d := setup(t)
		// The first answer, an empty one, is heard; that of the commit is not.
		d.trigger.Store(&trigger{" 0\r\n", while})
		at, err := log.Append(t.Context(), several("ours")...)
		if err != nil || at != 3 {
			t.Fatalf("position %d, %v; want 3", at, err)
		}
		if d.trigger.Load() != nil {
			t.Fatal("nothing was lost: the test would prove nothing")
		}
		head(t, log, 3)
	})
	t.Run("NothingIsHeardAtAll", func(t *testing.T) {
		log, d := setup(t)
		d.deafen(time.Minute)
		started := time.Now()
		_, err := log.Append(t.Context(), one("ours"))
		d.hear()
		if !errors.Is(err, eventlog.ErrUnavailable) {
			t.Fatalf("error %v, want ErrUnavailable", err)
		}
		if took := time.Since(started); took > 20*timeout {
			t.Fatalf("it took %v", took)
		}
	})
	t.Run("ACancelledCallerGetsTheOutcome", func(t *testing.T) {
		log, d := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		d.deafen(100 * time.Millisecond)
		time.AfterFunc(50*time.Millisecond, cancel)
		if at, err := log.Append(ctx, one("ours")); err != nil || at != 1 {
			t.Fatalf("position %d, %v", at, err)
		}
	})
}

func TestAServerThatIsGone(t *testing.T) {
	s := startServer(t, t.TempDir())
	log, err := jslog.Open(t.Context(), connect(t, s), jslog.Options{Timeout: 200 * time.Millisecond, Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	orders(t, log, 1)
	var followed error
	started := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for batch, err := range log.Follow(t.Context(), 0, 10) {
			if followed = err; err == nil && batch[len(batch)-1].Position == 2 {
				close(started)
			}
		}
	}()
	<-started
	s.Shutdown()
	s.WaitForShutdown()
	change := eventlog.Change{Stream: eventlog.Stream{Category: "cart", ID: "z"}, Events: []eventlog.Envelope{sample(eventlog.Stream{Category: "cart", ID: "z"}, 1)}}
	if _, err := log.Append(t.Context(), change); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("Append: %v", err)
	}
	if _, err := log.Head(t.Context()); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("Head: %v", err)
	}
	for _, err := range log.Read(t.Context(), change.Stream) {
		if !errors.Is(err, eventlog.ErrUnavailable) {
			t.Fatalf("Read: %v", err)
		}
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("Follow waits for a server that is gone")
	}
	if !errors.Is(followed, eventlog.ErrUnavailable) {
		t.Fatalf("Follow: %v", followed)
	}
}

// A server that comes back is followed on, without a gap and without a repeat,
// and a reactor goes on too.
func TestAServerThatComesBack(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir, onPort(-1))
	port := s.Addr().(*net.TCPAddr).Port
	nc, err := jslog.Connect(t.Context(), "nats://"+s.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	log := open(t, nc)
	want := orders(t, log, 5)
	seen := make(chan eventlog.Position, 100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer close(seen)
		for batch, err := range log.Follow(ctx, 0, 3) {
			for _, e := range batch {
				seen <- e.Position
			}
			if err != nil && ctx.Err() == nil {
				t.Errorf("Follow: %v", err)
			}
		}
	}()
	reactor := subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{}), "order")
	expect := func(from, to eventlog.Position) {
		t.Helper()
		for p := from; p <= to; p++ {
			select {
			case got := <-seen:
				if got != p {
					t.Fatalf("followed event %d, want %d", got, p)
				}
			case <-time.After(patience):
				t.Fatalf("event %d does not come", p)
			}
		}
	}
	last := eventlog.Position(0)
	handled := func(positions []eventlog.Position) {
		t.Helper()
		for _, at := range positions {
			m, e := next(t, reactor)
			if e.Position == last { // its acknowledgement went down with the server
				m.Ack()
				m, e = next(t, reactor)
			}
			if e.Position != at {
				t.Fatalf("the reactor got event %d, want %d", e.Position, at)
			}
			m.Ack()
			last = at
		}
	}
	expect(1, 10)
	handled(want)
	for round := range eventlog.Position(2) {
		s.Shutdown()
		s.WaitForShutdown()
		s = startServer(t, dir, onPort(port))
		for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			if _, err := log.Head(t.Context()); err == nil {
				break
			} else if time.Now().After(end) {
				t.Fatal(err)
			}
		}
		more := orders(t, log, 5)
		expect(11+10*round, 20+10*round)
		handled(more)
	}
}
