package mcp

import (
	"net/http"
	"strings"
	"testing"
)

// A session that is not here any more goes on as calls without one, its stream does
// not, and what was never a session or was ended by its client is refused.
func TestALostSessionGoesOn(t *testing.T) {
	s := newShop(t)
	lost := strings.Repeat("A", 26)
	for range 2 {
		var m struct{ Result map[string]any }
		res := s.post(t, legacyCall("view_cart", nil), s.legacyHeaders(lost), 200, &m)
		if m.Result["structuredContent"] == nil || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Mcp-Session-Id") != "" {
			t.Errorf("it gets %v %v", res.Header, m.Result)
		}
	}
	if res, body := send(t, s.request(t, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`), s.legacyHeaders(lost))); res.StatusCode != 202 {
		t.Errorf("a notification gets %d %s", res.StatusCode, body)
	}
	with := func(method string) int {
		r := s.request(t, legacyCall("view_cart", nil), s.legacyHeaders(lost))
		if r.Method = method; method != http.MethodPost {
			r.Body, r.ContentLength = http.NoBody, 0
			r.Header.Set("Accept", "text/event-stream")
		}
		res, _ := send(t, r)
		return res.StatusCode
	}
	if got := with(http.MethodGet); got != 404 {
		t.Errorf("its stream gets %d", got)
	}
	if with(http.MethodDelete); with(http.MethodPost) != 404 {
		t.Error("it goes on after its client has ended it")
	}
	for _, never := range []string{"gone", strings.Repeat("a", 26), strings.Repeat("A", 27), strings.Repeat("1", 26)} {
		if res, body := send(t, s.request(t, legacyCall("view_cart", nil), s.legacyHeaders(never))); res.StatusCode != 404 || !strings.Contains(body, "initialize again") {
			t.Errorf("%q gets %d %s", never, res.StatusCode, body)
		}
	}
}

func TestOnlySoManyEndedSessionsAreRemembered(t *testing.T) {
	var e endedSessions
	id := func(i int) string {
		return strings.Repeat("A", 24) + string(rune('A'+i%26)) + string(rune('A'+i/26%26))
	}
	for i := range 5000 {
		e.add(id(i))
	}
	if len(e.ids) > 1000 || !e.has(id(4999)) || e.has(id(25)+"x") {
		t.Errorf("%d are remembered", len(e.ids))
	}
}
