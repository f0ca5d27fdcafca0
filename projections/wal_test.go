package projections_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/money"
	"till/projections"
)

// Readers who never all pause at once do not let SQLite's log grow for ever.
func TestTheLogOfTheFileStaysSmall(t *testing.T) {
	s := newShop(t)
	item := cart.Item{SKU: "MOUSE", Title: "Mouse", Price: money.Of(499, "USD")}
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	baton := make(chan struct{}, 1)
	for range 2 {
		reading.Go(func() {
			for ctx.Err() == nil {
				_ = s.views.Read(ctx, 0, func(r *projections.Reader) error {
					// One holds on until the other has begun.
					select {
					case baton <- struct{}{}:
					case <-baton:
					case <-ctx.Done():
					}
					return nil
				})
			}
		})
	}
	var largest int64
	for i := range 2500 {
		who := fmt.Sprint("user-", i%500)
		out, err := s.process.Carts.Do(ctx, who, cart.Add{Item: item, Quantity: 1}, eventlog.Meta{Command: fmt.Sprint(i), Fingerprint: "f"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.views.Wait(ctx, out.Position); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(s.dir, "views.db-wal")); err == nil {
			largest = max(largest, info.Size())
		}
	}
	stop()
	reading.Wait()
	t.Logf("%d MB at most", largest>>20)
	if largest > 48<<20 {
		t.Errorf("it grew to %d MB", largest>>20)
	}
}
