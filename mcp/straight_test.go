package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// change is one way in which a request may differ from the plainest one.
type change struct {
	name string
	do   func(h http.Header, message, params, meta map[string]any)
}

func header(name string, values ...string) change {
	return change{name + fmt.Sprint(values), func(h http.Header, _, _, _ map[string]any) { h[http.CanonicalHeaderKey(name)] = values }}
}

func inMessage(key string, value any) change {
	return change{fmt.Sprint("message ", key, "=", value), func(_ http.Header, m, _, _ map[string]any) { put(m, key, value) }}
}

func inParams(key string, value any) change {
	return change{fmt.Sprint("params ", key, "=", value), func(_ http.Header, _, p, _ map[string]any) { put(p, key, value) }}
}

func inMeta(key string, value any) change {
	return change{fmt.Sprint("_meta ", key, "=", value), func(_ http.Header, _, _, m map[string]any) { put(m, key, value) }}
}

// put sets the value, or takes it away where it is gone.
func put(m map[string]any, key string, value any) {
	if value == gone {
		delete(m, key)
		return
	}
	m[key] = value
}

const gone = "(gone)"

func changes() []change {
	const meta = "io.modelcontextprotocol/"
	return []change{
		header("Mcp-Method"), header("Mcp-Method", "tools/list"), header("Mcp-Name"), header("Mcp-Name", "view_cart"), header("Mcp-Name", "=?base64?Z2V0X3Byb2R1Y3Q=?="),
		header("Mcp-Protocol-Version"), header("Mcp-Protocol-Version", "2025-11-25"), header("Mcp-Protocol-Version", "2025-03-26"), header("Mcp-Protocol-Version", "2024-11-05"),
		header("Mcp-Protocol-Version", "2099-01-01"), header("Mcp-Protocol-Version", "1999-01-01"), header("Mcp-Protocol-Version", "2026-07-28"), header("Mcp-Protocol-Version", "2026-07-28", "2025-11-25"),
		header("Mcp-Session-Id"), header("Mcp-Session-Id", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), header("Mcp-Session-Id", "nonsense"), header("Mcp-Param-Product", "x"),
		header("Accept"), header("Accept", "application/json"), header("Accept", "text/event-stream"), header("Accept", "text/html"), header("Accept", "*/*"),
		header("Content-Type"), header("Content-Type", "text/plain"), header("Content-Type", "application/json; charset=utf-8"), header("Content-Type", "image/png"),
		header("Last-Event-ID", "1"), header("Authorization"), header("Authorization", "Bearer bob"), header("Authorization", "Bearer alice:catalog:read"), header("Authorization", "Bearer alice:cart:write"),
		header("Origin", "https://evil.example"),
		inMessage("jsonrpc", gone), inMessage("jsonrpc", "1.0"), inMessage("id", gone), inMessage("id", nil), inMessage("id", "a \"text\" ü"), inMessage("id", 1.5), inMessage("id", 1<<40), inMessage("id", true),
		inMessage("method", "tools/call2"), inMessage("method", "TOOLS/CALL"), inMessage("method", gone), inMessage("params", gone), inMessage("params", []int{1}), inMessage("extra", 1),
		inParams("name", gone), inParams("name", 1), inParams("name", "no_such_tool"), inParams("name", "view_cart"), inParams("name", "why"), inParams("name", "checkout"), inParams("name", "update_cart_quantity"),
		inParams("arguments", gone), inParams("arguments", nil), inParams("arguments", []int{}), inParams("arguments", "x"), inParams("arguments", map[string]any{"product": "no-such-thing"}),
		inParams("arguments", map[string]any{"product": "<b>&\u2028\x00"}), inParams("arguments", map[string]any{"PRODUCT": "2"}), inParams("arguments", map[string]any{}),
		inParams("requestState", "x"), inParams("inputResponses", map[string]any{}), inParams("_meta", gone), inParams("_meta", nil), inParams("_meta", 3), inParams("more", 1), inParams("Arguments", map[string]any{"product": "1"}),
		inMeta(meta+"protocolVersion", gone), inMeta(meta+"protocolVersion", "2025-11-25"), inMeta(meta+"protocolVersion", "2099-01-01"), inMeta(meta+"protocolVersion", 5),
		inMeta(meta+"clientCapabilities", gone), inMeta(meta+"clientCapabilities", nil), inMeta(meta+"clientCapabilities", "x"), inMeta(meta+"clientCapabilities", map[string]any{"elicitation": 5}),
		inMeta(meta+"clientCapabilities", map[string]any{"elicitation": map[string]any{}, "extensions": map[string]any{"x": map[string]any{}}}), inMeta(meta+"clientCapabilities", map[string]any{"extensions": 1}),
		inMeta(meta+"clientInfo", gone), inMeta(meta+"clientInfo", 7), inMeta(meta+"clientInfo", nil), inMeta(meta+"clientInfo", map[string]any{"name": 7}), inMeta("progressToken", 1), inMeta(meta+"logLevel", "debug"), inMeta("other", 1),
	}
}

