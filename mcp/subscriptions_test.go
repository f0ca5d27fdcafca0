package mcp

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"till/domain/grant"
)

// TestOnlyWhatMayBeReadIsSubscribedTo, with the reason, and nothing stays of what
// was refused.
func TestOnlyWhatMayBeReadIsSubscribedTo(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	a.ok("add_to_cart", args{"product": 2})
	id := a.ok("checkout", nil).text("order_id")
	session := map[string]string{}
	for _, token := range []string{"alice", "bob", "alice:" + grant.CatalogRead} {
		session[token] = s.session(t, token)
	}
	for _, test := range []struct{ token, uri, says string }{
		{"bob", "shop://orders/" + id, "Resource not found"},
		{"bob", "shop://orders/CS-00000-00000", "Resource not found"},
		{"alice", "shop://products/none", "Resource not found"},
		{"alice", "shop://secrets/1", "Resource not found"},
		{"alice", "shop://cart/bob", "Resource not found"},
		{"alice", "", "Resource not found"},
		{"alice", "shop://products/" + strings.Repeat("x", 500), "Resource not found"},
		{"alice", "test://watched-resource", "Resource not found"},
		{"alice:" + grant.CatalogRead, "shop://cart", grant.CartWrite},
		{"alice:" + grant.CatalogRead, "shop://orders/" + id, grant.OrdersRead},
	} {
		r := s.request(t, modernListen(test.uri), modernHeaders("subscriptions/listen", ""))
		r.Header.Set("Authorization", "Bearer "+test.token)
		if _, body := send(t, r); !strings.Contains(body, `"error"`) || !strings.Contains(body, test.says) || strings.Contains(body, "acknowledged") {
			t.Errorf("%s listens to %.60s: %s", test.token, test.uri, body)
		}
		r = s.request(t, encode(map[string]any{"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": map[string]any{"uri": test.uri}}), s.legacyHeaders(session[test.token]))
		r.Header.Set("Authorization", "Bearer "+test.token)
		if _, body := send(t, r); !strings.Contains(body, `"error"`) || !strings.Contains(body, test.says) {
			t.Errorf("%s subscribes to %.60s: %s", test.token, test.uri, body)
		}
	}
	s.listening(0)
	// Without a session nobody can be told, and who has lost one is told so.
	subscribe := encode(map[string]any{"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": map[string]any{"uri": "shop://cart"}})
	if _, body := send(t, s.request(t, subscribe, http.Header{"Mcp-Protocol-Version": {string(legacyEra)}})); !strings.Contains(body, "send initialize first") {
		t.Errorf("without a session: %s", body)
	}
	if res, body := send(t, s.request(t, subscribe, s.legacyHeaders(strings.Repeat("A", 26)))); res.StatusCode != 404 {
		t.Errorf("with one that is gone: %d %s", res.StatusCode, body)
	}
	s.listening(0)
}

// modernListen is a subscriptions/listen.
func modernListen(uris ...string) []byte {
	body := string(modernBody("subscriptions/listen", "", nil))
	return []byte(strings.Replace(body, `"_meta":`, `"notifications":{"toolsListChanged":true,"resourceSubscriptions":`+string(encode(uris))+`},"_meta":`, 1))
}

// TestNobodySubscribesWithoutEnd, neither to resources nor with streams.
func TestNobodySubscribesWithoutEnd(t *testing.T) {
	s := newShop(t)
	headers := s.legacyHeaders(s.session(t, "alice"))
	refused := 0
	for i := range maxURIs + 5 {
		// Each is another spelling of the same product.
		uri := "shop://products/%20" + strings.Repeat("%20", i) + "2"
		_, body := send(t, s.request(t, encode(map[string]any{"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": map[string]any{"uri": uri}}), headers))
		if strings.Contains(body, "at most 64 resources") {
			refused++
		} else if strings.Contains(body, "error") {
			t.Fatal(body)
		}
	}
	if refused != 5 {
		t.Errorf("%d were refused", refused)
	}
	s.listening(maxURIs)
	if _, body := send(t, s.request(t, modernListen(slices.Repeat([]string{"shop://cart"}, maxURIs+1)...), modernHeaders("subscriptions/listen", ""))); !strings.Contains(body, "at most 64") {
		t.Errorf("a listening without end: %s", body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range maxStreams {
		r := s.request(t, modernListen("shop://cart"), modernHeaders("subscriptions/listen", "")).WithContext(ctx)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
	}
	s.listening(maxURIs + maxStreams)
	if _, body := send(t, s.request(t, modernListen("shop://cart"), modernHeaders("subscriptions/listen", ""))); !strings.Contains(body, "at most 48 streams") {
		t.Errorf("streams without end: %s", body)
	}
	get := s.request(t, nil, headers)
	get.Method, get.Body, get.ContentLength = http.MethodGet, nil, 0
	if res, body := send(t, get); res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("a stream of the old era: %d %s", res.StatusCode, body)
	}
	cancel() // and who goes makes room
	s.listening(maxURIs)
	r := s.request(t, encode(nil), headers)
	r.Method = http.MethodDelete
	if res, body := send(t, r); res.StatusCode != 204 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	s.listening(0)
	s.empty()
}

// TestASessionIsOneSubscriber also when it subscribes twice at once, as clients do that
// wait for no answer: what the other one heard could never be left again.
func TestASessionIsOneSubscriber(t *testing.T) {
	s := newShop(t)
	s.listener("alice", legacyEra).subscribe("shop://cart")
	all := s.face.subscriptions
	for session, first := range all.sessions {
		second, err := all.join(&subscriber{session: session, user: first.user})
		if err != nil || second != first {
			t.Errorf("%v is another than %v, %v", second, first, err)
		}
	}
	if len(all.sessions) != 1 || len(all.all) != 1 {
		t.Errorf("%d sessions, %d subscribers", len(all.sessions), len(all.all))
	}
}

// empty checks that nothing is left of any subscription.
func (s *shop) empty() {
	s.t.Helper()
	eventually(s.t, "all is forgotten", func() bool {
		all := s.face.subscriptions
		all.mu.Lock()
		defer all.mu.Unlock()
		return len(all.by)+len(all.all)+len(all.sessions)+len(all.named)+len(all.people)+len(all.streams) == 0
	})
}

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
