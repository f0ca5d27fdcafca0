package cmd

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A client that holds its stream open does not hold up the stop, in either era; what
// listens in the new one is answered.
func TestAnOpenStreamDoesNotHoldUpTheStop(t *testing.T) {
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	token, err := Login(t.Context(), shop.Endpoint, "alice", shop.Users["alice"], shopping)
	if err != nil {
		t.Fatal(err)
	}
	const version = "2025-11-25"
	session := ""
	ask := func(method, body string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, shop.Endpoint, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		if strings.Contains(body, "subscriptions/listen") {
			req.Header.Set("Mcp-Protocol-Version", "2026-07-28")
			req.Header.Set("Mcp-Method", "subscriptions/listen")
		} else if session != "" {
			req.Header.Set("Mcp-Session-Id", session)
			req.Header.Set("Mcp-Protocol-Version", version)
		}
		if method == http.MethodGet {
			req.Header.Set("Accept", "text/event-stream")
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	res := ask(http.MethodPost, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":%q,"capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`, version))
	_, _ = io.Copy(io.Discard, res.Body)
	if session = res.Header.Get("Mcp-Session-Id"); session == "" {
		t.Fatalf("no session: %s", res.Status)
	}
	_ = ask(http.MethodPost, `{"jsonrpc":"2.0","method":"notifications/initialized"}`).Body.Close()
	stream := ask(http.MethodGet, "")
	if kind := stream.Header.Get("Content-Type"); stream.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("no stream: %s %s", stream.Status, kind)
	}
	listening := ask(http.MethodPost, `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["shop://cart"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`)
	if kind := listening.Header.Get("Content-Type"); listening.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("nothing listens: %s %s", listening.Status, kind)
	}
	begin := time.Now()
	if err := shop.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > drain/2 {
		t.Errorf("the stop took %v", took)
	}
	t.Log("stopped in", time.Since(begin))
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream was torn off: %v", err)
	}
	if said, err := io.ReadAll(listening.Body); err != nil || !strings.Contains(string(said), `"id":"l","result"`) {
		t.Errorf("the listening ends with %q, %v", said, err)
	}
}
