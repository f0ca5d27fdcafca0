package mcp

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"pgregory.net/rapid"
)

// TestAWrittenResultIsWhatTheSDKWouldWrite compares both, as JSON values.
func TestAWrittenResultIsWhatTheSDKWouldWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		w := &written{Content: [1]block{{"text", text}}, IsError: rapid.Bool().Draw(t, "error")}
		theirs := &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}, IsError: w.IsError}
		if rapid.Bool().Draw(t, "structured") {
			w.StructuredContent = map[string]string{"k": rapid.String().Draw(t, "value")}
			theirs.StructuredContent = w.StructuredContent
		}
		if rapid.Bool().Draw(t, "meta") {
			w.Meta = sdk.Meta{"k": rapid.String().Draw(t, "meta value")}
			theirs.Meta = w.Meta
		}
		var ours, want any
		if err := json.Unmarshal(encode(w), &ours); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encode(theirs), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ours); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestTheResultNamesServerAndTypeInTheNewEraOnly: 2026-07-28, results.
func TestTheResultNamesServerAndTypeInTheNewEraOnly(t *testing.T) {
	s := newShop(t)
	var m struct{ Result map[string]any }
	s.post(t, modernBody("tools/call", "view_cart", nil), modernHeaders("tools/call", "view_cart"), 200, &m)
	meta, _ := m.Result["_meta"].(map[string]any)
	if m.Result["resultType"] != "complete" || meta["io.modelcontextprotocol/serverInfo"] == nil {
		t.Errorf("the result is %v", m.Result)
	}
	m.Result = nil
	s.post(t, legacyCall("view_cart", nil), s.legacyHeaders(s.session(t, "alice")), 200, &m)
	if _, there := m.Result["resultType"]; there || m.Result["_meta"] != nil {
		t.Errorf("the result is %v", m.Result)
	}
}
