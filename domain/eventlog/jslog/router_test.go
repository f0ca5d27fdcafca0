package jslog_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// The whole chain as the shop uses it: router, retries, poison queue.
func TestRouterParksWhatFails(t *testing.T) {
	log := newLog(t)
	want := orders(t, log, 3)
	poison, err := jslog.NewPoison(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 5 * time.Second}, watermill.NopLogger{})
	if err != nil {
		t.Fatal(err)
	}
	park, err := middleware.PoisonQueue(poison, "fulfil")
	if err != nil {
		t.Fatal(err)
	}
	router.AddMiddleware(park, middleware.Retry{MaxRetries: 2, InitialInterval: time.Millisecond}.Middleware)
	var mu sync.Mutex
	seen := map[eventlog.Position]int{}
	done := make(chan struct{})
	router.AddConsumerHandler("fulfil", "order", newSubscriber(t, log, jslog.SubscriberOptions{Name: "fulfil"}), func(m *message.Message) error {
		e, err := jslog.Envelope(m)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if seen[e.Position]++; e.Position == want[1] {
			return errors.New("the carrier says no")
		}
		if e.Position == want[2] {
			close(done)
		}
		return nil
	})
	go func() {
		if err := router.Run(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the reactor does not get through")
	}
	if err := router.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if seen[want[0]] != 1 || seen[want[1]] != 3 || seen[want[2]] != 1 {
		t.Fatalf("tries %v", seen)
	}
	var parked []jslog.Parked
	for p, err := range poison.All(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		parked = append(parked, p)
	}
	if len(parked) != 1 || parked[0].Topic != "fulfil" || parked[0].Message.Metadata[middleware.ReasonForPoisonedKey] != "the carrier says no" {
		t.Fatalf("parked %+v", parked)
	}
	e, err := jslog.Envelope(parked[0].Message)
	if err != nil || e.Position != want[1] {
		t.Fatalf("the parked message carries event %d, %v", e.Position, err)
	}
}
