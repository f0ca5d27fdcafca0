package jslog_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

const patience = 30 * time.Second

// orders appends count orders, with a cart's event between each two, and
// returns the positions of the orders.
func orders(t testing.TB, log eventlog.Log, count int) (positions []eventlog.Position) {
	t.Helper()
	for range count {
		for _, category := range []string{"cart", "order"} {
			head, err := log.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := eventlog.Stream{Category: category, ID: fmt.Sprint("n", head)}
			e := sample(s, 1)
			e.Time = time.Now().UTC()
			at, err := log.Append(t.Context(), eventlog.Change{Stream: s, Events: []eventlog.Envelope{e}})
			if err != nil {
				t.Fatal(err)
			}
			if category == "order" {
				positions = append(positions, at)
			}
		}
	}
	return positions
}

func newSubscriber(t testing.TB, log *jslog.Log, o jslog.SubscriberOptions) *jslog.Subscriber {
	t.Helper()
	if o.Name == "" {
		o.Name = "test"
	}
	if o.RetryMin == 0 {
		o.RetryMin = 10 * time.Millisecond
	}
	if o.Grace == 0 {
		o.Grace = 50 * time.Millisecond // most tests leave an event unanswered
	}
	if o.AckWait == 0 {
		o.AckWait = time.Second
	}
	s, err := jslog.NewSubscriber(log, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func subscribe(t testing.TB, s *jslog.Subscriber, topic string) <-chan *message.Message {
	t.Helper()
	c, err := s.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// next waits for a message.
func next(t testing.TB, c <-chan *message.Message) (*message.Message, eventlog.Envelope) {
	t.Helper()
	select {
	case m, ok := <-c:
		if !ok {
			t.Fatal("the channel is closed")
		}
		e, err := jslog.Envelope(m)
		if err != nil {
			t.Fatal(err)
		}
		return m, e
	case <-time.After(patience):
		t.Fatal("no message comes")
	}
	return nil, eventlog.Envelope{}
}

func TestSubscriberHandsOutOneCategoryInOrder(t *testing.T) {
	log := newLog(t)
	want := orders(t, log, 20)
	c := subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{}), "order")
	for i, at := range want {
		m, e := next(t, c)
		if e.Position != at || e.Stream.Category != "order" || string(e.Data) != string(m.Payload) {
			t.Fatalf("message %d is event %d of %s, want event %d", i, e.Position, e.Stream, at)
		}
		if want := fmt.Sprintf("%s-%d", log.Epoch(), at); m.UUID != want {
			t.Fatalf("id %s, want %s", m.UUID, want)
		}
		m.Ack()
	}
	// What comes later comes too.
	want = orders(t, log, 1)
	if _, e := next(t, c); e.Position != want[0] {
		t.Fatalf("event %d, want %d", e.Position, want[0])
	}
}

func TestSubscriberCarriesTheWholeEnvelope(t *testing.T) {
	log := newLog(t)
	s := eventlog.Stream{Category: "order", ID: "a.b *"}
	e := sample(s, 1)
	e.Fingerprint, e.Causation = "f % g", "\ttool\n"
	if _, err := log.Append(t.Context(), eventlog.Change{Stream: s, Events: []eventlog.Envelope{e}}); err != nil {
		t.Fatal(err)
	}
	_, got := next(t, subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{}), jslog.Everything))
	e.Position = 1
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", e) {
		t.Fatalf("got  %+v\nwant %+v", got, e)
	}
}

func TestSubscriberStartsBehindAPosition(t *testing.T) {
	log := newLog(t)
	want := orders(t, log, 5)
	c := subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{After: want[2]}), "order")
	if _, e := next(t, c); e.Position != want[3] {
		t.Fatalf("event %d, want %d", e.Position, want[3])
	}
}

