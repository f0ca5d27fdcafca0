package mcp

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/checkout"
	"till/domain/money"
	"till/domain/spending"
)

// round is one round of a checkout in the new era, as it stands on the wire.
type round struct {
	ResultType    string
	InputRequests map[string]struct {
		Method string
		Params struct{ Mode, Message string }
	}
	RequestState      string
	IsError           bool
	StructuredContent map[string]any
	Content           []struct{ Text string }
}

// buy sends a checkout with what it comes back with, nil for a first round, as a
// client that declares what it can do.
func (s *shop) buy(t *testing.T, token, can string, arguments args, back map[string]any) round {
	t.Helper()
	params := map[string]any{"name": "checkout", "arguments": arguments, "_meta": map[string]any{
		"io.modelcontextprotocol/protocolVersion": string(modernEra), "io.modelcontextprotocol/clientInfo": map[string]any{"name": "wire", "version": "1"},
		"io.modelcontextprotocol/clientCapabilities": json.RawMessage(can),
	}}
	for name, value := range back {
		params[name] = value
	}
	headers := modernHeaders("tools/call", "checkout")
	headers.Set("Authorization", "Bearer "+token)
	var m struct{ Result round }
	s.post(t, encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}), headers, 200, &m)
	return m.Result
}

const canAsk = `{"elicitation":{}}`

// answered is a client's answer with the state that it was given.
func answered(state, word string) map[string]any {
	return map[string]any{"requestState": state, "inputResponses": map[string]any{buying: map[string]any{"action": "accept", "content": map[string]any{"buy": word}}}}
}

func (r round) code() string {
	if !r.IsError || len(r.Content) != 1 {
		return ""
	}
	for _, part := range strings.Split(r.Content[0].Text, `"code":"`)[1:] {
		code, _, _ := strings.Cut(part, `"`)
		return code
	}
	return ""
}

// asked is a cart of alice's and the question about it.
func (s *shop) asked(t *testing.T, arguments args) round {
	t.Helper()
	s.agent("alice", modernEra).ok("add_to_cart", args{"product": 9, "quantity": 3})
	first := s.buy(t, "alice", canAsk, arguments, nil)
	if first.ResultType != "input_required" || first.IsError || first.Content != nil || first.RequestState == "" || len(first.InputRequests) != 1 ||
		first.InputRequests[buying].Method != "elicitation/create" || first.InputRequests[buying].Params.Mode != "form" || !strings.Contains(first.InputRequests[buying].Params.Message, "3 × Rare Thing: $30.00") {
		t.Fatalf("the first round is %+v", first)
	}
	return first
}

// TestOnlyWhatAClientDeclaresIsAsked: what it did not declare it may not be sent.
func TestOnlyWhatAClientDeclaresIsAsked(t *testing.T) {
	for can, asks := range map[string]bool{
		`{}`: false, `{"sampling":{},"roots":{}}`: false, `{"elicitation":{"url":{}}}`: false,
		`{"elicitation":{}}`: true, `{"elicitation":{"form":{}}}`: true, `{"elicitation":{"form":{},"url":{}}}`: true,
	} {
		s := newShop(t)
		s.agent("alice", modernEra).ok("add_to_cart", args{"product": 9})
		if got := s.buy(t, "alice", can, nil, nil); (got.ResultType == "input_required") != asks || (got.StructuredContent["status"] == "placed") == asks {
			t.Errorf("%s gets %+v", can, got)
		}
	}
}

