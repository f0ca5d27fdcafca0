package jslog_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

func TestOpen(t *testing.T) {
	ready := func(t *testing.T) (*nats.Conn, jetstream.JetStream) {
		nc := connect(t, startServer(t, t.TempDir()))
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		return nc, js
	}
	t.Run("Again", func(t *testing.T) {
		nc, _ := ready(t)
		first := open(t, nc)
		orders(t, first, 1)
		second := open(t, nc)
		if first.Epoch() != second.Epoch() || len(first.Epoch()) != 32 {
			t.Fatalf("epochs %q and %q", first.Epoch(), second.Epoch())
		}
		if head, err := second.Head(t.Context()); err != nil || head != 2 {
			t.Fatalf("head %d, %v", head, err)
		}
	})
	t.Run("ManyAtOnce", func(t *testing.T) {
		nc, _ := ready(t)
		var mu sync.Mutex
		epochs := map[string]int{}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				log, err := jslog.Open(t.Context(), nc, jslog.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				epochs[log.Epoch()]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if len(epochs) != 1 {
			t.Fatalf("epochs %v", epochs)
		}
	})
	t.Run("Newer", func(t *testing.T) {
		nc, js := ready(t)
		open(t, nc)
		change(t, js, func(c *jetstream.StreamConfig) { c.Metadata["till-format"] = "2" })
		_, err := jslog.Open(t.Context(), nc, jslog.Options{})
		if !errors.Is(err, jslog.ErrNewer) || !strings.Contains(err.Error(), "newer till; ") {
			t.Fatalf("a newer log opens with %v", err)
		}
	})
	t.Run("Foreign", func(t *testing.T) {
		nc, js := ready(t)
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "till", Subjects: []string{"x"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := jslog.Open(t.Context(), nc, jslog.Options{}); err == nil || !strings.Contains(err.Error(), "no till made") {
			t.Fatalf("a foreign stream opens with %v", err)
		}
	})
	t.Run("Changed", func(t *testing.T) {
		for name, edit := range map[string]func(*jetstream.StreamConfig){
			"Age":     func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
			"Bytes":   func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 },
			"Subject": func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 10 },
		} {
			t.Run(name, func(t *testing.T) {
				nc, js := ready(t)
				open(t, nc)
				change(t, js, edit)
				_, err := jslog.Open(t.Context(), nc, jslog.Options{})
				if !errors.Is(err, eventlog.ErrUnavailable) || !strings.Contains(err.Error(), "restore its settings") {
					t.Fatalf("the changed log opens with %v", err)
				}
			})
		}
	})
	t.Run("NothingCanBeDeleted", func(t *testing.T) {
		nc, js := ready(t)
		orders(t, open(t, nc), 1)
		stream, err := js.Stream(t.Context(), "till")
		if err != nil {
			t.Fatal(err)
		}
		if stream.DeleteMsg(t.Context(), 1) == nil || stream.SecureDeleteMsg(t.Context(), 1) == nil || stream.Purge(t.Context()) == nil {
			t.Fatal("an event was deleted")
		}
	})
	t.Run("WithoutJetStream", func(t *testing.T) {
		s := startServer(t, t.TempDir(), func(o *server.Options) { o.JetStream = false })
		_, err := jslog.Open(t.Context(), connect(t, s), jslog.Options{Timeout: 100 * time.Millisecond})
		if !errors.Is(err, eventlog.ErrUnavailable) {
			t.Fatalf("no JetStream: %v", err)
		}
	})
}

func change(t *testing.T, js jetstream.JetStream, edit func(*jetstream.StreamConfig)) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "till")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	edit(&config)
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}

func TestConnect(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := jslog.Connect(ctx, "nats://127.0.0.1:1", ""); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	if _, err := jslog.Connect(t.Context(), "nats://127.0.0.1:1", ""); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("nobody there: %v", err)
	}
	s := startServer(t, t.TempDir(), onPort(-1), func(o *server.Options) { o.Username, o.Password = "till", "s3cret" })
	_, err := jslog.Connect(t.Context(), "nats://till:wr0ng@"+s.Addr().String(), "")
	if !errors.Is(err, eventlog.ErrUnavailable) || strings.Contains(err.Error(), "wr0ng") {
		t.Fatalf("wrong password: %v", err)
	}
	nc, err := jslog.Connect(t.Context(), "nats://till:s3cret@"+s.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	orders(t, open(t, nc), 1)
}

// The server's own limits stand for a full disk.
func TestAppendWithoutSpace(t *testing.T) {
	log := open(t, connect(t, startServer(t, t.TempDir(), func(o *server.Options) { o.JetStreamMaxStore = 2 << 20 })))
	s := eventlog.Stream{Category: "cart", ID: "a"}
	stored := eventlog.Position(0)
	var err error
	for number := uint64(1); number < 100; number++ {
		e := sample(s, number)
		e.Data = []byte(`"` + strings.Repeat("x", 100<<10) + `"`)
		var at eventlog.Position
		if at, err = log.Append(t.Context(), eventlog.Change{Stream: s, Expected: stored, Events: []eventlog.Envelope{e}}); err != nil {
			break
		}
		stored = at
	}
	if !errors.Is(err, eventlog.ErrUnavailable) || stored < 5 {
		t.Fatalf("after %d events: %v", stored, err)
	}
	if head, err := log.Head(t.Context()); err != nil || head != stored {
		t.Fatalf("head %d, %v; want %d", head, err, stored)
	}
}
