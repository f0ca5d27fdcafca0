package mcp

import (
	"context"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// written is a tool's result as it goes out, flat. The SDK's own type is encoded
// part by part by marshalers of its own, and what a marshaler returns is scanned
// again on every level around it: on a cart of three lines that is a tenth of the
// whole call (BenchmarkCall).
type written struct {
	sdk.ResultBase
	Content           [1]block `json:"content"`
	StructuredContent any      `json:"structuredContent,omitempty"`
	IsError           bool     `json:"isError,omitempty"`
	// ResultType is said since 2026-07-28 (results).
	ResultType string `json:"resultType,omitempty"`
}

// block is a block of text.
type block struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// writing hands the results of tools on as written ones. Those that ask the
// client something stay as they are; the SDK must see them.
func writing(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		res, err := next(ctx, method, req)
		r, ok := res.(*sdk.CallToolResult)
		if err != nil || !ok || r == nil || len(r.Content) != 1 || r.InputRequests != nil || r.RequestState != "" {
			return res, err
		}
		text, plain := r.Content[0].(*sdk.TextContent)
		call, served := req.(*sdk.CallToolRequest)
		if !plain || text.Meta != nil || text.Annotations != nil || !served {
			return res, err
		}
		w := &written{Content: [1]block{{"text", text.Text}}, StructuredContent: r.StructuredContent, IsError: r.IsError}
		w.Meta = r.Meta
		// Of the call, not of its session: over two streams one may hold both eras.
		if call.ProtocolVersion() >= modernSince {
			w.ResultType = "complete"
		}
		return w, nil
	}
}
