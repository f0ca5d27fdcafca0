package mcp

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

func TestHost(t *testing.T) {
	public := func(c *Config) {
		c.PublicURL = &url.URL{Scheme: "https", Host: "shop.example"}
		c.Aliases = []string{"till.internal"}
	}
	s := newShop(t, public)
	for _, c := range []struct {
		host, forwarded string
		status          int
	}{
		{"shop.example", "", 200}, {"SHOP.example.", "", 200}, {"shop.example:443", "", 200}, {"shop.example:8443", "", 200},
		{"till.internal", "", 200}, {"localhost:9", "", 200}, {"127.0.0.1", "", 200}, {"[::1]:8000", "", 200}, {"127.9.9.9:80", "", 200},
		{"evil.example", "", 421}, {"shop.example.evil.example", "", 421}, {"127.0.0.1.evil.example", "", 421}, {"192.168.1.5:8000", "", 421},
		{"localhost.evil.example", "", 421},
		{"127.0.0.1:8000", "shop.example", 200}, {"127.0.0.1:8000", "abc.tunnel.example", 421}, {"shop.example", "inner.example", 200},
	} {
		r := s.request(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""))
		r.Host = c.host
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-Host", c.forwarded)
			r.Header.Set("X-Forwarded-Proto", "https")
		}
		res, body := send(t, r)
		if res.StatusCode != c.status {
			t.Errorf("Host %s (forwarded %q) gets %d: %.200s", c.host, c.forwarded, res.StatusCode, body)
		}
		if c.status == 421 {
			reached := c.host
			if c.forwarded != "" {
				reached = "https://" + c.forwarded
			}
			for _, word := range []string{"https://shop.example", reached, "--public-url"} {
				if !strings.Contains(body, word) {
					t.Errorf("Host %s is refused without naming %s: %s", c.host, word, body)
				}
			}
		}
	}
}

// Whoever asks under foreign names does not fill the shop's log.
func TestForeignNamesAreSaidOnce(t *testing.T) {
	s := newShop(t)
	for range 20 {
		r := s.request(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""))
		r.Host = "evil.example"
		if res, _ := send(t, r); res.StatusCode != http.StatusMisdirectedRequest {
			t.Fatalf("it is answered %d", res.StatusCode)
		}
	}
	if n := strings.Count(s.logged.String(), "reached under a foreign name"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
}

func TestOriginAndCORS(t *testing.T) {
	remote := func(c *Config) {
		c.PublicURL = &url.URL{Scheme: "https", Host: "shop.example"}
		c.AllowOrigins = []string{"https://app.example", "https://tools.example:8443/"}
	}
	for _, c := range []struct {
		name    string
		change  func(*Config)
		origin  string
		allowed bool
	}{
		{"its own", remote, "https://shop.example", true},
		{"its own with the port", remote, "https://shop.example:443", true},
		{"a listed one", remote, "https://app.example", true},
		{"a listed one with a port", remote, "https://tools.example:8443", true},
		{"another scheme", remote, "http://shop.example", false},
		{"another port", remote, "https://app.example:444", false},
		{"a stranger", remote, "https://evil.example", false},
		{"a longer name", remote, "https://shop.example.evil.example", false},
		{"null", remote, "null", false},
		{"empty", remote, "", false},
		{"a user", remote, "https://evil@shop.example", false},
		{"loopback at a public shop", remote, "http://localhost:6274", false},
		{"loopback at a local shop", func(*Config) {}, "http://localhost:6274", true},
		{"loopback by number", func(*Config) {}, "http://[::1]:1", true},
		{"a stranger at a local shop", func(*Config) {}, "https://evil.example", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, c.change)
			r := s.request(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""))
			r.Header["Origin"] = []string{c.origin}
			res, body := send(t, r)
			if want := map[bool]int{true: 200, false: 403}[c.allowed]; res.StatusCode != want {
				t.Fatalf("the status is %d: %s", res.StatusCode, body)
			}
			echoed := res.Header.Get("Access-Control-Allow-Origin")
			if c.allowed && (echoed != c.origin || !strings.Contains(res.Header.Get("Access-Control-Expose-Headers"), "Mcp-Session-Id")) {
				t.Errorf("allowed, but the browser is told %v", res.Header)
			}
			if !c.allowed && (echoed != "" || !strings.Contains(body, "--allow-origin")) {
				t.Errorf("refused with %q, %s", echoed, body)
			}
			if res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("browsers may send cookies")
			}
			// The preflight comes without a token.
			r, _ = http.NewRequest(http.MethodOptions, s.url, nil)
			r.Header["Origin"] = []string{c.origin}
			r.Header.Set("Access-Control-Request-Method", "POST")
			res, _ = send(t, r)
			if want := map[bool]int{true: 204, false: 403}[c.allowed]; res.StatusCode != want {
				t.Errorf("the preflight gets %d", res.StatusCode)
			}
			for _, h := range []string{"Authorization", "MCP-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name", "Last-Event-ID"} {
				if got := strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), h); got != c.allowed {
					t.Errorf("%s allowed: %t", h, got)
				}
			}
		})
	}
}

