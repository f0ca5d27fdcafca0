package mcp

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"till/domain/eventlog"
	"till/projections"
)

// TestReplayGivesTheAnswerAgain: a program gets exactly what the agent got.
func TestReplayGivesTheAnswerAgain(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	for range 3 {
		a.ok("add_to_cart", args{"product": "catnip-mouse", "quantity": 2})
		a.ok("checkout", nil)
		s.pass(1e9)
	}
	a.ok("add_to_cart", args{"product": "cozy-cat-bed", "variant": "BED-L-BLUE"})
	cart, orders := a.ok("view_cart", nil), a.ok("get_order_history", args{"limit": 2})
	a.ok("clear_cart", nil)
	s.agent("bob", modernEra).ok("add_to_cart", args{"product": "rare-thing"})

	again := func(at int, q Replayed) (text string, content any) {
		t.Helper()
		q.User, q.Currency = "usr_alice", "USD"
		err := s.moments.Read(t.Context(), eventlog.Position(at), func(r *projections.Reader) (err error) {
			text, content, err = Replay(t.Context(), r, q)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return text, content
	}
	for _, c := range []struct {
		was said
		q   Replayed
	}{{cart, Replayed{View: "cart"}}, {orders, Replayed{View: "orders", Limit: 2}}} {
		text, content := again(c.was.number("as_of"), c.q)
		if diff := cmp.Diff(c.was.Text, text+"\n"+string(encode(content))); diff != "" {
			t.Errorf("%s differs:\n%s", c.q.View, diff)
		}
	}
	if _, content := again(orders.number("as_of"), Replayed{View: "orders", Cursor: orders.text("next_cursor")}); len(content.(*orderPage).Orders) != 1 {
		t.Errorf("the next page is %s", encode(content))
	}
	err := s.views.Read(t.Context(), 0, func(r *projections.Reader) error {
		_, _, err := Replay(t.Context(), r, Replayed{User: "usr_alice", View: "stock"})
		return err
	})
	if !errors.Is(err, ErrView) {
		t.Errorf("an unknown view: %v", err)
	}
}
