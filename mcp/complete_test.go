package mcp

import (
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/grant"
)

// TestArgumentsAreCompleted, with what the person may see and nothing else.
func TestArgumentsAreCompleted(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		a := s.agent("alice", e)
		a.ok("add_to_cart", args{"product": 2})
		id := a.ok("checkout", nil).text("order_id")
		resource := func(uri string) *sdk.CompleteReference { return &sdk.CompleteReference{Type: "ref/resource", URI: uri} }
		prompt := func(name string) *sdk.CompleteReference {
			return &sdk.CompleteReference{Type: "ref/prompt", Name: name}
		}
		for _, test := range []struct {
			token           string
			ref             *sdk.CompleteReference
			argument, typed string
			want            []string
		}{
			{"alice", resource("shop://products/{handle}"), "handle", "catnip", []string{"catnip-mouse"}},
			{"alice", resource("shop://products/{handle}"), "handle", "cozy-cat-b", []string{"cozy-cat-bed"}},
			{"alice", resource("shop://products/{handle}"), "handle", "", []string{"cozy-cat-bed", "catnip-mouse", "gone-thing", "rare-thing", "whisker-wand"}},
			{"alice", resource("shop://orders/{number}"), "number", "", []string{id}},
			{"alice", resource("shop://orders/{number}"), "number", strings.ToLower(id[:5]), []string{id}},
			{"alice", prompt("where_is_my_order"), "order_id", id[:4], []string{id}},
			{"alice", prompt("where_is_my_order"), "order_id", "XX", nil},
			{"bob", prompt("where_is_my_order"), "order_id", "", nil},
			{"alice:" + grant.CatalogRead, prompt("where_is_my_order"), "order_id", "", nil},
			{"alice", prompt("reorder_my_usual"), "what", "cat", []string{"Catnip Mouse"}},
			{"alice", prompt("reorder_my_usual"), "what", "wand", nil},
			{"bob", prompt("reorder_my_usual"), "what", "", nil},
			{"alice", prompt("find_a_gift"), "budget", "1", []string{"10", "100", "150"}},
			{"alice", prompt("find_a_gift"), "recipient", "m", nil},
			{"alice", resource("shop://policies/{name}"), "name", "", []string{"payment", "privacy", "returns", "shipping"}},
			{"alice", resource("shop://policies/{name}"), "name", "Pr", []string{"privacy"}},
			{"alice:" + grant.OrdersRead, resource("shop://policies/{name}"), "name", "", []string{"payment", "privacy", "returns", "shipping"}},
			{"alice", resource("shop://secrets/{id}"), "id", "1", nil},
		} {
			got, err := s.agent(test.token, e).Complete(t.Context(), &sdk.CompleteParams{Ref: test.ref, Argument: sdk.CompleteParamsArgument{Name: test.argument, Value: test.typed}})
			if err != nil {
				t.Errorf("%s %v: %v", test.token, *test.ref, err)
				continue
			}
			slices.Sort(got.Completion.Values)
			slices.Sort(test.want)
			if got.Completion.Values == nil || !slices.Equal(got.Completion.Values, test.want) || got.Completion.HasMore || got.Completion.Total > len(test.want) {
				t.Errorf("%s types %q at %v: %+v, want %q", test.token, test.typed, *test.ref, got.Completion, test.want)
			}
		}
		_, err := a.Complete(t.Context(), &sdk.CompleteParams{Ref: prompt("where_is_my_order"), Argument: sdk.CompleteParamsArgument{Name: "order_id", Value: strings.Repeat("x", maxURI+1)}})
		if err == nil {
			t.Error("an argument without end is taken")
		}
	})
}
