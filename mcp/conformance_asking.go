//go:build conformance

package mcp

//lint:file-ignore SA1019 the suite still tries what 2026-07-28 deprecates.

import (
	"context"
	"encoding/json"
	"fmt"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// form is a question to the person with the JSON schema of the answer.
func form(message, schema string) *sdk.ElicitParams {
	return &sdk.ElicitParams{Message: message, RequestedSchema: json.RawMessage(schema)}
}

// oneField is the schema of an object with one required property.
func oneField(name, kind string) string {
	return fmt.Sprintf(`{"type":"object","properties":{%q:{"type":%q}},"required":[%[1]q]}`, name, kind)
}

func askName() *sdk.ElicitParams { return form("What is your name?", oneField("name", "string")) }

// askModel is a question to the client's model.
func askModel(text string, tokens int64) *sdk.CreateMessageParams {
	return &sdk.CreateMessageParams{MaxTokens: tokens, Messages: []*sdk.SamplingMessage{{Role: "user", Content: &sdk.TextContent{Text: text}}}}
}

// answers are what came back, by the names of the questions.
type answers sdk.InputResponseMap

// form is a value that the person filled in; false unless they did.
func (a answers) form(question, field string) (value any, ok bool) {
	if e, is := a[question].(*sdk.ElicitResult); is && e != nil && e.Action == "accept" {
		value, ok = e.Content[field]
	}
	return value, ok
}

// model is what the client's model said; false for nothing.
func (a answers) model(question string) (text string, ok bool) {
	switch r := a[question].(type) {
	case *sdk.CreateMessageResult:
		if t, is := r.Content.(*sdk.TextContent); is {
			return t.Text, true
		}
	case *sdk.CreateMessageWithToolsResult:
		for _, c := range r.Content {
			if t, is := c.(*sdk.TextContent); is {
				return t.Text, true
			}
		}
	}
	return "", false
}

// roots are the client's; false if it did not say.
func (a answers) roots(question string) (uris []string, ok bool) {
	r, ok := a[question].(*sdk.ListRootsResult)
	if !ok || r == nil {
		return nil, false
	}
	for _, root := range r.Roots {
		uris = append(uris, root.URI)
	}
	return uris, true
}

// asking asks until the answers are enough to say something.
func asking(questions func(*sdk.CallToolRequest) sdk.InputRequestMap, say func(answers) (string, bool)) sdk.ToolHandler {
	return func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if text, enough := say(answers(req.Params.InputResponses)); enough {
			return saying(text), nil
		}
		return &sdk.CallToolResult{InputRequests: questions(req)}, nil
	}
}

// always asks the same.
func always(name string, question sdk.InputRequest) func(*sdk.CallToolRequest) sdk.InputRequestMap {
	return func(*sdk.CallToolRequest) sdk.InputRequestMap { return sdk.InputRequestMap{name: question} }
}

// contextPrompt is a prompt that asks first.
func contextPrompt(_ context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
	about, ok := answers(req.Params.InputResponses).form("user_context", "context")
	if !ok {
		return &sdk.GetPromptResult{InputRequests: sdk.InputRequestMap{
			"user_context": form("What context should the prompt use?", oneField("context", "string")),
		}}, nil
	}
	return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{Role: "user", Content: &sdk.TextContent{Text: fmt.Sprint("The context is: ", about)}}}}, nil
}