func TestMethodsAndPaths(t *testing.T) {
	s := newShop(t)
	session := s.session(t, "alice")
	for _, c := range []struct {
		method, path, session, version string
		status                         int
	}{
		{"GET", "", "", "", 405}, {"HEAD", "", "", "", 405}, {"DELETE", "", "", "", 405}, {"PUT", "", "", "", 405},
		{"GET", "", session, string(modernEra), 405}, {"PATCH", "", session, string(legacyEra), 405},
		{"GET", "/", "", "", 405}, {"POST", "/x", "", "", 404},
		{"GET", "", "no-such-session", string(legacyEra), 404},
		{"DELETE", "", "no-such-session", string(legacyEra), 404},
		{"DELETE", "", session, string(legacyEra), 204},
	} {
		r, _ := http.NewRequest(c.method, s.url+c.path, nil)
		if c.session != "" {
			r.Header.Set("Mcp-Session-Id", c.session)
			r.Header.Set("Mcp-Protocol-Version", c.version)
			r.Header.Set("Authorization", "Bearer alice")
			r.Header.Set("Accept", "text/event-stream")
		}
		res, body := send(t, r)
		if res.StatusCode != c.status {
			t.Errorf("%s %s (session %q, %s) gets %d: %s", c.method, c.path, c.session, c.version, res.StatusCode, body)
		}
		if c.status == 405 && (res.Header.Get("Allow") != "POST" || res.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s gets %v", c.method, res.Header)
		}
	}
	r := s.request(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""))
	r.URL.Path += "/"
	if res, body := send(t, r); res.StatusCode != 200 {
		t.Errorf("a trailing slash gets %d: %s", res.StatusCode, body)
	}
}

// TestTheEventStreamOfASessionComesAtOnce: held back, it looks dead.
func TestTheEventStreamOfASessionComesAtOnce(t *testing.T) {
	s := newShop(t)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
	r.Header = s.legacyHeaders(s.session(t, "alice"))
	r.Header.Set("Authorization", "Bearer alice")
	r.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(res.Body, first); err != nil || res.StatusCode != 200 {
		t.Fatalf("%d, %v", res.StatusCode, err)
	}
	if res.Header.Get("X-Accel-Buffering") != "no" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("the headers are %v", res.Header)
	}
}

func TestSloppyHeadersAreTaken(t *testing.T) {
	s := newShop(t)
	session := s.session(t, "alice")
	for _, accept := range []string{"", "*/*", "application/json", "text/event-stream", "application/json;q=0.9, text/event-stream", "text/html", "application/*"} {
		for _, e := range []era{modernEra, legacyEra} {
			headers, body := modernHeaders("tools/call", "view_cart"), modernBody("tools/call", "view_cart", nil)
			if e == legacyEra {
				headers, body = s.legacyHeaders(session), legacyCall("view_cart", nil)
			}
			r := s.request(t, body, headers)
			r.Header["Accept"] = []string{accept}
			if accept == "" {
				delete(r.Header, "Accept")
			}
			res, got := send(t, r)
			kind := res.Header.Get("Content-Type")
			want := "application/json"
			if e == legacyEra && accept == "text/event-stream" {
				want = "text/event-stream"
			}
			if res.StatusCode != 200 || kind != want || !strings.Contains(got, `"pieces":0`) {
				t.Errorf("%s, Accept %q gets %d %s: %.100s", e, accept, res.StatusCode, kind, got)
			}
		}
	}
	for kind, status := range map[string]int{
		"": 200, "application/json; charset=utf-8": 200, "text/plain": 200, "application/x-www-form-urlencoded": 200, "application/vnd.mcp+json": 200,
		"multipart/form-data; boundary=x": 415, "image/png": 415,
	} {
		r := s.request(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""))
		r.Header["Content-Type"] = []string{kind}
		if kind == "" {
			delete(r.Header, "Content-Type")
		}
		if res, body := send(t, r); res.StatusCode != status {
			t.Errorf("Content-Type %q gets %d: %s", kind, res.StatusCode, body)
		}
	}
}

