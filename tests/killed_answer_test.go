package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A person is asked, the shop is killed, and their yes is taken by the next one; it
// is killed again, and the same yes is the same order.
func TestAnAnswerSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	shop := spawn(t, dir, "127.0.0.1:0")
	token := login(t, shop.endpoint, "alice", password(t, dir, "alice"), scopes)
	connect(t, shop.endpoint, token).call("add_to_cart", args{"product": 2, "quantity": 2})
	type result struct {
		ResultType, RequestState string
		InputRequests            map[string]json.RawMessage
		StructuredContent        struct {
			Status   string
			OrderID  string `json:"order_id"`
			Replayed bool
		}
	}
	checkout := func(back string) (r result) {
		t.Helper()
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"checkout",%s"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}`, back)
		status, _, text := post(t, shop.endpoint, token, body, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "checkout")
		var m struct{ Result result }
		if err := json.Unmarshal([]byte(text), &m); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		return m.Result
	}
	kill := func() {
		t.Helper()
		at := address(t, shop.endpoint)
		shop.kill()
		shop = spawn(t, dir, at)
	}
	asked := checkout("")
	if asked.ResultType != "input_required" || len(asked.InputRequests) != 1 || strings.ContainsAny(asked.RequestState, "\"\\") {
		t.Fatalf("it is answered with %+v", asked)
	}
	yes := fmt.Sprintf(`"requestState":%q,"inputResponses":{"confirm_purchase":{"action":"accept","content":{"buy":"yes"}}},`, asked.RequestState)
	kill()
	bought := checkout(yes)
	if bought.StructuredContent.Status != "placed" || bought.StructuredContent.Replayed {
		t.Fatalf("after a kill: %+v", bought)
	}
	kill()
	if again := checkout(yes); again.StructuredContent.OrderID != bought.StructuredContent.OrderID || !again.StructuredContent.Replayed {
		t.Errorf("after another: %+v, not %+v", again, bought)
	}
	if got := connect(t, shop.endpoint, token).call("get_order_history", nil).at("total"); got != 1.0 {
		t.Errorf("%v orders were placed", got)
	}
}
