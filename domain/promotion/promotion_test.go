package promotion_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
	"till/domain/money"
	"till/domain/promotion"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func usd(cents int64) *money.Amount {
	a := money.Of(cents, "USD")
	return &a
}

// ten is a code for 10 %, twice in all and once per person.
func ten(change ...func(*promotion.Terms)) promotion.Event {
	t := promotion.Terms{Percent: 1000, Limit: 2, PerPerson: 1}
	for _, c := range change {
		c(&t)
	}
	return promotion.Created{Code: "TEN", Terms: t, At: now}
}

func redeem(reservation, user string) promotion.Redeem {
	return promotion.Redeem{Reservation: reservation, User: user, At: now}
}

func redeemed(reservation, user string) promotion.Event {
	return promotion.Redeemed(redeem(reservation, user))
}

func reverse(reservation string) promotion.Reverse {
	return promotion.Reverse{Reservation: reservation, Reason: "failed", At: now}
}

func reversed(reservation string) promotion.Event {
	return promotion.RedemptionReversed(reverse(reservation))
}

func TestNormal(t *testing.T) {
	for typed, want := range map[string]string{
		"welcome10": "WELCOME10", " Toys-25 ": "TOYS-25", "abc": "ABC", strings.Repeat("x", 32): strings.Repeat("X", 32),
		"": "", "ab": "", strings.Repeat("x", 33): "", "TEN OFF": "", "ZEHN€": "", "ЖЖЖ": "", "a\x00bc": "", "ſſſ": "", "../..": "", "shop.*": "", "ﬃﬃ": "",
	} {
		got, err := promotion.Normal(typed)
		if got != want || (want == "") != errors.Is(err, promotion.ErrCode) {
			t.Errorf("%q is %q, %v", typed, got, err)
		}
		if again, err := promotion.Normal(got); want != "" && (again != got || err != nil) {
			t.Errorf("%q is %q the second time, %v", got, again, err)
		}
	}
}

func TestImpossibleTerms(t *testing.T) {
	euro := money.Of(100, "EUR")
	for name, terms := range map[string]promotion.Terms{
		"nothing off":           {Limit: 1},
		"both":                  {Percent: 1, Off: usd(1), Limit: 1},
		"more than all":         {Percent: 10_001, Limit: 1},
		"a negative percentage": {Percent: -1, Limit: 1},
		"a negative amount":     {Off: usd(-1), Limit: 1},
		"no amount":             {Off: usd(0), Limit: 1},
		"a huge amount":         {Off: usd(money.Max + 1), Limit: 1},
		"no minimum":            {Percent: 1, Minimum: usd(0), Limit: 1},
		"two currencies":        {Off: usd(1), Minimum: &euro, Limit: 1},
		"ending first":          {Percent: 1, Limit: 1, Starts: now, Ends: now},
		"no limit":              {Percent: 1},
		"too high a limit":      {Percent: 1, Limit: promotion.MaxUses + 1},
		"more each than all":    {Percent: 1, Limit: 1, PerPerson: 2},
		"negative per person":   {Percent: 1, Limit: 1, PerPerson: -1},
		"a long title":          {Percent: 1, Limit: 1, Title: strings.Repeat("é", promotion.MaxTitle+1)},
	} {
		t.Run(name, func(t *testing.T) {
			story.Given(t, promotion.Decider()).When(promotion.Create{Code: "TEN", Terms: terms, At: now}).Refused(promotion.ErrTerms)
		})
	}
}

func TestACodeIsMadeOnce(t *testing.T) {
	create := promotion.Create{Code: "TEN", Terms: promotion.Terms{Percent: 1000, Limit: 2, PerPerson: 1}, At: now}
	story.Given(t, promotion.Decider()).When(create).Then(ten()).When(create).Refused(promotion.ErrTaken).
		When(promotion.End{At: now}).Then(promotion.Ended{At: now}).
		When(promotion.End{At: now}).Then().
		When(create).Refused(promotion.ErrTaken)
	create.Code = "ten"
	story.Given(t, promotion.Decider()).When(create).Refused(promotion.ErrCode)
	story.Given(t, promotion.Decider()).When(promotion.End{At: now}).Refused(promotion.ErrUnknown)
}

