package projections

import (
	"errors"
	"path/filepath"
	"testing"

	"till/domain/eventlog"
	"till/domain/order"
)

// A row that cannot be made is its stream's fault: nothing of it is in the file,
// and the rest of the batch is.
func TestARowThatCannotBeWritten(t *testing.T) {
	for _, strict := range []bool{false, true} {
		s, err := create(t.Context(), filepath.Join(t.TempDir(), "views.db"), "epoch")
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		s.strict = strict
		s.orders.columns[0].value = func(id string, o order.State) any {
			if id == "CS-BAD" {
				panic("no column for " + id)
			}
			return nil
		}
		var facts []fact
		put := func(id string, number uint64, event order.Event) {
			e := &eventlog.Envelope{Position: eventlog.Position(len(facts) + 1), Number: number, Stream: eventlog.Stream{Category: order.Category, ID: id}}
			facts = append(facts, fact{e, event})
		}
		put("CS-OLD", 1, order.CheckoutStarted{ID: "CS-OLD", User: "usr_1"})
		put("CS-OLD", 2, order.OrderPlaced{})
		if err := errors.Join(s.fold(facts), s.flush(true)); err != nil {
			t.Fatal(err)
		}
		put("CS-BAD", 1, order.CheckoutStarted{ID: "CS-BAD", User: "usr_1"})
		put("CS-GOOD", 1, order.CheckoutStarted{ID: "CS-GOOD", User: "usr_1"})
		put("CS-BAD", 2, order.OrderPlaced{})
		put("CS-GOOD", 2, order.OrderPlaced{})
		if err := s.fold(facts[2:]); err != nil {
			t.Fatal(err)
		}
		err = s.flush(true)
		if strict {
			if !errors.Is(err, ErrUnfoldable) {
				t.Errorf("strict: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		put("CS-LATE", 1, order.CheckoutStarted{ID: "CS-LATE", User: "usr_1"})
		put("CS-BAD", 3, order.OrderPlaced{})
		put("CS-LATE", 2, order.OrderPlaced{})
		if err := errors.Join(s.fold(facts[6:]), s.flush(true)); err != nil {
			t.Fatal(err)
		}
		var history []string
		err = s.writer.rows(t.Context(), `SELECT "order" FROM history WHERE user = 'usr_1' ORDER BY nth`, nil, func(scan func(...any) error) error {
			history = append(history, "")
			return scan(&history[len(history)-1])
		})
		if err != nil || len(history) != 3 || history[0] != "CS-OLD" || history[1] != "CS-GOOD" || history[2] != "CS-LATE" {
			t.Errorf("the history is %v, %v", history, err)
		}
		var q Quarantined
		ok, err := s.writer.row("SELECT id, user, position, number, reason FROM quarantine", nil, &q.Stream.ID, &q.User, &q.Position, &q.Number, &q.Reason)
		if err != nil || !ok || q.Stream.ID != "CS-BAD" || q.User != "usr_1" || q.Position != 3 || q.Number != 1 || q.Reason != "no column for CS-BAD" {
			t.Errorf("set aside: %+v %v", q, err)
		}
		var at eventlog.Position
		if ok, err := s.writer.row("SELECT id FROM orders WHERE id = 'CS-BAD'", nil, new(string)); ok || err != nil {
			t.Errorf("the row is there: %v", err)
		}
		if at, err = s.at(); at != 9 || err != nil {
			t.Errorf("position %d, %v", at, err)
		}
	}
}
