package spending_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
	"till/domain/money"
	"till/domain/order"
	"till/domain/spending"
)

var (
	at    = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	lines = []cart.Line{{Item: cart.Item{SKU: "TREE", Product: "1", Handle: "cat-tree", Title: "Cat Tree", Price: money.Of(8000, "USD")}, Quantity: 1}}
)

func usd(minor int64) money.Amount { return money.Of(minor, "USD") }

func limit(minor int64) *money.Amount {
	a := usd(minor)
	return &a
}

func set(r spending.Rules) spending.Event {
	return spending.RulesSet{User: "usr_1", Client: "cli_1", Rules: r, At: at}
}

func reserve(order string, minor int64, after time.Duration) spending.Reserve {
	return spending.Reserve{Reservation: order + "/1", Purchase: "p_" + order, Amount: usd(minor), At: at.Add(after)}
}

func TestWithoutRulesNothingIsCounted(t *testing.T) {
	story.Given(t, spending.Decider()).
		When(reserve("CS-1", 1_000_000, 0)).Then().
		When(spending.Release{Reservation: "CS-1/1"}).Then().
		When(spending.SetRules{User: "usr_1", Client: "cli_1", At: at}).Then()
}

func TestLimits(t *testing.T) {
	rules := set(spending.Rules{PerOrder: limit(5000), PerDay: limit(8000)})
	refused := func(t *testing.T, cmd spending.Reserve, want spending.Exceeded, history ...spending.Event) {
		t.Helper()
		_, err := spending.Decide(spending.Decider().Fold(history...), cmd)
		var no *spending.Exceeded
		if !errors.As(err, &no) || *no != want {
			t.Errorf("refused with %+v, %v", no, err)
		}
	}
	t.Run("an order at its limit", func(t *testing.T) {
		story.Given(t, spending.Decider(), rules).When(reserve("CS-1", 5000, 0)).Then(spending.Reserved(reserve("CS-1", 5000, 0)))
	})
	t.Run("an order beyond it", func(t *testing.T) {
		refused(t, reserve("CS-1", 5001, 0), spending.Exceeded{Limit: spending.PerOrder, Wanted: usd(5001), Most: usd(5000), Left: usd(5000)}, rules)
	})
	var first spending.Event = spending.Reserved(reserve("CS-1", 5000, 0))
	t.Run("a day beyond it, until the first order is a day old", func(t *testing.T) {
		refused(t, reserve("CS-2", 3001, 23*time.Hour),
			spending.Exceeded{Limit: spending.PerDay, Wanted: usd(3001), Most: usd(8000), Left: usd(3000), Again: at.Add(24 * time.Hour)}, rules, first)
		story.Given(t, spending.Decider(), rules, first).
			When(reserve("CS-2", 3000, 23*time.Hour)).Then(spending.Reserved(reserve("CS-2", 3000, 23*time.Hour)))
		story.Given(t, spending.Decider(), rules, first).
			When(reserve("CS-2", 4000, 24*time.Hour)).Then(spending.Reserved(reserve("CS-2", 4000, 24*time.Hour)))
	})
	t.Run("what came to nothing does not count", func(t *testing.T) {
		s := story.Given(t, spending.Decider(), rules, first).
			When(spending.Release{Reservation: "CS-1/1", Reason: "payment_declined"}).
			Then(spending.Released{Reservation: "CS-1/1", Amount: usd(5000), Reason: "payment_declined"}).
			When(spending.Release{Reservation: "CS-1/1"}).Then().
			When(reserve("CS-2", 5000, time.Hour)).Then(spending.Reserved(reserve("CS-2", 5000, time.Hour))).State()
		if sum, n := s.Within(at.Add(time.Hour), "USD", ""); sum != usd(5000) || n != 1 {
			t.Errorf("%s in %d orders", sum, n)
		}
	})
	t.Run("nor does what was cancelled, and its yes stays used", func(t *testing.T) {
		purchase := reserve("CS-1", 5000, 0).Purchase
		var asked spending.Event = spending.ApprovalRequested{Purchase: purchase, Order: "CS-1", Total: usd(5000), At: at}
		var yes spending.Event = spending.Approved{Purchase: purchase, Order: "CS-1", Total: usd(5000), Until: at.Add(time.Hour), At: at}
		s := story.Given(t, spending.Decider(), rules, asked, yes, first).
			When(spending.Release{Reservation: "CS-1/1", Reason: spending.Cancelled}).
			Then(spending.Released{Reservation: "CS-1/1", Amount: usd(5000), Reason: spending.Cancelled}).
			When(spending.Release{Reservation: "CS-1/1", Reason: spending.Cancelled}).Then().State()
		later := at.Add(2 * time.Hour)
		if sum, n := s.Within(later, "USD", ""); sum != usd(0) || n != 0 || s.Requests[0].Waits(later) {
			t.Errorf("%s in %d orders, the person is asked: %+v", sum, n, s.Requests)
		}
	})
	t.Run("an order counts once, however often it is tried", func(t *testing.T) {
		again := reserve("CS-1", 5000, time.Minute)
		again.Reservation = "CS-1/2"
		s := story.Given(t, spending.Decider(), rules, first).When(reserve("CS-1", 5000, time.Minute)).Then().
			When(again).Then(spending.Reserved(again)).
			When(spending.Release{Reservation: "CS-1/1"}).Then().State()
		if sum, n := s.Within(at.Add(time.Minute), "USD", ""); sum != usd(5000) || n != 1 {
			t.Errorf("%s in %d orders", sum, n)
		}
	})
	t.Run("a late step of an earlier attempt changes nothing", func(t *testing.T) {
		second := reserve("CS-1", 5000, time.Minute)
		second.Reservation = "CS-1/2"
		s := story.Given(t, spending.Decider(), rules, spending.Event(spending.Reserved(second))).When(reserve("CS-1", 5000, time.Minute)).Then().
			When(spending.Release{Reservation: "CS-1/1"}).Then().State()
		if sum, n := s.Within(at.Add(time.Minute), "USD", ""); sum != usd(5000) || n != 1 {
			t.Errorf("%s in %d orders", sum, n)
		}
	})
	t.Run("another currency", func(t *testing.T) {
		euros := reserve("CS-1", 1, 0)
		euros.Amount = money.Of(1, "EUR")
		refused(t, euros, spending.Exceeded{Limit: spending.Currency, Wanted: money.Of(1, "EUR"), Most: usd(5000)}, rules)
	})
	t.Run("more orders than are counted", func(t *testing.T) {
		history := []spending.Event{set(spending.Rules{PerOrder: limit(1)})}
		for i := range spending.MaxOrders {
			history = append(history, spending.Reserved(reserve(fmt.Sprintf("CS-%d", i), 1, 0)))
		}
		refused(t, reserve("CS-X", 1, 0), spending.Exceeded{Limit: spending.Orders, Wanted: usd(1)}, history...)
	})
}

