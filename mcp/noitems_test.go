package mcp

import "testing"

// TestItemsThatNameNothingAreNotAll: only who leaves items out means all of the order.
// What names none is a slip, of which half an order must not come back.
func TestItemsThatNameNothingAreNotAll(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	id := a.bought(2, "MOUSE-CATNIP")
	s.dispatched(id)
	s.delivered(id)
	before := s.head()
	for _, items := range []string{",", " ; ,"} {
		for _, tool := range []string{"request_return", "reorder"} {
			if got := a.refused("invalid_argument", tool, args{"order_id": id, "items": items}); got.text("field") != "items" || s.head() != before {
				t.Errorf("%s of %q: %s", tool, items, got.Text)
			}
		}
	}
	for _, all := range []args{{"order_id": id}, {"order_id": id, "items": ""}, {"order_id": id, "items": " "}} {
		a.ok("reorder", all)
		a.ok("request_return", all)
	}
}
