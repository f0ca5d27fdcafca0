package history_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/money"
	"till/domain/order"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
)

var update = flag.Bool("update", false, "write testdata/sentences.txt")

func types() *eventlog.Types {
	t := eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){
		account.Register, session.Register, cart.Register, catalog.Register,
		client.Register, grant.Register, order.Register, promotion.Register, spending.Register, stock.Register,
	} {
		register(t)
	}
	return t
}

// Every event that the shop can store has its words, here those of its golden
// file, and no secret is among them.
func TestEveryEventHasWords(t *testing.T) {
	files, err := filepath.Glob("../*/testdata/events/*.json")
	nested, err2 := filepath.Glob("../*/*/testdata/events/*.json")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	name := regexp.MustCompile(`^(.+)\.v(\d+)\.json$`)
	known, told := types(), map[string]string{}
	for _, file := range append(files, nested...) {
		if strings.HasPrefix(filepath.ToSlash(file), "../eventlog/") {
			continue // the example of how a version is added
		}
		m := name.FindStringSubmatch(filepath.Base(file))
		data, err := os.ReadFile(file)
		if m == nil || err != nil {
			t.Fatal(file, err)
		}
		version := 0
		fmt.Sscan(m[2], &version)
		event, err := known.Decode(eventlog.Envelope{Type: m[1], Version: version, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		told[m[1]] = history.Sentence(event)
		for _, secret := range regexp.MustCompile(`"(?:code|hash|access|refresh|challenge|credential|data)": "([^"]{8,})"`).FindAllStringSubmatch(string(data), -1) {
			// An order's code is the gateway's word, a cart's and a promotion's that of a
			// discount, which its merchant looks for.
			public := strings.HasPrefix(m[1], "order.") || strings.HasPrefix(m[1], "cart.") || strings.HasPrefix(m[1], "promotion.")
			if strings.Contains(told[m[1]], secret[1]) && !public {
				t.Errorf("%s tells a secret: %s", m[1], told[m[1]])
			}
		}
	}
	var b strings.Builder
	for _, typ := range known.Names() {
		if told[typ] == "" {
			t.Errorf("%s has no words", typ)
		}
		fmt.Fprintf(&b, "%-24s %s\n", typ, told[typ])
	}
	golden := filepath.Join("testdata", "sentences.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the words differ from %s (-want +got; -update writes them):\n%s", golden, diff)
	}
	if history.Sentence(42) != "" {
		t.Error("42 is an event")
	}
}

func TestTextFromOutsideIsHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[31mred\x1b[0m\nline\u202e": "a[31mred[0m line",
		"bad\xffbytes":                    "bad�bytes",
		strings.Repeat("é", 100):          strings.Repeat("é", 79) + "…",
	} {
		got := history.Sentence(cart.ItemAdded{Item: cart.Item{Title: in, Price: money.Of(1, "USD")}, Quantity: 1})
		if want := "put 1 × " + want + " into the cart, $0.01 each"; got != want {
			t.Errorf("%q is told as %q, want %q", in, got, want)
		}
	}
}

// A fold by category is the category's own.
func TestFolds(t *testing.T) {
	folds := history.Folds()
	if got := fmt.Sprint(history.Categories()); got != "[account cart client grant order product promotion session spending stock]" {
		t.Error(got)
	}
	state := folds[stock.Category].Zero
	for _, e := range []any{stock.Counted{OnHand: 5}, stock.Reserved{Reservation: "CS-1/1", Quantity: 2}, stock.Committed{Reservation: "CS-1/1", Quantity: 2}} {
		var err error
		if state, err = folds[stock.Category].Evolve(state, e); err != nil {
			t.Fatal(err)
		}
	}
	if s := state.(stock.State); s.OnHand != 3 || len(s.Reserved) != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := folds[cart.Category].Evolve(folds[cart.Category].Zero, stock.Counted{}); err == nil {
		t.Error("a cart takes an event of the stock")
	}
}

func TestDiff(t *testing.T) {
	line := func(sku string, n int) cart.Line {
		return cart.Line{Item: cart.Item{SKU: sku, Price: money.Of(499, "USD")}, Quantity: n}
	}
	before := cart.State{Lines: []cart.Line{line("A", 1), line("B", 2)}, Revision: 3}
	after := cart.State{Lines: []cart.Line{line("B", 3)}, Revision: 4}
	var got []string
	for _, c := range history.Diff(before, after) {
		got = append(got, c.String())
	}
	want := []string{
		`lines.A.handle: "" → (none)`, "lines.A.price.amount: 499 → (none)", "lines.A.price.currency: USD → (none)",
		`lines.A.product: "" → (none)`, "lines.A.quantity: 1 → (none)", "lines.A.sku: A → (none)", `lines.A.title: "" → (none)`,
		"lines.B.quantity: 2 → 3", "revision: 3 → 4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	hash := grant.Hash(strings.Repeat("x", 43))
	secret := fmt.Sprint(history.Diff(grant.State{}, grant.State{Code: hash, Challenge: "c", Access: []grant.Access{{Generation: 1, Hash: hash}}}))
	if strings.Contains(secret, "xxx") || !strings.Contains(secret, "code: …") || !strings.Contains(secret, "access.1.hash: …") {
		t.Error(secret)
	}
	if got := fmt.Sprint(history.Diff(order.State{}, order.State{Code: "card_declined"})); got != "[code: card_declined]" {
		t.Error(got)
	}
}

// Equal states differ in nothing, others in something, and the differences are
// the same read backwards.
func TestDiffLaws(t *testing.T) {
	state := rapid.Custom(func(r *rapid.T) stock.State {
		s := stock.State{OnHand: rapid.IntRange(0, 3).Draw(r, "on hand")}
		for range rapid.IntRange(0, 3).Draw(r, "reserved") {
			if s.Reserved == nil {
				s.Reserved = map[string]stock.Reservation{}
			}
			s.Reserved[rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "id")] = stock.Reservation{Quantity: rapid.IntRange(1, 2).Draw(r, "n")}
		}
		return s
	})
	rapid.Check(t, func(r *rapid.T) {
		a, b := state.Draw(r, "a"), state.Draw(r, "b")
		forth, back := history.Diff(a, b), history.Diff(b, a)
		if (len(forth) == 0) != cmp.Equal(a, b) {
			r.Fatalf("%+v and %+v differ in %v", a, b, forth)
		}
		for i := range back {
			back[i].Before, back[i].After = back[i].After, back[i].Before
		}
		if !cmp.Equal(forth, back) {
			r.Fatalf("%v, backwards %v", forth, back)
		}
	})
}

func TestTimeline(t *testing.T) {
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	usd := money.Of(998, "USD")
	events := []any{
		order.CheckoutStarted{Lines: []cart.Line{{Item: cart.Item{SKU: "M", Title: "Catnip Mouse"}, Quantity: 2}}, Total: usd, User: "usr_1", Quote: "q_1"},
		order.PaymentRequested{Amount: usd, Method: "pm_card_visa", Key: "CS-1-1"},
		order.PaymentDeclined{Code: "card_declined", Reason: "The card was declined."},
		order.CheckoutRetried{Attempt: 2, Method: "pm_other"},
		order.PaymentPending{},
		order.OrderPlaced{Payment: "test_1", Total: usd},
		order.CheckoutFailed{Reason: "Only 1 is left."},
		order.OrderDispatched{Carrier: "Cat Express", Tracking: "CE-1", URL: "https://example.com/CE-1", At: noon},
		order.OrderDelivered{At: noon, ReturnsUntil: noon},
		order.OrderCancelled{By: order.ByBuyer, Reason: "no longer needed", Refund: usd, At: noon},
		order.ReturnRequested{Return: "RT-1", Lines: []order.ReturnedLine{{Pieces: order.Pieces{SKU: "M", Quantity: 2}, Amount: usd}}, Reason: "too small", At: noon},
		order.ReturnApproved{Return: "RT-1"},
		order.ReturnRejected{Return: "RT-1", Reason: "worn"},
		order.ReturnReceived{Return: "RT-1", Refund: usd},
		order.OrderRefunded{Refund: "cancel", Amount: usd, Reference: "test_refund_1"},
		order.RefundRefused{Refund: "RT-1", Code: "card_closed", Reason: "The card is closed."},
	}
	envelopes := make([]eventlog.Envelope, len(events))
	for i := range envelopes {
		envelopes[i] = eventlog.Envelope{Position: eventlog.Position(i + 1), Meta: eventlog.Meta{Time: noon.Add(time.Duration(i) * time.Second)}}
	}
	steps := history.Timeline(envelopes, events)
	if len(steps) != len(events) || steps[2].Position != 3 || !steps[2].Time.Equal(noon.Add(2*time.Second)) {
		t.Fatalf("%+v", steps)
	}
	for i, want := range []string{"2 × Catnip Mouse for $9.98", "$9.98 was asked for", "declined: The card was declined. Nothing was charged", "second time", "never charges twice", "order was placed", "Only 1 is left. Nothing",
		"Cat Express, tracking number CE-1 (https://example.com/CE-1)", "sent back until", "cancelled by the buyer: no longer needed. $9.98 are to be paid back", "Return RT-1 was asked for: 2 × M for $9.98: too small",
		"approved return RT-1", "rejected return RT-1: worn", "$9.98 are to be paid back", "$9.98 were paid back for the cancelled order as test_refund_1", "refund for return RT-1: The card is closed. The shop"} {
		if !strings.Contains(steps[i].Text, want) {
			t.Errorf("%q lacks %q", steps[i].Text, want)
		}
		for _, inside := range []string{"usr_", "q_1", "CS-1-1", "card_declined", "card_closed"} {
			if strings.Contains(steps[i].Text, inside) {
				t.Errorf("%q names %q", steps[i].Text, inside)
			}
		}
	}
}