func TestApproval(t *testing.T) {
	rules := set(spending.Rules{AskAbove: limit(5000)})
	buy := reserve("CS-1", 8000, time.Minute)
	ask := spending.Ask{Purchase: "p_CS-1", Order: "CS-1", Lines: lines, Total: usd(8000), At: at}
	var asked spending.Event = spending.ApprovalRequested(ask)
	yes := spending.Approve{Purchase: "p_CS-1", At: at}
	var approved spending.Event = spending.Approved{Purchase: "p_CS-1", Order: "CS-1", Total: usd(8000), Until: at.Add(time.Hour), At: at}
	no := spending.Deny{Purchase: "p_CS-1", At: at}
	var denied spending.Event = spending.Denied{Purchase: "p_CS-1", Order: "CS-1", Total: usd(8000), At: at}

	unapproved := func(t *testing.T, cmd spending.Reserve, history ...spending.Event) {
		t.Helper()
		_, err := spending.Decide(spending.Decider().Fold(history...), cmd)
		var ask *spending.Unapproved
		if !errors.As(err, &ask) || ask.Purchase != cmd.Purchase || ask.Above != usd(5000) {
			t.Errorf("decided with %v", err)
		}
	}
	t.Run("up to the threshold nobody is asked", func(t *testing.T) {
		story.Given(t, spending.Decider(), rules).When(reserve("CS-1", 5000, 0)).Then(spending.Reserved(reserve("CS-1", 5000, 0)))
	})
	t.Run("above it a yes is needed", func(t *testing.T) { unapproved(t, buy, rules) })
	t.Run("asking is no answer", func(t *testing.T) { unapproved(t, buy, rules, asked) })
	t.Run("a yes lets it be bought, also after a decline", func(t *testing.T) {
		second := buy
		second.Reservation = "CS-1/2"
		story.Given(t, spending.Decider(), rules).When(ask).Then(asked).When(ask).Then().
			When(yes).Then(approved).When(yes).Then().When(ask).Then().
			When(buy).Then(spending.Reserved(buy)).
			When(spending.Release{Reservation: "CS-1/1", Reason: "payment_declined"}).
			Then(spending.Released{Reservation: "CS-1/1", Amount: usd(8000), Reason: "payment_declined"}).
			When(second).Then(spending.Reserved(second))
	})
	t.Run("a yes is to that purchase only", func(t *testing.T) {
		other := buy
		other.Purchase = "p_other"
		unapproved(t, other, rules, asked, approved)
		dearer := buy
		dearer.Amount = usd(8001)
		unapproved(t, dearer, rules, asked, approved)
	})
	t.Run("a yes ends", func(t *testing.T) {
		late := buy
		late.At = at.Add(time.Hour)
		unapproved(t, late, rules, asked, approved)
	})
	t.Run("a no is a no, until the person says yes", func(t *testing.T) {
		s := story.Given(t, spending.Decider(), rules, asked).When(no).Then(denied).When(no).Then().State()
		for _, cmd := range []spending.Command{buy, ask} {
			var denial *spending.Denial
			if _, err := spending.Decide(s, cmd); !errors.As(err, &denial) || denial.Purchase != "p_CS-1" {
				t.Errorf("%T after a no: %v", cmd, err)
			}
		}
		story.Given(t, spending.Decider(), rules, asked, denied).When(yes).Then(approved).When(buy).Then(spending.Reserved(buy))
		story.Given(t, spending.Decider(), rules, asked, approved).When(no).Then(denied)
	})
	t.Run("nobody answers what was not asked, or long ago", func(t *testing.T) {
		late := spending.Approve{Purchase: "p_CS-1", At: at.Add(spending.RequestLife)}
		for _, c := range []struct {
			cmd     spending.Command
			history []spending.Event
		}{{yes, []spending.Event{rules}}, {no, []spending.Event{rules}}, {late, []spending.Event{rules, asked}}} {
			if _, err := spending.Decide(spending.Decider().Fold(c.history...), c.cmd); !errors.Is(err, spending.ErrNoRequest) {
				t.Errorf("%+v: %v", c.cmd, err)
			}
		}
	})
	t.Run("a limit stands above a yes", func(t *testing.T) {
		both := set(spending.Rules{PerOrder: limit(7000), AskAbove: limit(5000)})
		_, err := spending.Decide(spending.Decider().Fold(both, asked, approved), buy)
		var exceeded *spending.Exceeded
		if !errors.As(err, &exceeded) {
			t.Errorf("bought: %v", err)
		}
	})
	t.Run("the threshold 0 asks always, and in any currency", func(t *testing.T) {
		s := spending.Decider().Fold(set(spending.Rules{AskAbove: limit(0)}))
		for _, amount := range []money.Amount{usd(0), usd(1), money.Of(1, "EUR")} {
			var ask *spending.Unapproved
			if err := s.Check("CS-1", "p", amount, at); !errors.As(err, &ask) {
				t.Errorf("%s: %v", amount, err)
			}
		}
	})
	t.Run("a yes can be taken back as long as it lasts", func(t *testing.T) {
		last := at.Add(spending.RequestLife - time.Minute)
		late := spending.Deny{Purchase: "p_CS-1", At: last.Add(30 * time.Minute)}
		story.Given(t, spending.Decider(), rules, asked).
			When(spending.Approve{Purchase: "p_CS-1", At: last}).
			Then(spending.Approved{Purchase: "p_CS-1", Order: "CS-1", Total: usd(8000), Until: last.Add(time.Hour), At: last}).
			When(late).Then(spending.Denied{Purchase: "p_CS-1", Order: "CS-1", Total: usd(8000), At: late.At})
	})
	t.Run("a no is not shaken off by putting the same into the cart anew", func(t *testing.T) {
		first, same := "state-no-01contents", "state-no-02contents"
		s := spending.Decider().Fold(rules, spending.ApprovalRequested{Purchase: first, Total: usd(8000), At: at}, spending.Denied{Purchase: first, At: at})
		var denial *spending.Denial
		if err := s.Check("CS-2", same, usd(8000), at); !errors.As(err, &denial) || denial.Purchase != first {
			t.Errorf("the same things again: %v", err)
		}
		var ask *spending.Unapproved
		if err := s.Check("CS-2", "state-no-02otherthings", usd(8000), at); !errors.As(err, &ask) {
			t.Errorf("other things: %v", err)
		}
	})
	t.Run("what was asked for an earlier cart waits no more", func(t *testing.T) {
		s := spending.Decider().Fold(rules, asked, spending.ApprovalRequested{Purchase: "p_CS-2", Total: usd(9000), At: at})
		if _, there := s.Find("p_CS-1"); there || len(s.Requests) != 1 {
			t.Errorf("%+v wait", s.Requests)
		}
	})
	t.Run("what was bought says so, for as long as it is kept", func(t *testing.T) {
		s := spending.Decider().Fold(rules, asked, approved, spending.Reserved(buy))
		if r, _ := s.Find("p_CS-1"); r.Bought.IsZero() || r.Waits(at.Add(2*time.Hour)) {
			t.Errorf("%+v", r)
		}
		s = spending.Evolve(s, spending.Released{Reservation: "CS-1/1"})
		if r, _ := s.Find("p_CS-1"); !r.Bought.IsZero() {
			t.Errorf("given back: %+v", r)
		}
	})
	t.Run("only so many requests are kept", func(t *testing.T) {
		s := spending.Decider().Fold(rules)
		for i := range 3 * spending.MaxRequests {
			s = spending.Evolve(s, spending.ApprovalRequested{Purchase: fmt.Sprint(i), Total: usd(6000), At: at})
			s = spending.Evolve(s, spending.Denied{Purchase: fmt.Sprint(i), At: at})
		}
		if _, kept := s.Find("29"); len(s.Requests) != spending.MaxRequests || !kept {
			t.Errorf("%d are kept", len(s.Requests))
		}
	})
}

