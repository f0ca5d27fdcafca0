package tests

import (
	"net/http"
	"strings"
	"testing"
)

// 88: an MCP session of the older protocol belongs to its user and client. Another's
// token gets nothing by it; a new token of the same client goes on in it.
func TestAttackSession(t *testing.T) {
	shop := serve(t, t.TempDir())
	post := func(token, session, body string) (int, http.Header, string) {
		t.Helper()
		headers := []string{"Mcp-Protocol-Version", "2025-11-25"}
		if session != "" {
			headers = append(headers, "Mcp-Session-Id", session)
		}
		return post(t, shop.Endpoint, token, body, headers...)
	}
	const view = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"view_cart","arguments":{}}}`
	alice := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	_, header, _ := post(alice, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`)
	session := header.Get("Mcp-Session-Id")
	if session == "" {
		t.Fatal("no session")
	}
	if code, _, body := post(alice, session, view); code != http.StatusOK || !strings.Contains(body, "cart") {
		t.Fatalf("her own: %d %s", code, body)
	}
	bob := login(t, shop.Endpoint, "bob", shop.Users["bob"], scopes)
	if code, _, body := post(bob, session, view); code != http.StatusForbidden || strings.Contains(body, "structuredContent") {
		t.Errorf("another's token: %d %s", code, body)
	}
	again := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	if code, _, body := post(again, session, view); again == alice || code != http.StatusOK {
		t.Errorf("after a new login: %d %s", code, body)
	}
}