// TestAnAnswerOfTheNewEraIsOneOrder, however often it comes.
func TestAnAnswerOfTheNewEraIsOneOrder(t *testing.T) {
	s := newShop(t)
	first := s.asked(t, nil)
	before := s.head()
	again := s.buy(t, "alice", canAsk, nil, nil) // the question got lost
	empty := s.buy(t, "alice", canAsk, nil, map[string]any{"requestState": first.RequestState})
	stray := s.buy(t, "alice", canAsk, nil, map[string]any{"requestState": first.RequestState, "inputResponses": map[string]any{"other": map[string]any{"action": "accept"}}})
	forged := s.buy(t, "alice", canAsk, nil, map[string]any{"inputResponses": answered("", "yes")["inputResponses"]})
	for what, r := range map[string]round{"again": again, "empty": empty, "stray": stray, "without state": forged} {
		if r.ResultType != "input_required" || r.InputRequests[buying].Params.Message != first.InputRequests[buying].Params.Message || s.head() != before {
			t.Errorf("%s: %+v", what, r)
		}
	}
	for said, code := range map[string]string{"no": "confirmation_declined", "": "confirmation_unanswered"} {
		if got := s.buy(t, "alice", `{}`, nil, answered(first.RequestState, said)); got.code() != code || s.head() != before {
			t.Errorf("%q of a client that declares nothing any more: %+v", said, got)
		}
	}
	if got := s.buy(t, "alice", `{}`, nil, map[string]any{"requestState": first.RequestState}); got.code() != "confirmation_unanswered" || s.head() != before {
		t.Errorf("the state alone: %+v", got)
	}
	var order any
	for i := range 4 {
		got := s.buy(t, "alice", canAsk, nil, answered(first.RequestState, "yes"))
		if i == 0 {
			order = got.StructuredContent["order_id"]
		}
		if got.StructuredContent["order_id"] != order || order == nil || got.StructuredContent["replayed"] != (i > 0) || got.ResultType != "complete" {
			t.Errorf("answer %d gets %+v", i, got)
		}
	}
	// The other question about the same cart, and a no that comes late.
	if got := s.buy(t, "alice", canAsk, nil, answered(again.RequestState, "yes")); got.StructuredContent["order_id"] != order {
		t.Errorf("the second question gets %+v", got)
	}
	if got := s.buy(t, "alice", canAsk, nil, answered(first.RequestState, "no")); got.StructuredContent["order_id"] != order {
		t.Errorf("a late no gets %+v", got)
	}
	if n := s.placed(); n != 1 {
		t.Errorf("%d orders were placed", n)
	}
}

// TestOneYesIsOneTryToPay: sent again after a decline it is not another.
func TestOneYesIsOneTryToPay(t *testing.T) {
	s := newShop(t)
	pay := args{"payment_method": "fail_token"}
	first := s.asked(t, pay)
	after := s.head()
	for i := range 3 {
		got := s.buy(t, "alice", canAsk, pay, answered(first.RequestState, "yes"))
		if got.code() != "payment_declined" {
			t.Fatalf("answer %d gets %+v", i, got)
		}
		if i == 0 {
			after = s.head()
		}
	}
	if s.head() != after {
		t.Errorf("%d events came of an answer that was used", s.head()-after)
	}
	second := s.buy(t, "alice", canAsk, args{"payment_method": "success_token"}, nil)
	if got := s.buy(t, "alice", canAsk, args{"payment_method": "success_token"}, answered(second.RequestState, "yes")); got.StructuredContent["status"] != "placed" {
		t.Errorf("with another method: %+v", got)
	}
	if got := s.buy(t, "alice", canAsk, pay, answered(first.RequestState, "yes")); got.StructuredContent["replayed"] != true || s.placed() != 1 {
		t.Errorf("the first answer again: %+v", got)
	}
}

// TestAStateThatIsNotThisCallsBuysNothing: the client keeps it, and who asks may be
// anybody.
func TestAStateThatIsNotThisCallsBuysNothing(t *testing.T) {
	s := newShop(t, func(c *Config) {
		known := c.Caller
		c.Caller = func(info *auth.TokenInfo) (Caller, bool) {
			caller, ok := known(info)
			if user, other := strings.CutSuffix(info.UserID, "-elsewhere"); other {
				caller.User, caller.Client = "usr_"+user, "cli_2"
			}
			return caller, ok
		}
	})
	with := args{"payment_method": "pm_card_visa"}
	state := s.asked(t, with).RequestState
	s.agent("bob", modernEra).ok("add_to_cart", args{"product": 1})
	before := s.head()
	text, mac, _ := strings.Cut(state, ".")
	for name, c := range map[string]struct {
		token string
		args  args
		state string
	}{
		"somebody else's":          {"bob", with, state},
		"another client's":         {"alice-elsewhere", with, state},
		"another payment method":   {"alice", args{"payment_method": "success_token"}, state},
		"another key":              {"alice", args{"payment_method": "pm_card_visa", "idempotency_key": "k"}, state},
		"another quote":            {"alice", args{"payment_method": "pm_card_visa", "quote_id": "q_x"}, state},
		"changed":                  {"alice", with, strings.Replace(state, "q_A", "q_B", 1)},
		"another attempt":          {"alice", with, strings.Replace(text, " 1 ", " 2 ", 1) + "." + mac},
		"a later end":              {"alice", with, text + "9." + mac},
		"without its proof":        {"alice", with, text},
		"an empty proof":           {"alice", with, text + "."},
		"only a proof":             {"alice", with, "." + mac},
		"nonsense":                 {"alice", with, "\u0000..//%s"},
		"without end":              {"alice", with, strings.Repeat(".", 200_000)},
		"sealed for another thing": {"alice", with, sealer(s.process.Secret).seal(text)},
	} {
		got := s.buy(t, c.token, canAsk, c.args, answered(c.state, "yes"))
		if got.code() != "confirmation_invalid" || !strings.Contains(got.Content[0].Text, "Nothing was bought") || strings.Contains(got.Content[0].Text, "q_A") {
			t.Errorf("%s gets %+v", name, got)
		}
	}
	if s.head() != before {
		t.Errorf("%d events were written", s.head()-before)
	}
	s.pass(checkout.QuoteLife + time.Second)
	if got := s.buy(t, "alice", canAsk, with, answered(state, "yes")); got.code() != "confirmation_invalid" || !strings.Contains(got.Content[0].Text, "too late") {
		t.Errorf("too late it gets %+v", got)
	}
}

