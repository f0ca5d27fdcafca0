package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"till/domain/eventlog"
)

// Limits of the embedded server. JetStream's memory is for consumers, which are
// small; what it caches of its files is bounded by the process's memory limit.
// The store has no limit of its own: the server's default is three quarters of
// what is free at its start, which a log that has grown may already exceed.
const (
	natsMaxMemory  = 64 << 20
	natsMaxStore   = 1 << 50
	natsMaxPayload = 1 << 20
	// natsStart bounds how long a start may take. After a kill, ten million
	// events take 10 to 17 s to scan.
	natsStart = 5 * time.Minute
)

// ErrNATS: the embedded NATS server cannot run on the data folder.
var ErrNATS = errors.New("the event log in the data folder cannot be opened")

// NATSOptions say where and how the embedded server keeps the log.
type NATSOptions struct {
	// Dir is the folder for its files; it must be locked by this process (see
	// [OpenFolder]), since two servers on one folder would both write.
	Dir string
	// SyncInterval is how often written events are synced to the disk. 0 is
	// always, before each acknowledgement: an acknowledged event survives a
	// loss of power. With an interval, such a loss costs what it spans.
	SyncInterval time.Duration
	// Log takes what the server has to say; nil drops it.
	Log *slog.Logger
}

// NATS is the NATS server inside the program. It opens no port: only this
// process can connect (it is a jslog.InProcess). It is also its keeper: when the
// disk fails under the server it is stopped, and started anew once the disk can
// be written again (see keep).
type NATS struct {
	options NATSOptions
	log     *natsLog
	end     context.CancelFunc
	kept    chan struct{} // closed when keep has ended

	mu     sync.Mutex
	server *server.Server // nil while it is down
	conns  map[*natsConn]bool
	down   error // why it is down
	synced map[string]time.Time
}

// StartNATS starts the server and returns when JetStream can be used, with
// ErrNATS when it cannot, or with ctx's error.
func StartNATS(ctx context.Context, o NATSOptions) (*NATS, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	n := &NATS{options: o, log: &natsLog{log: o.Log, trouble: make(chan string, 1)}, kept: make(chan struct{}), conns: map[*natsConn]bool{}, synced: map[string]time.Time{}}
	err := settle(o.Dir)
	if err != nil {
		return nil, unopened(err.Error(), nil)
	}
	if n.server, err = n.boot(ctx); err != nil {
		return nil, err
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	n.end = end
	go func() {
		defer close(n.kept)
		n.keep(running)
	}()
	return n, nil
}

// boot starts a server and waits until JetStream can be used.
func (n *NATS) boot(ctx context.Context) (*server.Server, error) {
	o := n.options
	if err := swept(o.Dir); err != nil {
		return nil, unopened(err.Error(), nil)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "till",
		DontListen: true,
		NoSigs:     true, // signals are the program's
		NoLog:      true, // nothing to stdout; natsLog is put in below

		JetStream:          true,
		StoreDir:           o.Dir,
		JetStreamMaxMemory: natsMaxMemory,
		JetStreamMaxStore:  natsMaxStore,
		SyncAlways:         o.SyncInterval <= 0,
		SyncInterval:       o.SyncInterval,
		MaxPayload:         natsMaxPayload,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNATS, err)
	}
	fatal := make(chan string, 1)
	n.log.begin(fatal)
	s.SetLoggerV2(n.log, false, false, false)
	started := make(chan struct{}) // closed when the server's start has returned
	go func() { s.Start(); close(started) }()
	ready := make(chan bool, 1)
	go func() { ready <- s.ReadyForConnections(natsStart) }()
	select {
	case ok := <-ready:
		// An unusable folder leaves the server running without JetStream, a
		// stream that cannot be read leaves JetStream running without it.
		if said := n.ailment(s); !ok || said != "" {
			err = unopened(said, fatal)
		} else {
			return s, nil
		}
	case said := <-fatal:
		err = unopened(said, nil)
	case <-ctx.Done():
		err = ctx.Err()
	}
	// A server that is shut down while it starts goes on starting, and would
	// keep files open that nobody closes.
	<-started
	s.Shutdown()
	s.WaitForShutdown()
	return nil, err
}

// swept removes what a server leaves that is killed while it tries whether it can
// write to its folder (2.15.2): an empty file, which the next one takes for an account
// that it cannot find, so that it would never be ready again.
func swept(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, "jetstream", "_test_*"))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// unopened words why the log cannot be opened: by what the server said last, if
// it gave up, or else by what ails it.
func unopened(said string, fatal <-chan string) error {
	select {
	case said = <-fatal:
	default:
	}
	if lost, ok := unrecovered(said); ok {
		return fmt.Errorf("%w: %s cannot be read; stop the shop and restore its data folder from a backup", eventlog.ErrDamaged, lost)
	}
	return fmt.Errorf("%w; check that the folder is yours, writable and on a disk with space (%s)", ErrNATS, said)
}

// ailment is what the server finds wrong with itself, or nothing: JetStream
// switched off, or a stream that cannot be written or was not recovered. It
// leaves out a stream whose making was cut off before it took a message, which
// is made again.
func (n *NATS) ailment(s *server.Server) string {
	if !s.Running() || !s.JetStreamEnabled() {
		return "JetStream is switched off"
	}
	for _, e := range s.Healthz(&server.HealthzOptions{Details: true}).Errors {
		// That the server has no connections to offer is said of one without a port
		// whenever this process is not scheduled for a millisecond, which Healthz
		// waits for; a server that has started once is past that.
		if e.Type == server.HealthzErrorConn {
			continue
		}
		if _, ok := unrecovered(e.Error); ok && n.empty(e.Account, e.Stream) {
			continue
		}
		return e.Error
	}
	return ""
}

// empty is whether no message was ever stored in a JetStream stream.
func (n *NATS) empty(account, stream string) bool {
	blocks, err := blockFiles(filepath.Join(n.options.Dir, "jetstream", account, "streams", stream, "msgs"))
	for _, block := range blocks {
		if info, statErr := os.Stat(block); statErr != nil || info.Size() > 0 {
			return false
		}
	}
	return err == nil
}

// unrecovered is the stream that the server could not recover, if that is what
// it says.
func unrecovered(said string) (stream string, ok bool) {
	said, ok = strings.CutSuffix(said, "' could not be recovered")
	_, stream, _ = strings.Cut(said, " > ")
	return "the stream " + stream, ok
}

// InProcessConn connects to the server without a socket.
func (n *NATS) InProcessConn() (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return nil, n.down
	}
	conn, err := n.server.InProcessConn()
	if err != nil {
		return nil, err
	}
	c := &natsConn{conn, n}
	n.conns[c] = true
	return c, nil
}

// natsConn is a connection that is cut at once when the server fails: whoever
// waits for an answer then need not wait for its time to run out.
type natsConn struct {
	net.Conn
	nats *NATS
}

func (c *natsConn) Close() error {
	c.nats.mu.Lock()
	delete(c.nats.conns, c)
	c.nats.mu.Unlock()
	return c.Conn.Close()
}

// Down is why the log cannot be used now, or nil: an eventlog.ErrUnavailable
// that says what to do.
func (n *NATS) Down() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down
}

// Stop shuts the server down and returns when its files are closed. Writers and
// followers must have stopped before; what they are told otherwise is that the
// log is unavailable. A second call does nothing.
func (n *NATS) Stop() {
	n.end()
	<-n.kept
	n.fall(fmt.Errorf("%w: the shop is closing", eventlog.ErrUnavailable))
}