func TestRedeeming(t *testing.T) {
	given := func(t *testing.T, history ...promotion.Event) *story.Story[promotion.State, promotion.Command, promotion.Event] {
		return story.Given(t, promotion.Decider(), append([]promotion.Event{ten()}, history...)...)
	}
	t.Run("once per order", func(t *testing.T) {
		given(t).When(redeem("CS-1/1", "alice")).Then(redeemed("CS-1/1", "alice")).When(redeem("CS-1/1", "alice")).Then()
	})
	t.Run("once per person", func(t *testing.T) {
		given(t, redeemed("CS-1/1", "alice")).When(redeem("CS-2/1", "alice")).Refused(promotion.ErrNotAgain)
	})
	t.Run("twice in all", func(t *testing.T) {
		given(t, redeemed("CS-1/1", "alice"), redeemed("CS-2/1", "bob")).When(redeem("CS-3/1", "carol")).Refused(promotion.ErrUsedUp)
	})
	t.Run("again after it was given back", func(t *testing.T) {
		given(t, redeemed("CS-1/1", "alice")).When(reverse("CS-1/1")).Then(reversed("CS-1/1")).When(reverse("CS-1/1")).Then().
			When(redeem("CS-2/1", "alice")).Then(redeemed("CS-2/1", "alice"))
	})
	t.Run("again by the same order", func(t *testing.T) {
		given(t, redeemed("CS-1/1", "alice"), reversed("CS-1/1")).When(redeem("CS-1/2", "alice")).Then(redeemed("CS-1/2", "alice"))
	})
	t.Run("a later attempt takes the place of an earlier one", func(t *testing.T) {
		s := given(t, redeemed("CS-1/1", "alice")).When(redeem("CS-1/2", "alice")).Then(redeemed("CS-1/2", "alice")).
			When(redeem("CS-1/1", "alice")).Then().State()
		if len(s.Uses) != 1 || s.Uses[0].Attempt != 2 {
			t.Errorf("used by %+v", s.Uses)
		}
	})
	t.Run("not by a late step of what is over", func(t *testing.T) {
		given(t).When(reverse("CS-1/1")).Then(reversed("CS-1/1")).When(redeem("CS-1/1", "alice")).Then()
	})
	t.Run("nor does a late end of an attempt take what the next one has", func(t *testing.T) {
		s := given(t, redeemed("CS-1/2", "alice")).When(reverse("CS-1/1")).State()
		if len(s.Uses) != 1 {
			t.Error("the second attempt lost its use")
		}
	})
	t.Run("not once it has ended", func(t *testing.T) {
		given(t, promotion.Ended{At: now}).When(redeem("CS-1/1", "alice")).Refused(promotion.ErrEnded)
	})
	t.Run("what it never was", func(t *testing.T) {
		story.Given(t, promotion.Decider()).When(redeem("CS-1/1", "alice")).Refused(promotion.ErrUnknown).When(reverse("CS-1/1")).Then()
	})
}

func TestItsTime(t *testing.T) {
	s := promotion.Decider().Fold(ten(func(t *promotion.Terms) { t.Starts, t.Ends = now, now.Add(time.Hour) }))
	for after, want := range map[time.Duration]error{
		-time.Nanosecond: promotion.ErrUnknown, 0: nil, time.Hour - 1: nil, time.Hour: promotion.ErrEnded,
	} {
		if err := s.Check("alice", "", now.Add(after)); !errors.Is(err, want) {
			t.Errorf("%s after its start: %v, want %v", after, err, want)
		}
	}
}

// What is remembered of attempts that came to nothing stays bounded.
func TestThePastIsForgotten(t *testing.T) {
	s := promotion.Decider().Fold(ten())
	for i := range 3000 {
		s = promotion.Evolve(s, promotion.RedemptionReversed{Reservation: fmt.Sprintf("CS-%d/1", i), At: now})
	}
	if len(s.Past) != 1000 {
		t.Errorf("%d attempts are remembered", len(s.Past))
	}
	if s = promotion.Evolve(s, promotion.RedemptionReversed{Reservation: "CS-X/1", At: now.Add(time.Hour)}); len(s.Past) != 1 {
		t.Errorf("%d attempts are remembered an hour later", len(s.Past))
	}
}