// TestStraightAnswersAreTheSDKs: a plain call is answered without the SDK's
// connection, and nobody can tell: whatever is changed about it, status, kind and
// content are those of the SDK.
func TestStraightAnswersAreTheSDKs(t *testing.T) {
	s := newShop(t)
	throughSDK := 0
	inner := s.face.eras()
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { throughSDK++; inner.ServeHTTP(w, r) })
	straight, winding := s.face.front(s.face.straightly(counted)), s.face.front(inner)
	ask := func(h http.Handler, body []byte, headers http.Header) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
		r.Header = headers.Clone()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	initialize := encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": map[string]any{
		"protocolVersion": string(legacyEra), "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "wire", "version": "1"}}})
	usual := http.Header{"Authorization": {"Bearer alice"}, "Accept": {"application/json, text/event-stream"}, "Content-Type": {"application/json"}}
	session := ask(winding, initialize, usual).Header().Get("Mcp-Session-Id")
	old := s.legacyHeaders(session)
	for name, values := range usual {
		old[name] = values
	}
	if w := ask(winding, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`), old); w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	same := func(t rapid.TB, e era, tool string, made []change) (viaSDK int) {
		t.Helper()
		headers, meta := old.Clone(), map[string]any{}
		if e == modernEra {
			headers = modernHeaders("tools/call", tool)
			for name, values := range usual {
				headers[name] = values
			}
			var message struct {
				Params struct {
					Meta map[string]any `json:"_meta"`
				}
			}
			if err := json.Unmarshal(modernBody("tools/call", tool, nil), &message); err != nil {
				t.Fatal(err)
			}
			meta = message.Params.Meta
		}
		params := map[string]any{"name": tool, "arguments": map[string]any{"product": "catnip-mouse"}}
		if e == modernEra {
			params["_meta"] = meta
		}
		message := map[string]any{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
		var names []string
		for _, c := range made {
			c.do(headers, message, params, meta)
			names = append(names, c.name)
			if len(meta) > 0 && params["_meta"] == nil && !slices.Contains(names, "params _meta=(gone)") && !slices.Contains(names, "params _meta=<nil>") {
				params["_meta"] = meta
			}
		}
		body := encode(message)
		want := ask(winding, body, headers)
		before := throughSDK
		got := ask(straight, body, headers)
		if got.Code != want.Code || got.Header().Get("Content-Type") != want.Header().Get("Content-Type") || got.Header().Get("Cache-Control") != want.Header().Get("Cache-Control") {
			t.Fatalf("%s %q: %d %v, not %d %v", e, names, got.Code, got.Header(), want.Code, want.Header())
		}
		if diff := cmp.Diff(meaning(want.Body.String()), meaning(got.Body.String())); diff != "" {
			t.Fatalf("%s %q is answered otherwise (-SDK +straight):\n%s", e, names, diff)
		}
		return throughSDK - before
	}
	// A reading, and a write that says each time what shall be.
	for _, tool := range []string{"get_product", "remove_from_cart"} {
		t.Run(tool, func(t *testing.T) {
			eachEra(t, func(t *testing.T, e era) {
				if same(t, e, tool, nil); same(t, e, tool, nil) != 0 {
					t.Fatal("the plainest call goes through the SDK")
				}
				quick := 0
				for _, c := range changes() {
					if same(t, e, tool, []change{c}) == 0 {
						quick++
					}
				}
				if quick == 0 || quick == len(changes()) {
					t.Errorf("of %d changed requests %d are answered straight", len(changes()), quick)
				}
				rapid.Check(t, func(r *rapid.T) {
					same(r, e, tool, rapid.SliceOfN(rapid.SampledFrom(changes()), 2, 4).Draw(r, "changes"))
				})
			})
		})
	}
	// What a session was ends with it.
	r := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, s.url, nil)
	r.Header = old.Clone()
	w := httptest.NewRecorder()
	straight.ServeHTTP(w, r)
	if same(t, legacyEra, "get_product", nil); w.Code != http.StatusNoContent || ask(straight, legacyCall("view_cart", nil), old).Code != http.StatusNotFound {
		t.Errorf("a session that was ended (%d) still answers", w.Code)
	}
}

// meaning is a body decoded, without what is another at each request.
func meaning(body string) any {
	body = strings.TrimSpace(body)
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return body
	}
	return v
}

// TestStraightSessions: a session is answered straight only for whom the SDK has
// answered in it, and only for a while.
func TestStraightSessions(t *testing.T) {
	s := newShop(t)
	id := s.session(t, "alice")
	call := func(token string) int {
		r := s.request(t, legacyCall("view_cart", nil), s.legacyHeaders(id))
		r.Header.Set("Authorization", "Bearer "+token)
		res, _ := send(t, r)
		return res.StatusCode
	}
	for range 3 {
		if got := call("alice"); got != http.StatusOK {
			t.Errorf("alice gets %d in her session", got)
		}
		if got := call("bob"); got != http.StatusForbidden {
			t.Errorf("bob gets %d in alice's session", got)
		}
	}
	if !s.face.alive.lately(id, nil, aliveFor, s.clock()) && s.face.alive.by[id].at.IsZero() {
		t.Error("nobody remembers the session")
	}
	if s.face.alive.lately(id, nil, aliveFor, s.clock().Add(2*aliveFor)) {
		t.Error("a session is alive for ever")
	}
	for i := range aliveKept + 10 {
		s.face.alive.note(fmt.Sprint("session ", i), nil, s.clock())
	}
	if n := len(s.face.alive.by); n > aliveKept {
		t.Errorf("%d sessions are remembered", n)
	}
}