func TestNamesMayComeEncoded(t *testing.T) {
	s := newShop(t)
	coded := func(name string) string { return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(name)) + "?=" }
	for _, c := range []struct {
		header string
		code   int
	}{
		{"view_cart", 0}, {coded("view_cart"), 0},
		{"checkout", -32020}, {coded("checkout"), -32020}, {"=?base64?%%%?=", -32020}, {"=?base64?dmlld19jYXJ0", -32020}, {coded("view_cart\r\n"), -32020}, {"", -32020},
	} {
		headers := modernHeaders("tools/call", c.header)
		_, body := send(t, s.request(t, modernBody("tools/call", "view_cart", nil), headers))
		if code, message := rpcError(body); code != c.code {
			t.Errorf("Mcp-Name %q gets %d %q: %.100s", c.header, code, message, body)
		}
	}
	uri := "shop://products/caf\u00e9"
	_, body := send(t, s.request(t, modernBody("resources/read", uri, nil), modernHeaders("resources/read", coded(uri))))
	if code, _ := rpcError(body); int64(code) != jsonrpc.CodeInvalidParams {
		t.Errorf("a name that no header can hold gets %s", body)
	}
}

func TestBodiesThatAreNotTaken(t *testing.T) {
	s := newShop(t)
	before := s.head()
	add := legacyCall("add_to_cart", args{"product": 2})
	session := s.session(t, "alice")
	for _, c := range []struct {
		name   string
		body   string
		status int
		code   int
		says   string
	}{
		{"empty", "", 400, parseError, "no body"},
		{"no JSON", "{", 400, parseError, "not valid JSON"},
		{"two messages", string(add) + string(add), 400, parseError, "not valid JSON"},
		{"a number", "1", 400, invalidRequest, "one JSON-RPC message"},
		{"an array", "[" + string(add) + "]", 400, invalidRequest, "arrays"},
		{"an empty array", " []", 400, invalidRequest, "arrays"},
		{"deep", strings.Replace(string(add), `{"product":2}`, strings.Repeat(`{"a":`, 70)+"1"+strings.Repeat("}", 70), 1), 400, parseError, "64 levels"},
		{"deep in the open", strings.Repeat("[", 100_000), 400, parseError, "not valid JSON"},
		{"a deep sibling", `{"x":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `,` + string(add[1:]), 400, parseError, "64 levels"},
		{"large", `{"jsonrpc":"2.0","x":"` + strings.Repeat("x", maxBody) + `"}`, 413, invalidRequest, "256 KiB"},
		{"two methods", `{"method":"tools/list",` + string(add[1:]), 400, invalidRequest, "twice"},
		{"another version", `{"jsonrpc":"1.0","id":1,"method":"tools/list"}`, 400, invalidRequest, "2.0"},
		{"no version", `{"id":1,"method":"tools/list"}`, 400, invalidRequest, "2.0"},
		{"params as a list", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}`, 400, invalidParams, "object"},
		{"params as a text", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"x"}`, 400, invalidParams, "object"},
		{"no tool", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, 400, invalidParams, "name the tool"},
		{"no params", `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, 400, invalidParams, "name the tool"},
		{"two names", strings.Replace(string(add), `"name":`, `"name":"view_cart","n\u0061me":`, 1), 400, invalidRequest, "twice"},
	} {
		for _, headers := range []http.Header{modernHeaders("tools/call", "add_to_cart"), s.legacyHeaders(session), nil} {
			res, body := send(t, patient(s.request(t, []byte(c.body), headers)))
			code, message := rpcError(body)
			if res.StatusCode != c.status || code != c.code || !strings.Contains(message, c.says) {
				t.Errorf("%s: %d, %d %q: %.200s", c.name, res.StatusCode, code, message, body)
			}
		}
		// Who has no token learns first where to get one.
		r := patient(s.request(t, []byte(c.body), nil))
		r.Header.Del("Authorization")
		if res, _ := send(t, r); res.StatusCode != 401 {
			t.Errorf("%s without a token gets %d", c.name, res.StatusCode)
		}
	}
	chunked := s.request(t, nil, nil)
	chunked.Body, chunked.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat(" ", maxBody+1))), -1
	if res, body := send(t, chunked); res.StatusCode != 413 {
		t.Errorf("large in chunks: %d %s", res.StatusCode, body)
	}
	if s.head() != before {
		t.Errorf("%d events were written", s.head()-before)
	}
}

