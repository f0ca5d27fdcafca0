package mcp

import (
	"testing"
	"time"
)

func TestNobodyOpensSessionsWithoutEnd(t *testing.T) {
	s := newShop(t)
	for range sessionsAtOnce {
		s.session(t, "alice")
	}
	initialize := encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": map[string]any{
		"protocolVersion": string(legacyEra), "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "wire", "version": "1"},
	}})
	if res := s.post(t, initialize, nil, 429, nil); res.Header.Get("Retry-After") == "" {
		t.Errorf("it does not say when: %v", res.Header)
	}
	s.session(t, "bob")
	s.post(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""), 200, nil)
	s.pass(time.Second)
	s.session(t, "alice")
}
