package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/cart"
)

// person answers what a client is told to ask.
type person func(*sdk.ElicitParams) (*sdk.ElicitResult, error)

func saysYes(*sdk.ElicitParams) (*sdk.ElicitResult, error) { return chose("yes"), nil }

func chose(said any) *sdk.ElicitResult {
	return &sdk.ElicitResult{Action: "accept", Content: map[string]any{"buy": said}}
}

// attended is an agent whose client can ask its person.
func (s *shop) attended(token string, e era, p person) *agent {
	s.t.Helper()
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ElicitationHandler: func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) { return p(r.Params) },
	})
	session, err := c.Connect(s.t.Context(), &sdk.StreamableClientTransport{
		Endpoint: s.url, DisableStandaloneSSE: true, HTTPClient: &http.Client{Transport: bearer{token, e}},
	}, &sdk.ClientSessionOptions{ProtocolVersion: string(e)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = session.Close() })
	return &agent{session, s.t}
}

// placed is how many orders were placed.
func (s *shop) placed() (n int) {
	s.t.Helper()
	for _, e := range s.events() {
		if e.Type == "order.placed" {
			n++
		}
	}
	return n
}

func TestThePersonIsAskedBeforeAPurchase(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		var asked []*sdk.ElicitParams
		a := s.attended("alice", e, func(p *sdk.ElicitParams) (*sdk.ElicitResult, error) {
			asked = append(asked, p)
			return chose("yes"), nil
		})
		a.ok("add_to_cart", args{"product": 2, "quantity": 2})
		a.ok("add_to_cart", args{"product": "cozy-cat-bed", "variant": "grey, large"})
		quote := a.ok("review_checkout", nil).text("quote_id")
		got := a.ok("checkout", args{"quote_id": quote, "payment_method": "pm_card_visa"})
		if got.text("status") != "placed" || got.at("replayed") != false || len(asked) != 1 {
			t.Fatalf("asked %d times, it says %s", len(asked), got.Text)
		}
		for _, line := range []string{"2 × Catnip Mouse: $9.98\n", "1 × Cozy Cat Bed (large / grey): $39.99\n", "Total: $49.97\n", "Paid with: pm_card_visa\n", "test money"} {
			if !strings.Contains(asked[0].Message, line) {
				t.Errorf("the person is not shown %q but\n%s", line, asked[0].Message)
			}
		}
		if schema := string(encode(asked[0].RequestedSchema)); asked[0].Mode != "form" || schema != `{"properties":{"buy":{"enum":["yes","no"],"title":"Buy this for $49.97?","type":"string"}},"required":["buy"],"type":"object"}` {
			t.Errorf("the form is %s %s", asked[0].Mode, schema)
		}
		// What is bought needs no second yes.
		if again := a.ok("checkout", args{"quote_id": quote, "payment_method": "pm_card_visa"}); again.text("order_id") != got.text("order_id") || again.at("replayed") != true || len(asked) != 1 {
			t.Errorf("asked %d times, again: %s", len(asked), again.Text)
		}
		if b := s.agent("bob", e); true {
			b.ok("add_to_cart", args{"product": 2})
			if got := b.ok("checkout", nil); got.text("status") != "placed" || len(asked) != 1 {
				t.Errorf("a client that cannot ask gets %s", got.Text)
			}
		}
	})
}

// TestOnlyAYesBuys: whatever else comes back leaves everything as it was, and a
// quote that may still be bought.
func TestOnlyAYesBuys(t *testing.T) {
	for name, c := range map[string]struct {
		answer *sdk.ElicitResult
		err    error
		code   string
		says   string
	}{
		"no":             {chose("no"), nil, "confirmation_declined", "The person said no"},
		"decline":        {&sdk.ElicitResult{Action: "decline"}, nil, "confirmation_declined", "The person said no"},
		"cancel":         {&sdk.ElicitResult{Action: "cancel"}, nil, "confirmation_declined", "closed the question"},
		"cancel and yes": {&sdk.ElicitResult{Action: "cancel", Content: map[string]any{"buy": "yes"}}, nil, "confirmation_declined", "closed the question"},
		"nothing":        {&sdk.ElicitResult{Action: "accept"}, nil, "confirmation_unanswered", "no answer came"},
		"no word":        {&sdk.ElicitResult{Action: "accept", Content: map[string]any{"buy": true}}, nil, "confirmation_unanswered", "no answer came"},
		"another word":   {chose("of course"), nil, "confirmation_unanswered", "no answer came"},
		"an error":       {nil, errors.New("no window"), "confirmation_unanswered", "no answer came"},
	} {
		t.Run(name, func(t *testing.T) {
			eachEra(t, func(t *testing.T, e era) {
				s := newShop(t)
				answer, fail := c.answer, c.err
				a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) { return answer, fail })
				a.ok("add_to_cart", args{"product": 9, "quantity": 3})
				quote := a.ok("review_checkout", nil).text("quote_id")
				before := s.head()
				res, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: "checkout", Arguments: args{"quote_id": quote}})
				if e == modernEra && (c.err != nil || err != nil) {
					// Its own SDK ends the call before anything comes back.
					if err == nil || s.head() != before {
						t.Fatalf("%v, %v, %d events", res, err, s.head()-before)
					}
				} else if err != nil {
					t.Fatal(err)
				} else if got := saidOf(t, res); !res.IsError || got.text("code") != c.code || !strings.Contains(got.Text, c.says) || !strings.Contains(got.Text, "Nothing was bought") ||
					got.text("quote_id") != quote || got.at("retryable") != (c.code == "confirmation_unanswered") {
					t.Errorf("it says %s", got.Text)
				}
				if s.head() != before {
					t.Errorf("%d events were written", s.head()-before)
				}
				answer, fail = chose("yes"), nil
				if got := a.ok("checkout", args{"quote_id": quote}); got.text("status") != "placed" || got.number("pieces") != 3 {
					t.Errorf("after a yes it says %s", got.Text)
				}
			})
		})
	}
}

