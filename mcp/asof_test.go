package mcp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/catalog"
	"till/domain/eventlog"
	"till/projections"
)

// keeper is a token of alice's that may ask for any number of past moments.
const keeper = "alice:cart:write,orders:write,shop:admin"

// asked is a question that was answered live.
type asked struct {
	who  *agent
	tool string
	in   args
	was  said
}

// pastOf is the same question about that moment.
func (q asked) pastOf() args {
	in := args{"as_of": q.was.number("as_of")}
	for k, v := range q.in {
		in[k] = v
	}
	return in
}

// plainCursor is an answer without the mark that lets a page of the past go on
// at its moment.
func plainCursor(a said) said {
	if cursor := a.text("next_cursor"); cursor != "" {
		plain, _, _ := strings.Cut(cursor, onward)
		a.Text = strings.Replace(a.Text, cursor, plain, 1)
		a.Data["next_cursor"] = plain
	}
	return a
}

// TestThePastIsAnsweredAsItWas: whatever was answered, and included what it
// said, is answered again for ever when it is asked about that moment.
func TestThePastIsAnsweredAsItWas(t *testing.T) {
	s := newShop(t)
	alice, bob := s.agent(keeper, modernEra), s.agent("bob:cart:write,orders:write,shop:admin", legacyEra)
	var all []asked
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	handles := []string{"catnip-mouse", "whisker-wand", "BED-S-GREY", "BED-L-BLUE", "rare-thing"}
	any := func() string { return handles[random.IntN(len(handles))] }
	order := map[*agent]string{}
	for range 60 {
		s.pass(time.Duration(random.IntN(100)) * time.Second)
		who := alice
		if random.IntN(2) == 0 {
			who = bob
		}
		ask := func(tool string, in args) { all = append(all, asked{who, tool, in, who.call(tool, in)}) }
		switch random.IntN(12) {
		case 0, 1, 2:
			who.call("add_to_cart", args{"product": any(), "quantity": 1 + random.IntN(3)})
		case 3:
			who.call("update_cart_quantity", args{"product": any(), "quantity": random.IntN(3)})
		case 4:
			if got := who.call("checkout", nil); !got.IsError {
				order[who] = got.text("order_id")
			}
		case 5:
			price := 100 + random.IntN(5000)
			do(s, s.products, "2", catalog.Command(catalog.Offer{Product: catalog.Product{
				ID: "2", Handle: "catnip-mouse", Title: fmt.Sprint("Catnip Mouse ", price), Category: "toys", Variants: variants("MOUSE-CATNIP", "", price),
			}}))
		case 6:
			ask("list_products", args{"limit": 1 + random.IntN(4), "sort": "price_asc"})
			ask("search_products", args{"query": "catnp mouse"})
		case 7:
			ask("get_product", args{"product": any()})
			ask("get_product", args{"product": "catnip-moose"})
		case 8, 9:
			ask("view_cart", nil)
		case 10:
			ask("get_order_history", args{"limit": 1 + random.IntN(3)})
		case 11:
			ask("get_order", args{"order_id": order[who] + "?"})
			if order[who] != "" {
				ask("get_order", args{"order_id": order[who]})
				ask("explain_order", args{"order_id": order[who]})
			}
		}
	}
	for _, q := range all {
		if q.was.number("as_of") <= 0 {
			t.Fatalf("%s does not say what it includes: %s", q.tool, q.was.Text)
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, q := range all {
		again := plainCursor(q.who.call(q.tool, q.pastOf()))
		if diff := cmp.Diff(q.was, again); diff != "" {
			t.Fatalf("%s(%v) was answered otherwise:\n%s", q.tool, q.pastOf(), diff)
		}
	}
	// A person's past is their own.
	for _, q := range all {
		if q.tool == "get_order" && !q.was.IsError {
			other := alice
			if q.who == alice {
				other = bob
			}
			other.refused("order_not_found", "get_order", q.pastOf())
		}
	}
}

// TestAPageOfThePastGoesOnThere, whatever has come since, and whether or not
// as_of is sent again.
func TestAPageOfThePastGoesOnThere(t *testing.T) {
	s := newShop(t)
	a := s.agent(keeper, modernEra)
	buy := func() string {
		s.pass(time.Minute)
		a.ok("add_to_cart", args{"product": "catnip-mouse"})
		return a.ok("checkout", nil).text("order_id")
	}
	var want []string
	for range 5 {
		want = append([]string{buy()}, want...)
	}
	first := a.ok("get_order_history", args{"limit": 2})
	buy()
	for _, again := range []args{nil, {"as_of": "-1m"}, {"as_of": first.number("as_of")}} {
		var got []string
		in := args{"limit": 2, "as_of": first.number("as_of")}
		for page := 0; page < 5; page++ {
			answer := a.ok("get_order_history", in)
			if answer.number("as_of") != first.number("as_of") || answer.number("total") != 5 {
				t.Errorf("page %d is %s", page, answer.Text)
			}
			for _, o := range answer.at("orders").([]any) {
				got = append(got, o.(map[string]any)["order_id"].(string))
			}
			if answer.text("next_cursor") == "" {
				break
			}
			in = args{"limit": 2, "cursor": answer.text("next_cursor")}
			for k, v := range again {
				in[k] = v
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the pages with %v hold\n%s", again, diff)
		}
	}
	live := a.ok("get_order_history", args{"limit": 2, "cursor": first.text("next_cursor")})
	if live.number("total") != 6 {
		t.Errorf("a page of the present does not go on there: %s", live.Text)
	}
	for _, cursor := range []string{first.text("next_cursor") + "@", first.text("next_cursor") + "@x", first.text("next_cursor") + "@now", "@5"} {
		got := a.call("get_order_history", args{"limit": 2, "cursor": cursor})
		if cursor != "@5" && (!got.IsError || got.text("field") != "cursor") {
			t.Errorf("the cursor %q is taken: %s", cursor, got.Text)
		}
	}
	a.refused("invalid_argument", "get_order_history", args{"cursor": first.text("next_cursor") + "@999999"})
}

func TestAMomentIsNamedInManyWays(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": "catnip-mouse"})
	at, when := a.ok("view_cart", nil).number("as_of"), s.clock()
	s.pass(20 * time.Minute)
	a.ok("add_to_cart", args{"product": "whisker-wand"})
	for _, moment := range []any{at, fmt.Sprint(at), float64(at), when.Format(time.RFC3339), when.Add(time.Minute).Format(time.RFC3339), "-20m", "-15m"} {
		if got := a.ok("view_cart", args{"as_of": moment}); got.number("pieces") != 1 || got.number("as_of") != at {
			t.Errorf("at %v the cart was %s", moment, got.Text)
		}
	}
	for _, moment := range []any{"now", "", nil, "-0s", s.clock().Format(time.RFC3339), at + 1} {
		if got := a.ok("view_cart", args{"as_of": moment}); got.number("pieces") != 2 {
			t.Errorf("at %v the cart was %s", moment, got.Text)
		}
	}
	if got := a.ok("view_cart", args{"as_of": 0}); got.number("pieces") != 0 || got.number("as_of") != 0 {
		t.Errorf("before the first event the cart was %s", got.Text)
	}
	for moment, says := range map[any]string{
		"yesterday":                "write a position (1234), a time (2026-11-20T10:00:00Z) or how long ago (-15m, -2h, -3d)",
		"2026-13-01":               "write a position",
		-5:                         "write a position",
		at + 1000:                  "lies in the future; the log ends at",
		"2031-01-01":               "lies in the future; it is 2026-11-23",
		"18446744073709551615":     "write a position",
		"-3d4x":                    "write a position",
		"2026-11-20T10:00:00Z; ls": "write a position",
	} {
		got := a.refused("invalid_argument", "view_cart", args{"as_of": moment})
		if got.text("field") != "as_of" || !strings.Contains(got.text("message"), says) {
			t.Errorf("%v is refused with %s", moment, got.Text)
		}
	}
	// What writes has no past.
	for _, tool := range []string{"add_to_cart", "review_checkout", "checkout"} {
		a.refused("invalid_argument", tool, args{"as_of": at})
	}
}

// TestABuyerMayAskForAFewMoments: each may keep a core busy.
func TestABuyerMayAskForAFewMoments(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	for range 20 {
		a.ok("add_to_cart", args{"product": "catnip-mouse"})
	}
	head := int(s.head())
	for i := range replaysAtOnce {
		a.ok("view_cart", args{"as_of": head - 1 - i})
	}
	got := a.refused("rate_limited", "view_cart", args{"as_of": head - 10})
	if got.at("retryable") != true || !strings.Contains(got.text("message"), "in 10 seconds") {
		t.Errorf("it is refused with %s", got.Text)
	}
	a.ok("view_cart", args{"as_of": head - replaysAtOnce}) // it is at hand
	a.ok("view_cart", args{"as_of": head})
	a.ok("view_cart", nil)
	s.agent("bob", modernEra).ok("view_cart", args{"as_of": head - 10})
	a.ok("view_cart", args{"as_of": head - 10})
	k := s.agent(keeper, modernEra)
	for i := range 10 {
		k.ok("view_cart", args{"as_of": i})
	}
	s.pass(10 * time.Second)
	a.ok("view_cart", args{"as_of": head - 11})
	a.refused("rate_limited", "view_cart", args{"as_of": head - 12})
}

// TestManyMomentsAtOnce: an agent that asks for several things at once gets all.
func TestManyMomentsAtOnce(t *testing.T) {
	s := newShop(t)
	a := s.agent(keeper, modernEra)
	first := int(s.head())
	for range 8 {
		a.ok("add_to_cart", args{"product": "catnip-mouse"})
	}
	a.ok("clear_cart", nil)
	var wg sync.WaitGroup
	for n := 1; n <= 8; n++ {
		wg.Go(func() {
			res, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: "view_cart", Arguments: args{"as_of": first + n}})
			if err != nil || res.IsError || saidOf(t, res).number("pieces") != n {
				t.Errorf("at %d: %+v, %v", first+n, res, err)
			}
		})
	}
	wg.Wait()
}

// gatedLog is a log whose followers wait at a gate.
type gatedLog struct {
	eventlog.Log
	gate chan struct{}
}

func (g gatedLog) Follow(ctx context.Context, after eventlog.Position, most int) iter.Seq2[[]eventlog.Envelope, error] {
	return func(yield func([]eventlog.Envelope, error) bool) {
		for batch, err := range g.Log.Follow(ctx, after, 1) {
			select {
			case <-g.gate:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

// TestAMomentThatIsBeingFolded is answered when it is there, and counted once.
func TestAMomentThatIsBeingFolded(t *testing.T) {
	log := gatedLog{gate: make(chan struct{})}
	var slow *projections.Moments
	s := newShop(t, func(c *Config) {
		log.Log = c.Log
		types := eventlog.NewTypes()
		registerAll(types)
		var err error
		if slow, err = projections.NewMoments(t.TempDir(), log, types); err != nil {
			t.Fatal(err)
		}
		c.Moments = slow
	})
	t.Cleanup(func() { _ = slow.Close() })
	a := s.agent("alice", modernEra)
	for range 3 {
		a.ok("add_to_cart", args{"product": "catnip-mouse"})
	}
	at := int(s.head()) - 1
	ended, end := context.WithCancel(t.Context())
	end()
	var begun *projections.Replaying
	if err := slow.Read(ended, 4, func(*projections.Reader) error { return nil }); !errors.As(err, &begun) {
		t.Fatal(err)
	}
	c := &call{Server: s.face, caller: Caller{User: "usr_alice"}}
	for range 3 * replaysAtOnce { // it is not begun, so it is not counted
		err := c.readPast(ended, eventlog.Position(at), func(*projections.Reader) error { return nil })
		p, _ := explain(err, "id-1")
		if p.Code != "replaying" || !p.Retryable || p.Field != "as_of" || !strings.Contains(p.Message, "up to log position 4 and has reached 0 %") {
			t.Fatalf("it is told as %+v", p)
		}
	}
	close(log.gate)
	if err := slow.Read(t.Context(), 4, func(*projections.Reader) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := a.ok("view_cart", args{"as_of": at}); got.number("pieces") != 2 {
		t.Errorf("the cart was %s", got.Text)
	}
	p, internal := explain(errors.Join(&projections.Replaying{At: 400, Done: 140}, context.DeadlineExceeded), "id-1")
	if p.Code != "replaying" || internal || !strings.Contains(p.Message, "35 %") {
		t.Errorf("one that takes too long is told as %+v", p)
	}
}
