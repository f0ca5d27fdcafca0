package mcp

import (
	"context"
	"slices"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestTheViewsButtonAsksNoMore: who has pressed the button in a view is not asked once
// more. The tool behind it is listed for views alone, and only to clients that show
// them; the shop's rules stand behind it as behind checkout.
func TestTheViewsButtonAsksNoMore(t *testing.T) {
	s := newShop(t)
	eachEra(t, func(t *testing.T, e era) {
		asked := 0
		client := func(shows bool) *agent {
			options := &sdk.ClientOptions{
				Capabilities: &sdk.ClientCapabilities{Elicitation: &sdk.ElicitationCapabilities{Form: &sdk.FormElicitationCapabilities{}}},
				ElicitationHandler: func(context.Context, *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
					asked++
					return &sdk.ElicitResult{Action: "decline"}, nil
				},
			}
			if shows {
				options.Capabilities.AddExtension(appsExtension, map[string]any{"mimeTypes": []string{viewMIME}})
			}
			return s.agentWith("alice", e, options)
		}
		lists := func(a *agent) *sdk.Tool {
			list, err := a.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(encode(list)); n > 25_000 || len(list.Tools) > 20 {
				t.Errorf("%d tools in %d bytes are listed", len(list.Tools), n)
			}
			if i := slices.IndexFunc(list.Tools, func(x *sdk.Tool) bool { return x.Name == viewsCheckout }); i >= 0 {
				return list.Tools[i]
			}
			return nil
		}
		plain, shows := client(false), client(true)
		if lists(plain) != nil {
			t.Error("a client without views has their tool")
		}
		tool := lists(shows)
		if tool == nil || string(encode(tool.Meta)) != `{"ui":{"visibility":["app"]}}` {
			t.Fatalf("the views' tool is listed as %+v", tool)
		}
		lint(t, viewsCheckout, tool.InputSchema)

		shows.ok("add_to_cart", args{"product": "catnip-mouse"})
		quote := shows.ok("review_checkout", nil).text("quote_id")
		before := s.head()
		plain.refused("views_only", viewsCheckout, args{"quote_id": quote})
		if s.head() != before {
			t.Error("a client without views has changed something with their tool")
		}
		shows.refused("confirmation_declined", "checkout", args{"quote_id": quote})
		if asked != 1 {
			t.Fatalf("checkout asks %d times", asked)
		}
		shows.refused("payment_declined", viewsCheckout, args{"quote_id": quote, "payment_method": "pm_card_visa_chargeDeclined"})
		order := shows.ok(viewsCheckout, args{"quote_id": quote})
		again := shows.ok(viewsCheckout, args{"quote_id": quote})
		if asked != 1 || order.text("order_id") == "" || again.text("order_id") != order.text("order_id") || again.Data["replayed"] != true {
			t.Errorf("the button asked %d times and bought %s, then %s", asked-1, order.Text, again.Text)
		}
		checkAgainst(t, s, viewsCheckout, order.Data)
	})
}
