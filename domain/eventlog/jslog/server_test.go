package jslog_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// startServer runs a real embedded server on the folder until the test ends.
// The program's own way to start one is in cmd, which this package may not know.
func startServer(t testing.TB, dir string, change ...func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{
		ServerName: "till-test", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, SyncAlways: true,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 64 << 30,
	}
	for _, c := range change {
		c(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the embedded NATS server does not get ready")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func connect(t testing.TB, s *server.Server) *nats.Conn {
	t.Helper()
	nc, err := jslog.ConnectInProcess(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func open(t testing.TB, nc *nats.Conn) *jslog.Log {
	t.Helper()
	l, err := jslog.Open(t.Context(), nc, jslog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// newLog is a log of its own on a server of its own.
func newLog(t testing.TB) *jslog.Log {
	t.Helper()
	return open(t, connect(t, startServer(t, t.TempDir())))
}

// noSync is for tests that write much and lose no power.
func noSync(o *server.Options) { o.SyncAlways = false }

// fillFast writes count sample events without waiting for each, as no shop
// would, and returns when all are stored.
func fillFast(t testing.TB, nc *nats.Conn, count int, change ...func(i int, e *eventlog.Envelope)) {
	t.Helper()
	js, err := nc.JetStream(nats.PublishAsyncMaxPending(4096))
	if err != nil {
		t.Fatal(err)
	}
	const streams = 1000
	for i := range count {
		e := sample(eventlog.Stream{Category: "cart", ID: "usr_" + strconv.Itoa(i%streams)}, uint64(i/streams+1))
		for _, c := range change {
			c(i, &e)
		}
		if _, err := js.PublishMsgAsync(rawMsg(&e, 0, false)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(2 * time.Minute):
		t.Fatal("the events are not stored")
	}
}

func jslogOptions(name string) jslog.SubscriberOptions {
	return jslog.SubscriberOptions{Name: name, RetryMax: 20 * time.Millisecond}
}