func TestImpossibleRules(t *testing.T) {
	euro := money.Of(1, "EUR")
	for name, r := range map[string]spending.Rules{
		"below zero":      {PerOrder: limit(-1)},
		"two currencies":  {PerOrder: limit(1), AskAbove: &euro},
		"no money":        {PerDay: &money.Amount{Minor: 1}},
		"beyond counting": {PerDay: limit(money.Max + 1)},
	} {
		if _, err := spending.Decide(spending.State{}, spending.SetRules{User: "u", Client: "c", Rules: r, At: at}); !errors.Is(err, spending.ErrRules) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever an agent tries and whenever, within any day it never has more under
// way and bought than the person allows, nor an unapproved order above the
// threshold.
func TestTheRulesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const perOrder, perDay, above = 50, 100, 30
		s := spending.Decider().Fold(set(spending.Rules{PerOrder: limit(perOrder), PerDay: limit(perDay), AskAbove: limit(above)}))
		now := at
		type bought struct {
			at    time.Time
			minor int64
		}
		all, yes := map[string]bought{}, map[string]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "minutes")) * time.Minute)
			of := rapid.SampledFrom([]string{"A", "B", "C", "D", "E", "F"}).Draw(t, "order")
			attempt := fmt.Sprintf("%s/%d", of, rapid.IntRange(1, 3).Draw(t, "attempt"))
			minor := rapid.Int64Range(0, 60).Draw(t, "minor")
			purchase := fmt.Sprintf("%s:%d", of, minor)
			var cmd spending.Command
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				cmd = spending.Reserve{Reservation: attempt, Purchase: purchase, Amount: usd(minor), At: now}
			case 2:
				cmd = spending.Release{Reservation: attempt}
			case 3:
				cmd = spending.Ask{Purchase: purchase, Order: of, Total: usd(minor), At: now}
			case 4:
				cmd = spending.Approve{Purchase: purchase, At: now}
			}
			events, _ := spending.Decide(s, cmd)
			for _, e := range events {
				story.Redone(t, spending.Decider(), spending.Redo, s, e)
				s = spending.Evolve(s, e)
				switch e := e.(type) {
				case spending.Approved:
					yes[e.Purchase] = e.Until
				case spending.Released:
					id, _ := order.OfReservation(e.Reservation)
					delete(all, id)
				case spending.Reserved:
					if e.Amount.Minor > perOrder || e.Amount.Minor > above && !now.Before(yes[e.Purchase]) {
						t.Fatalf("bought for %d at %s, approved until %s", e.Amount.Minor, now, yes[e.Purchase])
					}
					id, _ := order.OfReservation(e.Reservation)
					all[id] = bought{now, e.Amount.Minor}
				}
			}
			day := int64(0)
			for _, b := range all {
				if now.Before(b.at.Add(spending.Day)) {
					day += b.minor
				}
			}
			if day > perDay {
				t.Fatalf("%d within a day", day)
			}
		}
	})
}

func TestID(t *testing.T) {
	if spending.ID("usr_1", "a") == spending.ID("usr_1", "b") || spending.ID("usr_1", "a") == spending.ID("usr_2", "a") {
		t.Error("two agents are one")
	}
	if id := spending.ID("usr_1", "https://agent.example/"+string(make([]byte, 2000))); len(id) > 60 {
		t.Errorf("an id of %d bytes", len(id))
	}
}

func TestEvents(t *testing.T) {
	types := eventlog.NewTypes()
	spending.Register(types)
	golden.Check(t, types,
		set(spending.Rules{PerOrder: limit(5000), PerDay: limit(8000), AskAbove: limit(0)}),
		spending.Reserved(reserve("CS-1", 5000, 0)),
		spending.Released{Reservation: "CS-1/1", Amount: usd(5000), Reason: "payment_declined"},
		spending.ApprovalRequested{Purchase: "p_CS-1", Order: "CS-1", Lines: lines, Total: usd(8000), At: at},
		spending.Approved{Purchase: "p_CS-1", Order: "CS-1", Total: usd(8000), Until: at.Add(time.Hour), At: at},
		spending.Denied{Purchase: "p_CS-1", Order: "CS-1", Total: usd(8000), At: at})
}
