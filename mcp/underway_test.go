package mcp

import (
	"encoding/json"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/checkout"
	"till/domain/order"
)

// TestWhoFindsAPurchaseUnderWayMakesNoOther: nobody is asked about a purchase that is
// under way, so a call that finds it so answers with its end and tries no other card,
// also if the payment is declined just before the call itself goes on.
func TestWhoFindsAPurchaseUnderWayMakesNoOther(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 9})
	quote := a.ok("review_checkout", nil).text("quote_id")
	first := args{"quote_id": quote, "payment_method": "fail_token"}
	state := s.buy(t, "alice", canAsk, first, nil).RequestState
	s.gateway.slow = 300 * time.Millisecond
	over := make(chan round, 1)
	go func() { over <- s.buy(t, "alice", canAsk, first, answered(state, "yes")) }()
	status := func() order.State {
		o, _, err := s.process.Orders.State(t.Context(), checkout.OrderID(quote))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for status().Status != order.Paying {
		time.Sleep(time.Millisecond)
	}

	c := &call{Server: s.face, tool: "checkout", caller: Caller{User: "usr_alice", Client: "cli_1"}}
	c.sent = &sdk.CallToolRequest{Params: &sdk.CallToolParamsRaw{Name: "checkout", Meta: sdk.Meta{
		"io.modelcontextprotocol/protocolVersion": string(modernEra), "io.modelcontextprotocol/clientCapabilities": map[string]any{"elicitation": map[string]any{}},
	}, Arguments: json.RawMessage(`{}`)}}
	r := checkout.Request{User: "usr_alice", Client: "cli_1", Quote: quote, Method: "pm_card_visa"}
	if err := c.confirm(t.Context(), &r, c.meta()); err != nil || c.asks != nil {
		t.Fatalf("the person is asked about what is under way: %v, %+v", err, c.asks)
	}
	if got := <-over; got.code() != "payment_declined" {
		t.Fatalf("the first call gets %+v", got)
	}
	res, err := s.process.CheckOut(t.Context(), r, c.meta())
	if o := status(); err != nil || res.Order.Status != order.Declined || o.Attempt != 1 || s.placed() != 0 {
		t.Errorf("without a question it made attempt %d, which is %s (%v)", o.Attempt, o.Status, err)
	}
}