// TestAnAnswerSurvivesARestart: the shop remembers no question.
func TestAnAnswerSurvivesARestart(t *testing.T) {
	s := newShop(t)
	state := s.asked(t, nil).RequestState
	s.serve() // the same log and secret, another process as far as anybody sees
	got := s.buy(t, "alice", canAsk, nil, answered(state, "yes"))
	order := got.StructuredContent["order_id"]
	if got.StructuredContent["status"] != "placed" {
		t.Fatalf("after a restart: %+v", got)
	}
	s.serve()
	if got := s.buy(t, "alice", canAsk, nil, answered(state, "yes")); got.StructuredContent["order_id"] != order || got.StructuredContent["replayed"] != true {
		t.Errorf("after another: %+v", got)
	}
}

// TestApprovalsAreGivenOnTheirPage, and who said yes there is not asked again.
func TestApprovalsAreGivenOnTheirPage(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		asked := 0
		a := s.attended("alice", e, func(*sdk.ElicitParams) (*sdk.ElicitResult, error) {
			asked++
			return chose("yes"), nil
		})
		rules, above := spending.ID("usr_alice", "cli_1"), money.Of(1500, "USD")
		do(s, s.process.Spendings, rules, spending.Command(spending.SetRules{User: "usr_alice", Client: "cli_1", Rules: spending.Rules{AskAbove: &above}, At: s.clock()}))
		a.ok("add_to_cart", args{"product": 1})
		if a.ok("checkout", nil); asked != 1 {
			t.Errorf("below the threshold the person is asked %d times", asked)
		}
		a.ok("add_to_cart", args{"product": 1, "quantity": 2})
		quote := a.ok("review_checkout", nil).text("quote_id")
		for range 2 {
			if got := a.refused("approval_required", "checkout", args{"quote_id": quote}); !strings.Contains(got.text("approve_url"), "/approve?") || asked != 1 {
				t.Errorf("asked %d times: %s", asked, got.Text)
			}
		}
		do(s, s.process.Spendings, rules, spending.Command(spending.Approve{Purchase: checkout.Purchase(quote), At: s.clock()}))
		if got := a.ok("checkout", args{"quote_id": quote}); got.text("status") != "placed" || asked != 1 {
			t.Errorf("asked %d times: %s", asked, got.Text)
		}
	})
}

// TestAYesIsNotAnApproval: rules that were set while the person thought hold.
func TestAYesIsNotAnApproval(t *testing.T) {
	s := newShop(t)
	state := s.asked(t, nil).RequestState
	above := money.Of(0, "USD")
	do(s, s.process.Spendings, spending.ID("usr_alice", "cli_1"), spending.Command(spending.SetRules{User: "usr_alice", Client: "cli_1", Rules: spending.Rules{AskAbove: &above}, At: s.clock()}))
	if got := s.buy(t, "alice", canAsk, nil, answered(state, "yes")); got.code() != "approval_required" || s.placed() != 0 {
		t.Errorf("it gets %+v", got)
	}
}
