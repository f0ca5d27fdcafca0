package projections_test

import (
	"sync"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/eventlog"
	"till/domain/stock"
	"till/projections"
)

// heard is what a watcher was told.
type heard struct {
	mu   sync.Mutex
	of   map[eventlog.Stream]int
	many int
	at   []eventlog.Position
}

func watch(t *testing.T, v *projections.Views) (*heard, func()) {
	h := &heard{of: map[eventlog.Stream]int{}}
	stop := v.Watch(func(changed []eventlog.Stream) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if changed == nil {
			h.many++
		}
		for _, s := range changed {
			h.of[s]++
		}
		h.at = append(h.at, v.Position())
	})
	t.Cleanup(stop)
	return h, stop
}

func (h *heard) times(category, id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of[eventlog.Stream{Category: category, ID: id}]
}

// TestWhoWatchesIsToldWhatChanged, when it can be read, and nothing else.
func TestWhoWatchesIsToldWhatChanged(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 9)
	h, stop := watch(t, s.views)
	at := s.add("alice", mouse().Variants[0].SKU, 1)
	eventually(t, func() bool { return h.times(cart.Category, "alice") == 1 })
	if h.times(cart.Category, "bob") != 0 || h.times(catalog.Category, mouse().ID) != 0 {
		t.Errorf("it is told %v", h.of)
	}
	h.mu.Lock()
	if h.at[len(h.at)-1] < at {
		t.Errorf("it is told of position %d when the views are at %d", at, h.at[len(h.at)-1])
	}
	h.mu.Unlock()
	s.buy("alice")
	eventually(t, func() bool { return h.times(stock.Category, mouse().Variants[0].SKU) > 0 })

	// A rebuilt file takes in all events again; they are no news.
	s.add("bob", mouse().Variants[0].SKU, 1)
	eventually(t, func() bool { return h.times(cart.Category, "bob") == 1 })
	before := h.times(cart.Category, "alice")
	if err := s.views.Rebuild(t.Context(), nil, func(eventlog.Position, eventlog.Position) {}); err != nil {
		t.Fatal(err)
	}
	s.add("bob", mouse().Variants[0].SKU, 1)
	eventually(t, func() bool { return h.times(cart.Category, "bob") == 2 })
	if now := h.times(cart.Category, "alice"); now != before {
		t.Errorf("a rebuild told of alice's cart again: %d times, then %d", before, now)
	}

	stop()
	s.add("carol", mouse().Variants[0].SKU, 1)
	s.add("carol", mouse().Variants[0].SKU, 1) // what the first told is over when this is done
	if h.times(cart.Category, "carol") != 0 {
		t.Error("it is told after it has stopped")
	}
}

// eventually waits until it is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to be")
		}
	}
}
