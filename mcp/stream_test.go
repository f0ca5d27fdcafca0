package mcp

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestAStreamOnlyWhereSomethingComesFirst: progress needs a stream, a lone answer
// does not, and a client that takes no stream gets the answer alone.
func TestAStreamOnlyWhereSomethingComesFirst(t *testing.T) {
	s := newShop(t)
	s.face.sdk.AddTool(&sdk.Tool{Name: "slow", InputSchema: inputSchema(nil)}, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if err := req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: "p", Progress: 1}); err != nil {
			return nil, err
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "done"}}}, nil
	})
	headers := s.legacyHeaders(s.session(t, "alice"))
	for accept, kind := range map[string]string{
		"application/json, text/event-stream": "text/event-stream", "*/*": "text/event-stream", "application/json": "application/json",
	} {
		r := s.request(t, legacyCall("slow", nil), headers)
		r.Header.Set("Accept", accept)
		res, body := send(t, r)
		streamed := strings.Contains(body, "notifications/progress")
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != kind || !strings.Contains(body, `"done"`) || streamed != (kind == "text/event-stream") {
			t.Errorf("Accept %s gets %d %s: %s", accept, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
		if streamed && res.Header.Get("X-Accel-Buffering") != "no" {
			t.Error("a proxy may hold the stream back")
		}
	}
}

// TestTheNewEraIsToldOnTheWay: who sends a token for progress gets a stream when
// there is some, JSON when not; nobody else gets a stream.
func TestTheNewEraIsToldOnTheWay(t *testing.T) {
	s := newShop(t)
	s.face.sdk.AddTool(&sdk.Tool{Name: "slow", InputSchema: inputSchema(nil)}, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if token := req.Params.GetProgressToken(); token != nil {
			if err := req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token, Progress: 1}); err != nil {
				return nil, err
			}
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "done"}}}, nil
	})
	for _, test := range []struct {
		tool, accept string
		token        bool
		kind         string
	}{
		{"slow", "*/*", true, "text/event-stream"},
		{"slow", "*/*", false, "application/json"},
		{"slow", "application/json", true, "application/json"},
		{"view_cart", "*/*", true, "application/json"},
		{"no_such_tool", "*/*", true, "application/json"},
	} {
		body := modernBody("tools/call", test.tool, nil)
		if test.token {
			body = []byte(strings.Replace(string(body), `"_meta":{`, `"_meta":{"progressToken":7,`, 1))
		}
		r := s.request(t, body, modernHeaders("tools/call", test.tool))
		r.Header.Set("Accept", test.accept)
		res, said := send(t, r)
		if res.Header.Get("Content-Type") != test.kind || strings.Contains(said, `"progressToken":7`) != (test.kind == "text/event-stream") || !strings.Contains(said, `"id":1`) {
			t.Errorf("%+v gets %d %s: %s", test, res.StatusCode, res.Header.Get("Content-Type"), said)
		}
		if want := map[bool]int{true: 400, false: 200}[test.tool == "no_such_tool"]; res.StatusCode != want {
			t.Errorf("%+v gets %d", test, res.StatusCode)
		}
	}
}

// TestACallOfTheOldEraNeedsNoSession: it is what curl sends.
func TestACallOfTheOldEraNeedsNoSession(t *testing.T) {
	s := newShop(t)
	for _, version := range []string{"", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"} {
		headers := http.Header{}
		if version != "" {
			headers.Set("Mcp-Protocol-Version", version)
		}
		var m struct{ Result map[string]any }
		s.post(t, legacyCall("view_cart", nil), headers, 200, &m)
		if m.Result["structuredContent"] == nil {
			t.Errorf("version %q gets %v", version, m.Result)
		}
	}
	if res, body := send(t, s.request(t, legacyCall("view_cart", nil), s.legacyHeaders("gone"))); res.StatusCode != 404 {
		t.Errorf("a session that is gone gets %d %s", res.StatusCode, body)
	}
	headers := modernHeaders("tools/call", "view_cart")
	headers.Set("Mcp-Protocol-Version", "2099-01-01")
	if _, body := send(t, s.request(t, modernBody("tools/call", "view_cart", nil), headers)); !strings.Contains(body, "-3202") {
		t.Errorf("a version to come gets %s", body)
	}
}

// TestAClientThatGoesAwayStopsTheWork, so that nothing is done for nobody.
func TestAClientThatGoesAwayStopsTheWork(t *testing.T) {
	s := newShop(t)
	begun, stopped := make(chan struct{}), make(chan error, 1)
	s.face.sdk.AddTool(&sdk.Tool{Name: "wait", InputSchema: inputSchema(nil)}, func(ctx context.Context, _ *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		close(begun)
		select {
		case <-ctx.Done():
			stopped <- ctx.Err()
			return nil, ctx.Err()
		case <-time.After(10 * time.Second):
			stopped <- nil
			return nil, nil
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	r := s.request(t, modernBody("tools/call", "wait", nil), modernHeaders("tools/call", "wait")).WithContext(ctx)
	gone := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(r)
		gone <- err
	}()
	<-begun
	cancel()
	if err := <-gone; err == nil {
		t.Error("the client got an answer")
	}
	if err := <-stopped; err == nil {
		t.Error("the work went on")
	}
}