// TestAPurchaseWithoutAReviewIsShownToo, and that is enough also for real money.
func TestAPurchaseWithoutAReviewIsShownToo(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		s.gateway.real = true
		shown := ""
		a := s.attended("alice", e, func(p *sdk.ElicitParams) (*sdk.ElicitResult, error) {
			shown = p.Message
			return chose("yes"), nil
		})
		a.refused("cart_empty", "checkout", args{"payment_method": "pm_card_visa"})
		a.ok("add_to_cart", args{"product": 1})
		if got := a.ok("checkout", args{"payment_method": "pm_card_visa"}); got.text("status") != "placed" || !strings.Contains(shown, "Total: $9.99") || strings.Contains(shown, "test money") {
			t.Errorf("shown %q it says %s", shown, got.Text)
		}
		b := s.agent("bob", e)
		b.ok("add_to_cart", args{"product": 1})
		b.refused("review_first", "checkout", args{"payment_method": "pm_card_visa"})
	})
}

// TestNobodyIsAskedAboutWhatCannotBeBought: a yes to it would be worth nothing.
func TestNobodyIsAskedAboutWhatCannotBeBought(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		asked := 0
		a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) {
			asked++
			return chose("yes"), nil
		})
		a.ok("add_to_cart", args{"product": 9, "quantity": 3})
		quote := a.ok("review_checkout", nil).text("quote_id")
		a.refused("quote_invalid", "checkout", args{"quote_id": "q_nonsense"})
		a.ok("add_to_cart", args{"product": 2})
		a.refused("quote_outdated", "checkout", args{"quote_id": quote})
		quote = a.ok("review_checkout", nil).text("quote_id")
		s.pass(time.Hour)
		a.refused("quote_expired", "checkout", args{"quote_id": quote})
		b := s.agent("bob", e)
		b.ok("add_to_cart", args{"product": 9, "quantity": 1})
		b.ok("checkout", nil)
		if got := a.refused("insufficient_stock", "checkout", nil); asked != 0 {
			t.Errorf("asked %d times: %s", asked, got.Text)
		}
	})
}

// TestWhatChangesWhileThePersonThinks is not bought behind their back.
func TestWhatChangesWhileThePersonThinks(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		other := s.agent("alice", e)
		meanwhile := func() {}
		a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) {
			meanwhile()
			return chose("yes"), nil
		})
		a.ok("add_to_cart", args{"product": 9, "quantity": 3})
		meanwhile = func() { other.ok("add_to_cart", args{"product": 1, "quantity": 5}) }
		a.refused("quote_outdated", "checkout", nil)
		meanwhile = func() {
			b := s.agent("bob", e)
			b.ok("add_to_cart", args{"product": 9})
			b.ok("checkout", nil)
		}
		a.refused("insufficient_stock", "checkout", nil)
		if n := s.placed(); n != 1 {
			t.Errorf("%d orders were placed", n)
		}
		// Another call bought it meanwhile: that is the order.
		a.ok("update_cart_quantity", args{"product": 9, "quantity": 2})
		quote := a.ok("review_checkout", nil).text("quote_id")
		order := ""
		meanwhile = func() { order = other.ok("checkout", args{"quote_id": quote}).text("order_id") }
		if got := a.ok("checkout", args{"quote_id": quote}); got.text("order_id") != order || got.at("replayed") != true {
			t.Errorf("it says %s", got.Text)
		}
	})
}

// TestNoAnswerAboutWhatWasBought: the person bought it elsewhere while the question
// stood, so it is not said that nothing was.
func TestNoAnswerAboutWhatWasBought(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		other, quote, order := s.agent("alice", e), "", ""
		a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) {
			order = other.ok("checkout", args{"quote_id": quote}).text("order_id")
			return &sdk.ElicitResult{Action: "accept"}, nil
		})
		a.ok("add_to_cart", args{"product": 1})
		quote = a.ok("review_checkout", nil).text("quote_id")
		if got := a.ok("checkout", args{"quote_id": quote}); got.text("order_id") != order || got.at("replayed") != true || s.placed() != 1 {
			t.Errorf("it says %s", got.Text)
		}
	})
}