// Whatever is tried in whatever order: never more uses than the limits allow, one at
// most for an order, each command done once, and every decision can be redone.
func TestLimitsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		terms := promotion.Terms{Percent: 1000, Limit: limit, PerPerson: rapid.IntRange(0, limit).Draw(t, "each")}
		s := promotion.Decider().Fold(promotion.Created{Code: "TEN", Terms: terms, At: now})
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			// An order is one person's.
			n := rapid.IntRange(0, 8).Draw(t, "order")
			reservation := fmt.Sprintf("CS-%d/%d", n, rapid.IntRange(1, 3).Draw(t, "attempt"))
			cmd := rapid.SampledFrom([]promotion.Command{
				redeem(reservation, fmt.Sprintf("usr_%d", n%3)), redeem(reservation, fmt.Sprintf("usr_%d", n%3)), reverse(reservation),
			}).Draw(t, "command")
			before := fmt.Sprint(s)
			was := s
			events, err := promotion.Decide(s, cmd)
			if err != nil && len(events) > 0 {
				t.Fatalf("refused (%v) and decided %v", err, events)
			}
			story.Redone(t, promotion.Decider(), promotion.Redo, s, events...)
			for _, e := range events {
				s = promotion.Evolve(s, e)
			}
			if fmt.Sprint(was) != before {
				t.Fatal("evolving changed the old state")
			}
			if again, err := promotion.Decide(s, cmd); err == nil && len(again) > 0 {
				t.Fatalf("%#v decided %v a second time", cmd, again)
			}
			byUser, byOrder := map[string]int{}, map[string]int{}
			for _, u := range s.Uses {
				byUser[u.User]++
				if byOrder[u.Order]++; byOrder[u.Order] > 1 {
					t.Fatalf("order %s uses it %d times", u.Order, byOrder[u.Order])
				}
				if terms.PerPerson > 0 && byUser[u.User] > terms.PerPerson {
					t.Fatalf("%s used it %d times", u.User, byUser[u.User])
				}
			}
			var kept promotion.State
			if data, err := json.Marshal(s); err != nil || json.Unmarshal(data, &kept) != nil || !reflect.DeepEqual(kept, s) {
				t.Fatalf("kept as %s it is %+v, not %+v (%v)", data, kept, s, err)
			}
			if len(s.Uses) > limit || s.Left() != limit-len(s.Uses) {
				t.Fatalf("used %d times of %d, %d left", len(s.Uses), limit, s.Left())
			}
		}
	})
}

func TestEvents(t *testing.T) {
	types := eventlog.NewTypes()
	promotion.Register(types)
	golden.Check(t, types,
		promotion.Created{Code: "TOYS-25", At: now, Terms: promotion.Terms{Title: "Toys in winter", Percent: 2500, Minimum: usd(2000), Category: "toys",
			Starts: now, Ends: now.Add(30 * 24 * time.Hour), Limit: 100, PerPerson: 1}},
		promotion.Ended{At: now},
		promotion.Redeemed{Reservation: "CS-7K3M9-Q2X4T/1", User: "usr_1", At: now},
		promotion.RedemptionReversed{Reservation: "CS-7K3M9-Q2X4T/1", Reason: "payment_declined", At: now},
	)
}

func TestNoUse(t *testing.T) {
	for _, text := range []string{"\n", "CS-1/1 usr_1", "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z CS-1/1", "yesterday CS-1/1 usr_1"} {
		if err := new(promotion.Uses).UnmarshalText([]byte(text)); !errors.Is(err, promotion.ErrUse) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What a code costs that nearly all have used that can.
func BenchmarkUsedCode(b *testing.B) {
	s := promotion.Decider().Fold(promotion.Created{Code: "TEN", Terms: promotion.Terms{Percent: 1000, Limit: promotion.MaxUses, PerPerson: 1}, At: now})
	for i := range promotion.MaxUses - 1 {
		s.Uses = append(s.Uses, promotion.Use{Order: fmt.Sprintf("CS-%05d-XXXXX", i), Attempt: 1, User: fmt.Sprintf("usr_%022d", i), At: now})
	}
	b.Run("decide", func(b *testing.B) {
		for b.Loop() {
			events, err := promotion.Decide(s, redeem("CS-NEW/1", "new"))
			if err != nil {
				b.Fatal(err)
			}
			_ = promotion.Evolve(s, events[0])
		}
	})
	b.Run("keep", func(b *testing.B) {
		for b.Loop() {
			if _, err := json.Marshal(s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