func TestSubscriberRedeliversInOrderAfterANack(t *testing.T) {
	log := newLog(t)
	want := orders(t, log, 4)
	c := subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{RetryMin: 20 * time.Millisecond, RetryMax: 50 * time.Millisecond}), "order")
	var got []eventlog.Position
	var pauses []time.Duration
	last := time.Now()
	for tries := 0; len(got) < 4+5; {
		m, e := next(t, c)
		got = append(got, e.Position)
		if e.Position == want[1] && tries < 5 {
			tries++
			pauses = append(pauses, time.Since(last))
			last = time.Now()
			m.Nack()
			continue
		}
		last = time.Now()
		m.Ack()
	}
	if want := []eventlog.Position{want[0], want[1], want[1], want[1], want[1], want[1], want[1], want[2], want[3]}; !slices.Equal(got, want) {
		t.Fatalf("order %v, want %v", got, want)
	}
	for i, atLeast := range []time.Duration{0, 20, 40, 50, 50} {
		if pauses[i] < atLeast*time.Millisecond {
			t.Fatalf("pause %d was %v, want at least %v ms", i, pauses[i], int(atLeast))
		}
	}
}

func TestSubscriberGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	nc := connect(t, s)
	log := open(t, nc)
	want := orders(t, log, 6)
	sub := newSubscriber(t, log, jslog.SubscriberOptions{})
	c := subscribe(t, sub, "order")
	for range 3 {
		m, _ := next(t, c)
		m.Ack()
	}
	m, _ := next(t, c) // handed out, never answered
	_ = m
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	s.Shutdown()
	s.WaitForShutdown()

	log = open(t, connect(t, startServer(t, dir)))
	c = subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{}), "order")
	for _, at := range want[3:] {
		m, e := next(t, c)
		if e.Position != at {
			t.Fatalf("event %d, want %d", e.Position, at)
		}
		m.Ack()
	}
	// Another name has a position of its own.
	c = subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{Name: "other"}), "order")
	if _, e := next(t, c); e.Position != want[0] {
		t.Fatalf("event %d, want %d", e.Position, want[0])
	}
}

func TestSubscriberHoldsBack(t *testing.T) {
	log := newLog(t)
	t.Run("Lag", func(t *testing.T) {
		const lag = 300 * time.Millisecond
		c := subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{Name: "lag", Lag: lag}), "order")
		orders(t, log, 3)
		for range 3 {
			m, e := next(t, c)
			if age := time.Since(e.Time); age < lag {
				t.Fatalf("handed out after %v, want %v", age, lag)
			}
			m.Ack()
		}
	})
	t.Run("Due", func(t *testing.T) {
		const lag = 200 * time.Millisecond
		head, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		orders(t, log, 1)
		c := subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{Name: "due", After: head, Due: func(e eventlog.Envelope) time.Time { return e.Time.Add(lag) }}), "order")
		if _, e := next(t, c); time.Since(e.Time) < lag {
			t.Fatal("handed out too early")
		}
	})
	t.Run("LongerThanTheAckWait", func(t *testing.T) {
		// The event stays ours while it waits and while its handler runs.
		const ackWait = 300 * time.Millisecond
		c := subscribe(t, newSubscriber(t, log, jslog.SubscriberOptions{Name: "slow", AckWait: ackWait, Lag: time.Second}), "order")
		orders(t, log, 1)
		m, first := next(t, c)
		select {
		case again := <-c:
			t.Fatalf("the event came again as %s while it was handled", again.UUID)
		case <-time.After(3 * ackWait):
		}
		m.Ack()
		if _, e := next(t, c); e.Position <= first.Position {
			t.Fatalf("event %d came after %d", e.Position, first.Position)
		}
	})
	t.Run("CloseDoesNotWaitForIt", func(t *testing.T) {
		s := newSubscriber(t, log, jslog.SubscriberOptions{Name: "hour", Due: func(e eventlog.Envelope) time.Time { return time.Now().Add(time.Hour) }})
		c := subscribe(t, s, "order")
		time.Sleep(20 * time.Millisecond)
		s.Close()
		if m, ok := <-c; ok {
			t.Fatalf("%s was handed out", m.UUID)
		}
	})
}

func TestSubscriberRefuses(t *testing.T) {
	log := newLog(t)
	for _, name := range []string{"", "a b", "a.b", "*", ">"} {
		if _, err := jslog.NewSubscriber(log, jslog.SubscriberOptions{Name: name}); !errors.Is(err, eventlog.ErrInvalid) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	s := newSubscriber(t, log, jslog.SubscriberOptions{})
	for _, topic := range []string{"", "a b", "a.b", ">", "order.*"} {
		if _, err := s.Subscribe(t.Context(), topic); !errors.Is(err, eventlog.ErrInvalid) {
			t.Errorf("topic %q: %v", topic, err)
		}
	}
}