// TestADeclinedPaymentIsAskedAboutAnew: a yes is for one try to pay.
func TestADeclinedPaymentIsAskedAboutAnew(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		var shown []string
		a := s.attended("alice", e, func(p *sdk.ElicitParams) (*sdk.ElicitResult, error) {
			shown = append(shown, p.Message)
			return chose("yes"), nil
		})
		a.ok("add_to_cart", args{"product": 1})
		quote := a.ok("review_checkout", nil).text("quote_id")
		a.refused("payment_declined", "checkout", args{"quote_id": quote, "payment_method": "pm_card_visa_chargeDeclined"})
		a.ok("checkout", args{"quote_id": quote, "payment_method": "pm_card_visa"})
		if len(shown) != 2 || !strings.Contains(shown[0], "Paid with: pm_card_visa_chargeDeclined\n") || !strings.Contains(shown[1], "Paid with: pm_card_visa\n") {
			t.Errorf("the person is shown %q", shown)
		}
	})
}

// TestAKeyThatWasAnsweredAsksNobody: the call was done before.
func TestAKeyThatWasAnsweredAsksNobody(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		asked := 0
		a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) {
			asked++
			return chose("yes"), nil
		})
		a.ok("add_to_cart", args{"product": 1})
		buy := args{"idempotency_key": "k"}
		order := a.ok("checkout", buy).text("order_id")
		for range 3 {
			if got := a.ok("checkout", buy); got.text("order_id") != order || asked != 1 {
				t.Errorf("asked %d times, again: %s", asked, got.Text)
			}
		}
		a.ok("add_to_cart", args{"product": 2})
		declined := args{"idempotency_key": "d", "payment_method": "fail_token"}
		a.refused("payment_declined", "checkout", declined)
		a.refused("payment_declined", "checkout", declined)
		a.refused("idempotency_key_reused", "checkout", args{"idempotency_key": "d", "payment_method": "pm_card_visa"})
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// TestAModelDoesNotAskUntilSomebodyGivesIn: every question more is a chance more.
func TestAModelDoesNotAskUntilSomebodyGivesIn(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		asked := 0
		a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) {
			asked++
			return chose("no"), nil
		})
		a.ok("add_to_cart", args{"product": 1})
		for range questionsAtOnce {
			a.refused("confirmation_declined", "checkout", nil)
		}
		a.refused("rate_limited", "checkout", nil)
		s.pass(11 * time.Second)
		a.refused("confirmation_declined", "checkout", nil)
		a.refused("rate_limited", "checkout", nil)
		if asked != questionsAtOnce+1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// TestManyAnswersAreOneOrder: two windows, a client that retries, a slow network.
func TestManyAnswersAreOneOrder(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		var here sync.WaitGroup
		here.Add(8)
		var n atomic.Int64
		a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) {
			here.Done()
			here.Wait() // all have been asked before the first answers
			return chose([]string{"yes", "no"}[n.Add(1)%2]), nil
		})
		a.ok("add_to_cart", args{"product": 9, "quantity": 3})
		quote := a.ok("review_checkout", nil).text("quote_id")
		said := make([]said, 8)
		var calls sync.WaitGroup
		for i := range said {
			calls.Go(func() { said[i] = a.call("checkout", args{"quote_id": quote}) })
		}
		calls.Wait()
		order, bought := "", 0
		for _, got := range said {
			switch {
			case !got.IsError && (order == "" || got.text("order_id") == order):
				order = got.text("order_id")
				bought++
			case got.text("code") != "confirmation_declined":
				t.Errorf("one gets %s", got.Text)
			}
		}
		if bought < 4 || s.placed() != 1 {
			t.Errorf("%d were told of it, %d orders were placed", bought, s.placed())
		}
	})
}

// TestACartAsLargeAsItGetsIsShownWhole: nobody says yes to a line they have not seen.
func TestACartAsLargeAsItGetsIsShownWhole(t *testing.T) {
	s := newShop(t)
	shown := ""
	a := s.attended("alice", modernEra, func(p *sdk.ElicitParams) (*sdk.ElicitResult, error) {
		shown = p.Message
		return chose("no"), nil
	})
	for i := range cart.MaxLines {
		id := fmt.Sprint(1000 + i)
		s.sell(id, "thing-"+id, strings.TrimSpace(strings.Repeat("long ", 40)), "things", 1, variants("SKU-"+id, "", 100))
		a.ok("add_to_cart", args{"product": id})
	}
	a.refused("confirmation_declined", "checkout", nil)
	if lines := strings.Split(shown, "\n"); len(lines) != cart.MaxLines+4 || len(shown) > 8000 || !strings.HasPrefix(lines[cart.MaxLines+1], "Total: $50.00") {
		t.Errorf("%d bytes are shown:\n%s", len(shown), shown)
	}
}
