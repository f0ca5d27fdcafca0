//go:build conformance

package mcp

//lint:file-ignore SA1019 the suite still tries what 2026-07-28 deprecates.

import (
	"context"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
)

// pause lies between two notifications, so that a stream that holds them back
// shows.
const pause = 50 * time.Millisecond

// runningFixtures tell something while they run, or change what is offered.
func (s *Server) runningFixtures(server *sdk.Server) []fixture {
	return []fixture{
		{name: "test_tool_with_logging", about: "Logs while it runs.", run: func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			for _, line := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
				if err := req.Session.Log(ctx, &sdk.LoggingMessageParams{Level: "info", Data: line}); err != nil {
					return nil, err
				}
				time.Sleep(pause)
			}
			return saying("three lines were logged"), nil
		}},
		{name: "test_logging_tool", about: "Logs to who wants to hear it.", run: func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			if err := req.Session.Log(ctx, &sdk.LoggingMessageParams{Level: "info", Data: "heard only when asked for"}); err != nil {
				return nil, err
			}
			return saying("a line was logged"), nil
		}},
		{name: "test_tool_with_progress", about: "Tells how far it is.", run: progressing},
		// The suite looks for requests to the client in the answer; a question is one
		// that would be, if the era were not known.
		{name: "test_streaming_elicitation", about: "Tells how far it is and asks in its answer.", run: func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			if _, err := progressing(ctx, req); err != nil {
				return nil, err
			}
			return &sdk.CallToolResult{InputRequests: sdk.InputRequestMap{"user_name": askName()}}, nil
		}},
		{name: "test_missing_capability", about: "Needs a client that can sample.", run: func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			if c := req.ClientCapabilities(); c != nil && c.Sampling != nil {
				return saying("the client can sample"), nil
			}
			return nil, &jsonrpc.Error{Code: sdk.CodeMissingRequiredClientCapabilities, Message: "this tool needs a client that can sample",
				Data: encode(map[string]any{"requiredCapabilities": map[string]any{"sampling": map[string]any{}}})}
		}},
		{name: "test_trigger_tool_change", about: "Changes the list of tools.", run: func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			server.AddTool(&sdk.Tool{Name: "test_came_later", Description: "Came later.", InputSchema: inputSchema(nil)}, says(&sdk.TextContent{Text: "late"}))
			s.changed([]eventlog.Stream{listStream(toolsChanged)})
			return saying("there is another tool"), nil
		}},
		{name: "test_trigger_prompt_change", about: "Changes the list of prompts.", run: func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			server.AddPrompt(&sdk.Prompt{Name: "test_came_later", Description: "Came later."}, prompt("late", nil, "late"))
			s.changed([]eventlog.Stream{listStream(promptsChanged)})
			return saying("there is another prompt"), nil
		}},
	}
}

// progressing tells how far it is to who gave a token for it.
func progressing(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	for done := 0.0; done <= 100; done += 50 {
		if token := req.Params.GetProgressToken(); token != nil {
			if err := req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token, Progress: done, Total: 100}); err != nil {
				return nil, err
			}
		}
		time.Sleep(pause)
	}
	return saying("done"), nil
}

// schemaFixtures have schemas that the shop's own tools have no use for.
func schemaFixtures() []fixture {
	return []fixture{
		{name: "test_x_mcp_header", about: "Has an argument that stands in a header too.", run: says(&sdk.TextContent{Text: "taken"}),
			schema: `{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"level":{"type":"integer"}}}`},
		{name: "json_schema_2020_12_tool", about: "Has a schema with much of the vocabulary of 2020-12.", run: says(&sdk.TextContent{Text: "taken"}),
			schema: `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
				"$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
				"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"express":{"type":"boolean"},"slot":{"type":"string"},"note":{"type":"string"}},
				"allOf":[{"anyOf":[{"required":["name"]},{"required":["address"]}]}],
				"if":{"properties":{"express":{"const":true}},"required":["express"]},"then":{"required":["slot"]},"else":{"maxProperties":3},
				"additionalProperties":false}`},
	}
}
