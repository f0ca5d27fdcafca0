package projections_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/projections"
)

// Ten thousand orders page through without a gap or a double, all of them and those
// of one stage, while new ones come and others change where they stand: who is
// there from the first page to the last is seen once.
func TestTenThousandOrdersOfAStagePageThrough(t *testing.T) {
	s := newShop(t)
	at := s.history("alice", many)
	id := func(n int) string { return fmt.Sprintf("CS-OLD-%05d", n) }
	cancel := func(n int) {
		t.Helper()
		at = do(s, s.process.Orders, id(n), order.Command(order.Cancel{By: order.ByShop, At: s.now}))
	}
	dispatch := func(n int) {
		t.Helper()
		at = do(s, s.process.Orders, id(n), order.Command(order.Dispatch{Carrier: "c", Tracking: "1", At: s.now}))
	}
	for n := 0; n < many; n += 100 {
		cancel(n) // 100 of them, 50 of which stay as they are
	}
	for _, stage := range []order.Stage{"", order.StagePlaced, order.StageCancelled} {
		seen := map[string]int{}
		var order []string
		q := projections.OrderQuery{User: "alice", Limit: 50, Stage: stage}
		first, slowest := 0, time.Duration(0)
		for page := 0; page == 0 || q.Cursor != ""; page++ {
			began := time.Now()
			err := s.views.Read(t.Context(), at, func(r *projections.Reader) error {
				p, err := r.Orders(t.Context(), q)
				if err != nil {
					return err
				}
				if page == 0 {
					first = p.Total
				}
				sum := 0
				for _, of := range p.Sums {
					sum += of.Orders
				}
				if sum != p.Total || len(p.Sums) != 1 || p.Sums[0].Total != money.Of(499, "USD").Times(p.Total) {
					t.Fatalf("of %d orders the sums are %+v", p.Total, p.Sums)
				}
				for _, o := range p.Orders {
					if stage != "" && o.Stage() != stage {
						t.Fatalf("%s is %s, not %s", o.ID, o.Stage(), stage)
					}
					seen[o.ID]++
					order = append(order, o.ID)
				}
				q.Cursor = p.Next
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slowest = max(slowest, time.Since(began))
			// Meanwhile a new one comes, and some that are not looked for below move.
			at = s.place(t, "alice", fmt.Sprintf("CS-NEW-%s-%d", stage, page))
			if n := 7 + 50*page; n < many && stage != "" {
				dispatch(n)
			}
		}
		for _, times := range seen {
			if times != 1 {
				t.Fatalf("with %q one is seen %d times", stage, times)
			}
		}
		if !slices.IsSortedFunc(order, func(a, b string) int { return -compareNumbers(a, b) }) {
			t.Errorf("with %q they do not come newest first", stage)
		}
		missing := 0
		for n := range many {
			stays := stage == "" || n%50 != 7 && (n%100 == 0) == (stage == "cancelled")
			if stays && seen[id(n)] == 0 {
				missing++
			}
		}
		if missing > 0 {
			t.Errorf("with %q %d of %d are missing", stage, missing, first)
		}
		t.Logf("with %q: %d seen of %d at first, the slowest page took %s", stage, len(order), first, slowest)
	}
}

func compareNumbers(a, b string) int {
	if len(a) != len(b) || a[:6] != b[:6] {
		return 0 // only those of old are numbered
	}
	return int(a[len(a)-1]) - int(b[len(b)-1]) + 10*(int(a[len(a)-2])-int(b[len(b)-2])) + 100*(int(a[len(a)-3])-int(b[len(b)-3])) +
		1000*(int(a[len(a)-4])-int(b[len(b)-4])) + 10000*(int(a[len(a)-5])-int(b[len(b)-5]))
}

// history puts so many placed orders of a person straight on the log.
func (s *shop) history(user string, n int) (at eventlog.Position) {
	s.t.Helper()
	for i := range n {
		at = s.place(s.t, user, fmt.Sprintf("CS-OLD-%05d", i))
	}
	return at
}

// What was paid back is in the sums, also for those whose newest orders are held in
// memory.
func TestSumsKnowWhatWasPaidBack(t *testing.T) {
	s := newShop(t)
	at := s.place(t, "alice", "CS-1")
	s.place(t, "alice", "CS-2")
	paid := func(filter order.Stage) (total, back int64) {
		t.Helper()
		s.read(func(r *projections.Reader) {
			for _, of := range must(r.Orders(t.Context(), projections.OrderQuery{User: "alice", Stage: filter})).Sums {
				total, back = total+of.Total.Minor, back+of.PaidBack.Minor
			}
		})
		return total, back
	}
	if total, back := paid(""); total != 998 || back != 0 {
		t.Errorf("before: %d and %d (at %d)", total, back, at)
	}
	do(s, s.process.Orders, "CS-1", order.Command(order.Cancel{By: order.ByBuyer, At: s.now}))
	if total, back := paid(""); total != 998 || back != 0 {
		t.Errorf("cancelled and not paid back: %d and %d", total, back)
	}
	do(s, s.process.Orders, "CS-1", order.Command(order.PayBack{Refund: order.ForCancel, At: s.now}))
	if total, back := paid(""); total != 998 || back != 499 {
		t.Errorf("paid back: %d and %d", total, back)
	}
	if total, back := paid(order.StageCancelled); total != 499 || back != 499 {
		t.Errorf("of the cancelled: %d and %d", total, back)
	}
	found, err := s.views.PlacedOrders(t.Context(), order.StagePlaced, 5)
	if err != nil || len(found) != 1 || found[0].ID != "CS-2" {
		t.Errorf("the placed ones are %+v, %v", found, err)
	}
	if found, err = s.views.PlacedOrders(t.Context(), "", 1); err != nil || len(found) != 1 {
		t.Errorf("one of any: %+v, %v", found, err)
	}
}
