package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Rows 15 to 21 and 38 of the symptoms: what browsers, proxies and clients of every
// age do to the endpoint.
func TestSymptomsOfTransport(t *testing.T) {
	dir := t.TempDir()
	shop := serve(t, dir)
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	bearer := []string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}
	with := func(headers ...string) []string { return append(headers, bearer...) }
	const view = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"view_cart","arguments":{}}}`
	initialize := func(version string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":%q,"capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`, version)
	}

	t.Run("15 a page may call", func(t *testing.T) {
		page := []string{"Origin", "http://localhost:6274"}
		status, header, _ := ask(t, "OPTIONS", shop.Endpoint, "", append([]string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,mcp-protocol-version"}, page...)...)
		if status != 204 || header.Get("WWW-Authenticate") != "" {
			t.Errorf("the preflight gets %d %v", status, header)
		}
		for _, name := range []string{"authorization", "content-type", "accept", "mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name", "last-event-id"} {
			if !strings.Contains(strings.ToLower(header.Get("Access-Control-Allow-Headers")), name) {
				t.Errorf("%s may not be sent", name)
			}
		}
		for _, name := range []string{"GET", "POST", "DELETE"} {
			if !strings.Contains(header.Get("Access-Control-Allow-Methods"), name) {
				t.Errorf("%s may not be used", name)
			}
		}
		// The answer that says where to log in must be readable too.
		status, header, _ = ask(t, "POST", shop.Endpoint, view, page...)
		if status != 401 || header.Get("Access-Control-Allow-Origin") != page[1] || header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("without a token: %d %v", status, header)
		}
		for _, name := range []string{"Mcp-Session-Id", "WWW-Authenticate", "Retry-After", "Mcp-Protocol-Version"} {
			if !strings.Contains(header.Get("Access-Control-Expose-Headers"), name) {
				t.Errorf("%s may not be read", name)
			}
		}
	})
	t.Run("16 names of this machine", func(t *testing.T) {
		_, port, _ := strings.Cut(address(t, shop.Endpoint), ":")
		for _, host := range []string{"localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port} {
			if status, _, text := ask(t, "POST", shop.Endpoint, view, with("Host", host)...); status != 200 {
				t.Errorf("%s: %d %s", host, status, text)
			}
		}
		// Another port is another address to a client: what it would read in the
		// documents could not be right.
		for _, host := range []string{"localhost:1", "evil.test"} {
			if status, _, text := ask(t, "POST", shop.Endpoint, view, with("Host", host)...); status != 421 || !strings.Contains(text, "--public-url") {
				t.Errorf("%s: %d %s", host, status, text)
			}
		}
		if status, _, text := ask(t, "POST", shop.Endpoint, view, with("X-Forwarded-Host", "abc.ngrok-free.app", "X-Forwarded-Proto", "https")...); status != 421 || !strings.Contains(text, "https://abc.ngrok-free.app") {
			t.Errorf("through a tunnel that rewrites Host: %d %s", status, text)
		}
	})
	t.Run("19 a look for a stream is answered for good", func(t *testing.T) {
		for _, method := range []string{"GET", "DELETE"} {
			status, header, _ := ask(t, method, shop.Endpoint, "", "Accept", "text/event-stream")
			if status != 405 || header.Get("Allow") != "POST" || header.Get("WWW-Authenticate") != "" {
				t.Errorf("%s gets %d %v", method, status, header)
			}
		}
	})
	t.Run("20 21 JSON, whatever is accepted", func(t *testing.T) {
		for _, accept := range []string{"", "*/*", "application/json", "application/json, text/event-stream", "text/html, */*;q=0.1", "APPLICATION/JSON;q=0.9"} {
			status, header, text := ask(t, "POST", shop.Endpoint, view, with("Accept", accept)...)
			if status != 200 || header.Get("Content-Type") != "application/json" || !strings.Contains(text, `"result"`) {
				t.Errorf("%q gets %d %s %s", accept, status, header.Get("Content-Type"), text)
			}
		}
		status, header, text := ask(t, "POST", shop.Endpoint, initialize("2025-06-18"), with("Accept", "text/event-stream")...)
		if status != 200 || header.Get("Content-Type") != "text/event-stream" || !strings.Contains(header.Get("Cache-Control"), "no-transform") || header.Get("X-Accel-Buffering") != "no" || !strings.Contains(text, "serverInfo") {
			t.Errorf("who takes only a stream gets %d %v %s", status, header, text)
		}
	})
	t.Run("38 clients of every age", func(t *testing.T) {
		for _, version := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"} {
			status, header, text := ask(t, "POST", shop.Endpoint, initialize(version), with()...)
			if status != 200 || !strings.Contains(text, `"protocolVersion":"`+version+`"`) {
				t.Fatalf("%s: %d %s", version, status, text)
			}
			status, _, text = ask(t, "POST", shop.Endpoint, view, with("Mcp-Session-Id", header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version", version)...)
			if status != 200 || !strings.Contains(text, "The cart is empty") && !strings.Contains(text, `"pieces":0`) {
				t.Errorf("%s: %d %s", version, status, text)
			}
		}
		if alice := connect(t, shop.Endpoint, token); alice.InitializeResult().ProtocolVersion != "2026-07-28" {
			t.Errorf("a new client speaks %s", alice.InitializeResult().ProtocolVersion)
		}
	})
	t.Run("17 18 a session that a restart ended", func(t *testing.T) {
		newer := connect(t, shop.Endpoint, token)
		newer.call("add_to_cart", args{"product": 2})
		_, header, _ := ask(t, "POST", shop.Endpoint, initialize("2025-11-25"), with()...)
		old := with("Mcp-Session-Id", header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version", "2025-11-25")
		if err := shop.Stop(); err != nil {
			t.Fatal(err)
		}
		again := serveAt(t, dir, address(t, shop.Endpoint))
		// Those of the new era have no session and notice nothing.
		if got := newer.call("view_cart", nil).at("pieces"); got != 1.0 {
			t.Errorf("%v pieces are in the cart", got)
		}
		// Those of the old era should begin anew, and the most used SDK does not.
		for _, method := range []string{view, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}`, `{"jsonrpc":"2.0","id":3,"method":"tools/list"}`} {
			status, header, text := ask(t, "POST", again.Endpoint, method, old...)
			if status != 200 && status != 202 || header.Get("Mcp-Session-Id") != "" || strings.Contains(text, `"error"`) {
				t.Errorf("%s in the old session gets %d %s", method, status, text)
			}
		}
		if _, _, text := ask(t, "POST", again.Endpoint, view, old...); !strings.Contains(text, "Catnip Mouse") {
			t.Errorf("the old session sees %s", text)
		}
		for what, id := range map[string]string{"none of ours": "gone", "one that its client ended": header.Get("Mcp-Session-Id")} {
			headers := with("Mcp-Session-Id", id, "Mcp-Protocol-Version", "2025-11-25")
			ask(t, "DELETE", again.Endpoint, "", headers...)
			if status, _, text := ask(t, "POST", again.Endpoint, view, headers...); status != http.StatusNotFound || !strings.Contains(text, "initialize again") {
				t.Errorf("%s gets %d %s", what, status, text)
			}
		}
		if status, _, text := ask(t, "POST", again.Endpoint, initialize("2025-11-25"), with()...); status != 200 {
			t.Errorf("a new session: %d %s", status, text)
		}
		if status, _, text := ask(t, "POST", again.Endpoint, view, with()...); status != 200 {
			t.Errorf("none at all: %d %s", status, text)
		}
	})
}
