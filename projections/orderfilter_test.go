package projections_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/projections"
)

// placeLines puts an order of these titles straight on the log.
func (s *shop) placeLines(t rapid.TB, user, id string, at time.Time, titles ...string) eventlog.Position {
	var lines []cart.Line
	for i, title := range titles {
		sku := strings.ToUpper(strings.ReplaceAll(title, " ", "-"))
		lines = append(lines, cart.Line{Item: cart.Item{SKU: sku, Product: fmt.Sprint(i), Title: title, Price: money.Of(499, "USD")}, Quantity: 1})
	}
	var end eventlog.Position
	for _, c := range []order.Command{
		order.Start{ID: id, User: user, Quote: "q_" + id, Lines: lines, Total: money.Of(499, "USD"), Method: "m", At: at},
		order.RequestPayment{Attempt: 1},
		order.Place{Attempt: 1, Payment: "p", At: at},
	} {
		out, err := s.process.Orders.Do(s.t.Context(), id, c, s.meta())
		if err != nil {
			t.Fatal(err)
		}
		end = out.Position
	}
	return end
}

// isAsked is the filter said plainly.
func isAsked(q projections.OrderQuery, at time.Time, titles []string) bool {
	at = at.Truncate(time.Second)
	if !q.From.IsZero() && at.Before(q.From) || !q.To.IsZero() && at.After(q.To) {
		return false
	}
	return q.Product == "" || slices.ContainsFunc(titles, func(title string) bool {
		for _, want := range strings.Fields(q.Product) {
			if !slices.ContainsFunc(strings.Fields(title), func(w string) bool { return strings.HasPrefix(w, want) }) {
				return false
			}
		}
		return true
	})
}

// Whatever is asked for, and whatever is placed while somebody turns the pages:
// they see every such order that was there when they began once, the newest
// first, and each page counts all there are by then.
func TestFilteredPagesHaveNoGapsAndNoDoubles(t *testing.T) {
	s := newShop(t)
	round := 0
	type one struct {
		id     string
		at     time.Time
		titles []string
	}
	rapid.Check(t, func(t *rapid.T) {
		round++
		who := fmt.Sprint("carol", round)
		var all []one
		var at eventlog.Position
		hour := func(label string) time.Time {
			return s.now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, label)) * time.Hour)
		}
		grow := func(n int) {
			for range n {
				o := one{id: fmt.Sprintf("CS-F%d-%d", round, len(all)), at: hour("at").Add(time.Duration(rapid.IntRange(0, 999).Draw(t, "ms")) * time.Millisecond)}
				o.titles = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"catnip mouse", "catnip treats", "laser mouse", "cozy bed", "mousetrap"}), 1, 3, rapid.ID[string]).Draw(t, "titles")
				at = s.placeLines(t, who, o.id, o.at, o.titles...)
				all = append(all, o)
			}
		}
		grow(rapid.IntRange(0, 12).Draw(t, "orders"))
		q := projections.OrderQuery{User: who, Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		q.Product = rapid.SampledFrom([]string{"", "catnip", "mouse", "catnip mouse", "mouse catnip", "bed", "dog", "mous treat"}).Draw(t, "product")
		if rapid.Bool().Draw(t, "bounded below") {
			q.From = hour("from")
		}
		if rapid.Bool().Draw(t, "bounded above") {
			q.To = hour("to")
		}
		asked := func() (ids []string) {
			for _, o := range slices.Backward(all) {
				if isAsked(q, o.at, o.titles) {
					ids = append(ids, o.id)
				}
			}
			return ids
		}
		want := asked()
		var got []string
		for page := 0; page == 0 || q.Cursor != ""; page++ {
			err := s.views.Read(s.t.Context(), at, func(r *projections.Reader) error {
				p, err := r.Orders(s.t.Context(), q)
				if err != nil {
					return err
				}
				if p.Total != len(asked()) {
					t.Fatalf("the total is %d, there are %v", p.Total, asked())
				}
				if p.Next != "" && len(p.Orders) != q.Limit {
					t.Fatalf("a page of %d in the middle, want %d", len(p.Orders), q.Limit)
				}
				for _, o := range p.Orders {
					got = append(got, o.ID)
				}
				q.Cursor = p.Next
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			grow(rapid.IntRange(0, 2).Draw(t, "meanwhile"))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v saw %v, want %v", q, got, want)
		}
	})
}

