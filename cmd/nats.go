package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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
// process can connect (it is a jslog.InProcess).
type NATS struct {
	server  *server.Server
	log     *natsLog
	started chan struct{} // closed when the server's start has returned
	stop    sync.Once
}

// StartNATS starts the server and returns when JetStream can be used, with
// ErrNATS when it cannot, or with ctx's error.
func StartNATS(ctx context.Context, o NATSOptions) (*NATS, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
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
	n := &NATS{server: s, log: &natsLog{log: o.Log, fatal: make(chan string, 1)}, started: make(chan struct{})}
	s.SetLoggerV2(n.log, false, false, false)
	go func() { s.Start(); close(n.started) }()
	ready := make(chan bool, 1)
	go func() { ready <- s.ReadyForConnections(natsStart) }()
	select {
	case ok := <-ready:
		// An unusable folder leaves the server running without JetStream.
		if ok && s.JetStreamEnabled() {
			return n, nil
		}
		err = n.why()
	case reason := <-n.log.fatal:
		n.log.fatal <- reason
		err = n.why()
	case <-ctx.Done():
		err = ctx.Err()
	}
	n.Stop()
	return nil, err
}

// why words what went wrong.
func (n *NATS) why() error {
	select {
	case reason := <-n.log.fatal:
		return fmt.Errorf("%w; check that the folder is yours, writable and on a disk with space (%s)", ErrNATS, reason)
	default:
		return fmt.Errorf("%w; check that the folder is yours, writable and on a disk with space", ErrNATS)
	}
}

// InProcessConn connects to the server without a socket.
func (n *NATS) InProcessConn() (net.Conn, error) { return n.server.InProcessConn() }

// Healthy returns nil while JetStream can be used, else ErrNATS: the server
// switches it off by itself when the disk is full or not writable.
func (n *NATS) Healthy() error {
	if !n.server.Running() || !n.server.JetStreamEnabled() {
		return n.why()
	}
	return nil
}

// Stop shuts the server down and returns when its files are closed; a server
// that is still starting is waited for. Writers
// and followers must have stopped before; what they are told otherwise is that
// the log is unavailable. A second call does nothing.
func (n *NATS) Stop() {
	n.stop.Do(func() {
		// A server that is shut down while it starts goes on starting, and
		// would keep files open that nobody closes.
		<-n.started
		n.server.Shutdown()
		n.server.WaitForShutdown()
	})
}

// natsLog passes the server's words on to the program's log. The server's
// Fatalf expects the process to end; here it only fails the start.
type natsLog struct {
	log   *slog.Logger
	fatal chan string
}

func (l *natsLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l *natsLog) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l *natsLog) Errorf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
func (l *natsLog) Debugf(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }
func (l *natsLog) Tracef(format string, v ...any)  {}

func (l *natsLog) Fatalf(format string, v ...any) {
	l.write(slog.LevelError, format, v)
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}

func (l *natsLog) write(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, fmt.Sprintf(format, v...), "from", "nats")
	}
}
