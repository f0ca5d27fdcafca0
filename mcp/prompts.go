package mcp

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxPromptArgument bounds what a person types into a prompt, in characters.
const maxPromptArgument = 300

// addPrompts offers what people come for, as texts for their model.
func (s *Server) addPrompts(server *sdk.Server) {
	server.AddPrompt(&sdk.Prompt{
		Name: "find_a_gift", Title: "Find a gift", Description: "Find a present and put it into the cart.",
		Arguments: []*sdk.PromptArgument{
			{Name: "recipient", Title: "For whom", Description: "Who gets it and what they like."},
			{Name: "budget", Title: "Budget", Description: "The most it may cost, in " + s.Currency + "."},
		},
	}, prompt("Help me find a gift in this shop.",
		[]string{"recipient", "It is for: %s", "budget", "It may cost at most: %s"},
		"Use search_products with a few different words and max_price if there is a budget, look at the best with get_product, and offer me three with price and why. Put the one I choose into the cart with add_to_cart. Do not check out unless I ask for it."))
	server.AddPrompt(&sdk.Prompt{
		Name: "reorder_my_usual", Title: "Order my usual again", Description: "Put what was bought before into the cart again.",
		Arguments: []*sdk.PromptArgument{{Name: "what", Title: "What", Description: "What to buy again; empty for the last order."}},
	}, prompt("I want to buy again what I bought before.",
		[]string{"what", "I mean: %s"},
		"Find it with get_order_history and get_order, show me what you found (if I named none and there are several that fit, ask which), and put it into the cart with reorder; say what was not added, which prices changed and what its substitutes are. Then call review_checkout, show me the lines and the total, and check out only after I say yes."))
	server.AddPrompt(&sdk.Prompt{
		Name: "where_is_my_order", Title: "Where is my order?", Description: "Tell how an order stands.",
		Arguments: []*sdk.PromptArgument{{Name: "order_id", Title: "Order", Description: "Its number; empty for the last one."}},
	}, prompt("Tell me how my order stands.",
		[]string{"order_id", "The order is: %s"},
		"Use get_order, or get_order_history if I named none, and explain_order for what happened when. Tell me its status, what is in it, what it cost, and whether I need to do anything; where its next_steps offer more, tell me what I can ask for and do none of it before I say so."))
}

// prompt makes a handler of a beginning, of arguments with the line that each
// adds, and of an end.
func prompt(begin string, arguments []string, end string) sdk.PromptHandler {
	return func(_ context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
		lines := []string{begin}
		for i := 0; i+1 < len(arguments); i += 2 {
			given := strings.Join(strings.Fields(req.Params.Arguments[arguments[i]]), " ")
			if len([]rune(given)) > maxPromptArgument {
				return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams,
					Message: fmt.Sprintf("%s is longer than %d characters", arguments[i], maxPromptArgument)}
			}
			if given != "" {
				lines = append(lines, fmt.Sprintf(arguments[i+1], given))
			}
		}
		return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{
			Role: "user", Content: &sdk.TextContent{Text: strings.Join(append(lines, end), "\n")},
		}}}, nil
	}
}
