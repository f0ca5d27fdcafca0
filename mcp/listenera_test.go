package mcp

import (
	"net/http"
	"strings"
	"testing"
)

// TestOnlyTheNewEraListens: subscriptions/listen is unknown to the versions before
// 2026-07-28, in a session and without one. A session keeps the context of its first
// request, so that what listened in it was told under that request's id.
func TestOnlyTheNewEraListens(t *testing.T) {
	s := newShop(t)
	listen := []byte(`{"jsonrpc":"2.0","id":"mine","method":"subscriptions/listen","params":{"notifications":{}}}`)
	for name, headers := range map[string]http.Header{
		"in a session":      s.legacyHeaders(s.session(t, "alice")),
		"without a session": {"Mcp-Protocol-Version": {string(legacyEra)}},
		"without a version": {},
	} {
		_, body := send(t, s.request(t, listen, headers))
		if code, _ := rpcError(body[strings.Index(body, "{"):]); code != methodNotFound || strings.Contains(body, "subscriptionId") || !strings.Contains(body, `"id":"mine"`) {
			t.Errorf("%s: %s", name, body)
		}
	}
	s.listening(0)
}
