package mcp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// modernBody is a message of 2026-07-28 as a client writes it.
func modernBody(method, name string, arguments any) []byte {
	params := map[string]any{"_meta": map[string]any{
		"io.modelcontextprotocol/protocolVersion":    string(modernEra),
		"io.modelcontextprotocol/clientInfo":         map[string]any{"name": "wire", "version": "1"},
		"io.modelcontextprotocol/clientCapabilities": map[string]any{},
	}}
	switch method {
	case "tools/call", "prompts/get":
		params["name"] = name
	case "resources/read":
		params["uri"] = name
	}
	if arguments != nil {
		params["arguments"] = arguments
	}
	return encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

// modernHeaders are the headers that go with it.
func modernHeaders(method, name string) http.Header {
	h := http.Header{}
	h.Set("Mcp-Protocol-Version", string(modernEra))
	h.Set("Mcp-Method", method)
	if name != "" {
		h.Set("Mcp-Name", name)
	}
	return h
}

// request is alice's POST, with the headers that any client sends.
func (s *shop) request(t testing.TB, body []byte, headers http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer alice")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for name, values := range headers {
		r.Header[name] = values
	}
	return r
}

// send sends a request and returns the answer with its whole body.
func send(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// post sends a body and decodes the answer, which must have the status.
func (s *shop) post(t testing.TB, body []byte, headers http.Header, status int, into any) *http.Response {
	t.Helper()
	res, got := send(t, s.request(t, body, headers))
	if res.StatusCode != status {
		t.Fatalf("the status is %d, not %d: %s", res.StatusCode, status, got)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(got), into); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
	}
	return res
}

// session opens a session of the old era and returns its id.
func (s *shop) session(t testing.TB, token string) string {
	t.Helper()
	body := encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": map[string]any{
		"protocolVersion": string(legacyEra), "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "wire", "version": "1"},
	}})
	r := s.request(t, body, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	res, got := send(t, r)
	id := res.Header.Get("Mcp-Session-Id")
	if res.StatusCode != http.StatusOK || id == "" {
		t.Fatalf("initialize: %d %s", res.StatusCode, got)
	}
	r = s.request(t, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`), s.legacyHeaders(id))
	r.Header.Set("Authorization", "Bearer "+token)
	if res, got := send(t, r); res.StatusCode != http.StatusAccepted {
		t.Fatalf("initialized: %d %s", res.StatusCode, got)
	}
	return id
}

func (s *shop) legacyHeaders(session string) http.Header {
	h := http.Header{}
	h.Set("Mcp-Protocol-Version", string(legacyEra))
	h.Set("Mcp-Session-Id", session)
	return h
}

// legacyCall is a tools/call of the old era.
func legacyCall(name string, arguments any) []byte {
	params := map[string]any{"name": name}
	if arguments != nil {
		params["arguments"] = arguments
	}
	return encode(map[string]any{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
}

// rpcError is the JSON-RPC error of a body, 0 for none.
func rpcError(body string) (code int, message string) {
	var m struct {
		JSONRPC string `json:"jsonrpc"`
		Error   struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(strings.TrimSpace(body)), &m); err != nil || m.JSONRPC != "2.0" {
		return 0, ""
	}
	return m.Error.Code, m.Error.Message
}
