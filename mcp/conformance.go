//go:build conformance

package mcp

//lint:file-ignore SA1019 the suite still tries what 2026-07-28 deprecates.

import (
	"context"
	"encoding/json"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
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
}

// fixtureStreams are the streams that change a fixture: none does.
func (c *call) fixtureStreams(uri string) ([]eventlog.Stream, error) {
	if uri == watchedURI {
		return nil, nil
	}
	return nil, missingResource(uri)
}

func (s *Server) addFixtures(server *sdk.Server) {
	seal := sealer(s.NewID())
	for _, group := range [][]fixture{contentFixtures(), schemaFixtures(), s.runningFixtures(server), legacyQuestions(), modernQuestions(), stateQuestions(seal)} {
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