// patient lets a large request wait for the server's word before it sends its
// body. A refusal closes the connection on a body that is left unread, and a
// client that still writes may see the reset and not the answer.
func patient(r *http.Request) *http.Request {
	if r.ContentLength > maxBody {
		r.Header.Set("Expect", "100-continue")
	}
	return r
}

// TestRefusalsOfTheSDKAreJSONRPCToo: it writes some of them as plain text.
func TestRefusalsOfTheSDKAreJSONRPCToo(t *testing.T) {
	s := newShop(t)
	session := s.session(t, "alice")
	for _, c := range []struct {
		name    string
		body    string
		headers http.Header
		status  int
		code    int
		says    string
	}{
		{"an unknown method", `{"jsonrpc":"2.0","id":"x","method":"nope"}`, nil, 400, methodNotFound, "no such method"},
		{"an unknown method in a session", `{"jsonrpc":"2.0","id":"x","method":"nope"}`, s.legacyHeaders(session), 400, methodNotFound, "no such method"},
		{"an unknown method of the new era", strings.Replace(string(modernBody("nope", "", nil)), `"id":1`, `"id":"x"`, 1), modernHeaders("nope", ""), 404, methodNotFound, "nope"},
		{"an unknown session", `{"jsonrpc":"2.0","id":"x","method":"tools/list"}`, s.legacyHeaders("gone"), 404, invalidRequest, "initialize again"},
		{"an old version", `{"jsonrpc":"2.0","id":"x","method":"tools/list"}`, http.Header{"Mcp-Protocol-Version": {"2020-01-01"}}, 400, invalidRequest, "Unsupported protocol version"},
		{"a picture", `{"jsonrpc":"2.0","id":"x","method":"tools/list"}`, http.Header{"Content-Type": {"image/png"}}, 415, invalidRequest, "application/json"},
	} {
		res, body := send(t, s.request(t, []byte(c.body), c.headers))
		code, message := rpcError(body)
		if res.StatusCode != c.status || code != c.code || !strings.Contains(message, c.says) || !strings.Contains(body, `"id":"x"`) || res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, body)
		}
	}
}

// TestABodyThatBreaksOff: half a message is no message.
func TestABodyThatBreaksOff(t *testing.T) {
	s := newShop(t)
	u, _ := url.Parse(s.url)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer alice\r\nContent-Length: 100\r\n\r\n{\"jsonrpc\":", u.Host)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer, _ := io.ReadAll(conn)
	if !strings.Contains(string(answer), "400 Bad Request") {
		t.Errorf("it gets %.200q", answer)
	}
}

func TestRequestIDs(t *testing.T) {
	s := newShop(t)
	for given, kept := range map[string]bool{"": false, "abc-1.2_3": true, "a b": false, "x\"y": false, strings.Repeat("x", 65): false} {
		r := s.request(t, modernBody("tools/call", "add_to_cart", args{"product": 2}), modernHeaders("tools/call", "add_to_cart"))
		if given != "" {
			r.Header.Set(requestHeader, given)
		}
		res, _ := send(t, r)
		id := res.Header.Get(requestHeader)
		if id == "" || (id == given) != kept {
			t.Errorf("%q is answered with %q", given, id)
		}
		events := s.events()
		if last := events[len(events)-1]; last.Correlation != id || last.Causation != "mcp:add_to_cart" || last.Actor.User != "usr_alice" || last.Actor.Client != "cli_1" || last.Actor.Grant != "grt_1" {
			t.Errorf("the event carries %+v", last.Meta)
		}
		if !strings.Contains(s.logged.String(), `"request":"`+id+`"`) {
			t.Errorf("%s does not stand in the log", id)
		}
	}
	for _, secret := range []string{"alice", "Bearer", `"product"`} {
		if strings.Contains(s.logged.String(), secret) {
			t.Errorf("the log holds %s: %s", secret, s.logged)
		}
	}
}
