package mcp

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/time/rate"
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

func TestOpenersAreForgotten(t *testing.T) {
	o, now := &openers{by: map[string]*rate.Limiter{}}, time.Unix(0, 0)
	for i := range 3 * openersKept {
		if !o.may(fmt.Sprint(i), now) {
			t.Fatalf("user %d may not open one", i)
		}
		if len(o.by) > openersKept {
			t.Fatalf("%d people are kept", len(o.by))
		}
		if i%2 == 0 {
			now = now.Add(time.Millisecond)
		}
	}
}