// A cursor goes on with the very query that it was given for.
func TestACursorOfOtherFiltersIsRefused(t *testing.T) {
	s := newShop(t)
	for i := range 4 {
		s.placeLines(t, "alice", fmt.Sprint("CS-", i), s.now, "catnip mouse")
	}
	mice := projections.OrderQuery{User: "alice", Product: "mouse", Limit: 1}
	s.read(func(r *projections.Reader) {
		plain := must(r.Orders(t.Context(), projections.OrderQuery{User: "alice", Limit: 1}))
		found := must(r.Orders(t.Context(), mice))
		for _, q := range []projections.OrderQuery{
			{User: "alice", Cursor: found.Next}, {User: "alice", Product: "catnip", Cursor: found.Next}, {User: "bob", Product: "mouse", Cursor: found.Next},
			{User: "alice", Product: "mouse", From: s.now, Cursor: found.Next}, {User: "alice", Product: "mouse", To: s.now, Cursor: found.Next},
			{User: "alice", Product: "mouse", Cursor: plain.Next},
		} {
			if _, err := r.Orders(t.Context(), q); !errors.Is(err, projections.ErrCursor) {
				t.Errorf("%+v: %v", q, err)
			}
		}
		mice.Product, mice.Cursor = " Mouse!", found.Next // the same words
		if p, err := r.Orders(t.Context(), mice); err != nil || p.Orders[0].ID != "CS-2" {
			t.Errorf("the second page: %+v %v", p, err)
		}
	})
}

// Ten thousand orders are turned through while more come, with and without a
// filter: none is missing, none comes twice, and a page stays a matter of
// milliseconds.
func TestTenThousandOrdersPageThrough(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in -short mode: placing ten thousand orders takes some seconds")
	}
	s := newShop(t)
	titles := [][]string{{"catnip mouse", "cozy bed"}, {"catnip treats", "laser mouse"}, {"cozy bed"}}
	id := func(i int) string { return fmt.Sprintf("CS-%05d", i) }
	start := s.now
	var at eventlog.Position
	grow := func(i int) {
		at = s.placeLines(t, "alice", id(i), start.Add(time.Duration(i)*time.Minute), titles[i%3]...)
	}
	for i := range many {
		grow(i)
	}
	extra := many
	for _, c := range []struct {
		name string
		q    projections.OrderQuery
		is   func(i int) bool
	}{
		{"all", projections.OrderQuery{}, func(int) bool { return true }},
		{"catnip mouse", projections.OrderQuery{Product: "catnip mouse"}, func(i int) bool { return i%3 == 0 }},
		{"a time", projections.OrderQuery{From: start.Add(1000 * time.Minute), To: start.Add(8999 * time.Minute)}, func(i int) bool { return i >= 1000 && i < 9000 }},
		{"mouse from", projections.OrderQuery{Product: "mouse", From: start.Add(5000 * time.Minute)}, func(i int) bool { return i >= 5000 && i%3 != 2 }},
	} {
		var want, got []string
		for i := extra - 1; i >= 0; i-- {
			if c.is(i) {
				want = append(want, id(i))
			}
		}
		c.q.User, c.q.Limit = "alice", 25
		var longest, all time.Duration
		pages := 0
		for page := 0; page == 0 || c.q.Cursor != ""; page++ {
			err := s.views.Read(t.Context(), at, func(r *projections.Reader) error {
				begun := time.Now()
				p, err := r.Orders(t.Context(), c.q)
				took := time.Since(begun)
				longest, all, pages = max(longest, took), all+took, pages+1
				if err != nil {
					return err
				}
				for _, o := range p.Orders {
					got = append(got, o.ID)
				}
				if page == 0 && p.Total != len(want) {
					t.Errorf("%s: the total is %d, not %d", c.name, p.Total, len(want))
				}
				c.q.Cursor = p.Next
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if page%50 == 0 {
				grow(extra)
				extra++
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: saw %d orders, there were %d", c.name, len(got), len(want))
		}
		t.Logf("%s: %d orders on %d pages, %v a page, the longest %v", c.name, len(got), pages, all/time.Duration(pages), longest)
	}
}

// TestAnOrderIsFoundByEveryWordOfItsTitles, also by one that lists leave out when
// somebody looks for something.
func TestAnOrderIsFoundByEveryWordOfItsTitles(t *testing.T) {
	s := newShop(t)
	s.placeLines(t, "alice", "CS-1", s.now, "Perfect Fit Harness")
	end := s.placeLines(t, "alice", "CS-2", s.now, "Catnip Mouse")
	for product, want := range map[string]int{"perfect": 1, "the perfect harness": 1, "perfect mouse": 1, "best": 0, "": 2} {
		err := s.views.Read(t.Context(), end, func(r *projections.Reader) error {
			page, err := r.Orders(t.Context(), projections.OrderQuery{User: "alice", Product: product, Limit: 5})
			if err == nil && page.Total != want {
				t.Errorf("%q finds %d orders, not %d", product, page.Total, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
