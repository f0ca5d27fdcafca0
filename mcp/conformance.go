//go:build conformance

package mcp

//lint:file-ignore SA1019 the suite still tries what 2026-07-28 deprecates.

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// What the official conformance suite calls by name, on the shop's own server, so
// that the suite judges the chain, the routing and the middleware that a shop
// serves with. Names and payloads are the suite's; none of it is in a shop's
// program.

// fixture is one tool of them.
type fixture struct {
	name, about string
	// schema is that of its arguments; empty for none.
	schema string
	run    sdk.ToolHandler
}

// watchedURI is the resource that can be subscribed to.
const watchedURI = "test://watched-resource"

// fixtureOptions claims what the suite tries and the shop has no use for.
func (s *Server) fixtureOptions(o *sdk.ServerOptions) {
	o.Capabilities.Logging = &sdk.LoggingCapabilities{}
	o.Capabilities.Tools.ListChanged = true
	o.Capabilities.Prompts.ListChanged = true
	o.SubscribeHandler = func(_ context.Context, req *sdk.SubscribeRequest) error { return onlyWatched(req.Params.URI) }
	o.UnsubscribeHandler = func(_ context.Context, req *sdk.UnsubscribeRequest) error { return onlyWatched(req.Params.URI) }
}

func onlyWatched(uri string) error {
	if uri == watchedURI {
		return nil
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "nothing to watch there"}
}

func (s *Server) addFixtures(server *sdk.Server) {
	seal := sealer(s.NewID())
	for _, group := range [][]fixture{contentFixtures(), schemaFixtures(), runningFixtures(server), legacyQuestions(), modernQuestions(), stateQuestions(seal)} {
		for _, f := range group {
			schema := json.RawMessage(f.schema)
			if f.schema == "" {
				schema = json.RawMessage(`{"type":"object","additionalProperties":false}`)
			}
			server.AddTool(&sdk.Tool{Name: f.name, Description: f.about, InputSchema: schema}, f.run)
		}
	}
	addFixtureResources(server)
	addFixturePrompts(server)
}

// says is a handler that always answers the same.
func says(content ...sdk.Content) sdk.ToolHandler {
	return func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{Content: content}, nil
	}
}

// saying is an answer of one text.
func saying(text string) *sdk.CallToolResult {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}
}
