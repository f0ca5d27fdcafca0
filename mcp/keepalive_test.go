package mcp

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// quick makes streams say something every few milliseconds.
func quick(c *Config) { c.pulse, c.progress = 20*time.Millisecond, 30*time.Millisecond }

const comment = ": still here\n\n"

// stream opens the stream of a session of the old era.
func (s *shop) stream(t testing.TB, headers http.Header) *http.Response {
	t.Helper()
	r := s.request(t, nil, headers)
	r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatalf("no stream: %d %v", res.StatusCode, res.Header)
	}
	return res
}

// heardOf reads until the text was said so many times.
func heardOf(t testing.TB, body io.Reader, text string, times int) string {
	t.Helper()
	said, buf := "", make([]byte, 4096)
	for strings.Count(said, text) < times {
		n, err := body.Read(buf)
		if said += string(buf[:n]); err != nil {
			t.Fatalf("the stream ends with %q: %v", said, err)
		}
	}
	return said
}

// TestOpenStreamsSaySomething, in both eras, and go on telling.
func TestOpenStreamsSaySomething(t *testing.T) {
	s := newShop(t, quick)
	headers := s.legacyHeaders(s.session(t, "alice"))
	get := s.stream(t, headers)
	s.post(t, encode(map[string]any{"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": map[string]any{"uri": "shop://cart"}}), headers, 200, nil)
	listen, err := http.DefaultClient.Do(s.request(t, modernListen("shop://cart"), modernHeaders("subscriptions/listen", "")))
	if err != nil {
		t.Fatal(err)
	}
	defer listen.Body.Close()
	if listen.Header.Get("Content-Type") != "text/event-stream" || listen.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatalf("no stream: %v", listen.Header)
	}
	if first := heardOf(t, listen.Body, "\n\n", 1); !strings.Contains(first, "notifications/subscriptions/acknowledged") || !strings.Contains(first, `"io.modelcontextprotocol/subscriptionId":1`) {
		t.Errorf("the listening begins with %q", first)
	}
	for _, stream := range []io.Reader{get.Body, listen.Body} {
		heardOf(t, stream, comment, 3)
	}
	s.agent("alice", modernEra).ok("add_to_cart", args{"product": 2})
	for name, stream := range map[string]io.Reader{"the old": get.Body, "the new": listen.Body} {
		said := heardOf(t, stream, `"method":"notifications/resources/updated"`, 1) + heardOf(t, stream, comment, 2)
		if id := strings.Contains(said, `"io.modelcontextprotocol/subscriptionId":1`); id != (name == "the new") {
			t.Errorf("%s era is told %q", name, said)
		}
		for event := range strings.SplitSeq(strings.TrimSuffix(said, "\n\n"), "\n\n") {
			if !strings.HasPrefix(event, ":") && !strings.HasPrefix(event, "event: message\ndata: {") {
				t.Errorf("%s era is sent %q", name, event)
			}
		}
	}
}

// TestALongCallSaysSomething: its answer comes as an event then, and a client that
// takes no stream still gets plain JSON. Who has a token hears how far it is.
func TestALongCallSaysSomething(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t, quick)
		s.gateway.slow = 150 * time.Millisecond
		for _, test := range []struct {
			accept          string
			token           bool
			beats, progress bool
		}{
			{"application/json, text/event-stream", false, true, false},
			{"application/json", false, false, false},
			{"application/json, text/event-stream", true, false, true},
			{"text/event-stream", false, true, false},
		} {
			s.agent("alice", modernEra).ok("add_to_cart", args{"product": 2})
			body, headers := modernBody("tools/call", "checkout", nil), modernHeaders("tools/call", "checkout")
			if e == legacyEra {
				body, headers = legacyCall("checkout", args{}), s.legacyHeaders(s.session(t, "alice"))
			}
			if test.token {
				at := map[era]string{modernEra: `"_meta":{`, legacyEra: `"arguments":{`}[e]
				with := map[era]string{modernEra: `"_meta":{"progressToken":"p",`, legacyEra: `"_meta":{"progressToken":"p"},"arguments":{`}[e]
				body = []byte(strings.Replace(string(body), at, with, 1))
			}
			r := s.request(t, body, headers)
			r.Header.Set("Accept", test.accept)
			res, said := send(t, r)
			if res.StatusCode != 200 || !strings.Contains(said, `Bought: order`) {
				t.Fatalf("%+v: %d %s", test, res.StatusCode, said)
			}
			beats, progress := strings.Contains(said, comment), strings.Contains(said, `"notifications/progress"`)
			if progress != test.progress || test.beats && !beats {
				t.Errorf("%+v gets %s", test, said)
			}
			kind := "application/json"
			if test.beats || test.progress {
				kind = "text/event-stream"
				last := said[strings.LastIndex(strings.TrimSpace(said), "\n\n"):]
				if !strings.Contains(last, "event: message\ndata: {") || !strings.HasSuffix(last, "}\n\n") {
					t.Errorf("%+v: the answer is %q", test, last)
				}
			}
			if got := res.Header.Get("Content-Type"); got != kind {
				t.Errorf("%+v gets %s", test, got)
			}
			if n := strings.Count(said, `Bought: order`); n != 1 {
				t.Errorf("%+v is answered %d times", test, n)
			}
		}
		// And a client of the SDK takes it for what it is.
		s.agent("alice", modernEra).ok("add_to_cart", args{"product": 2})
		if got := s.agent("alice", e).ok("checkout", nil); got.text("status") != "placed" {
			t.Errorf("the client hears %s", got.Text)
		}
	})
}

// TestNothingIsSaidAfterTheEnd: a beat that comes late, or a write of the SDK,
// falls on nothing.
func TestNothingIsSaidAfterTheEnd(t *testing.T) {
	var w lockedRecorder
	w.ResponseRecorder = httptest.NewRecorder()
	b := &heart{w: &w, said: http.Header{}, every: time.Millisecond, cut: func() {}, begins: true}
	b.start()
	eventually(t, "it beats", func() bool { return strings.Contains(w.text(), comment) })
	if _, err := b.Write([]byte(`{"jsonrpc":"2.0"}`)); err != nil {
		t.Fatal(err)
	}
	b.end()
	said := w.text()
	if _, err := b.Write([]byte("event: message\ndata: {}\n\n")); err == nil {
		t.Error("it takes more after its end")
	}
	b.beat()
	time.Sleep(10 * time.Millisecond)
	if got := w.text(); got != said || !strings.HasSuffix(got, "event: message\ndata: {\"jsonrpc\":\"2.0\"}\n\n") {
		t.Errorf("after the end it says %q", got)
	}
}

// lockedRecorder is an answer that a test reads while it is written.
type lockedRecorder struct {
	*httptest.ResponseRecorder
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedRecorder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedRecorder) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestAStreamKeepsItsSession: the SDK counts requests only, and would end the
// session of a client that listens and asks nothing. One without a stream ends.
func TestAStreamKeepsItsSession(t *testing.T) {
	s := newShop(t, quick, func(c *Config) { c.idle = 300 * time.Millisecond })
	kept, idle := s.legacyHeaders(s.session(t, "alice")), s.legacyHeaders(s.session(t, "alice"))
	s.stream(t, kept)
	subscribe := encode(map[string]any{"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": map[string]any{"uri": "shop://cart"}})
	time.Sleep(900 * time.Millisecond)
	if res, body := send(t, s.request(t, subscribe, kept)); res.StatusCode != 200 {
		t.Errorf("the session with a stream: %d %s", res.StatusCode, body)
	}
	if res, body := send(t, s.request(t, subscribe, idle)); res.StatusCode != 404 {
		t.Errorf("the session without: %d %s", res.StatusCode, body)
	}
}

// TestAListeningEndsInOrder: with its answer, when the shop stops, when its token
// does, and over two streams as over HTTP.
func TestAListeningEndsInOrder(t *testing.T) {
	var ended sync.Map
	s := newShop(t, quick, func(c *Config) {
		c.Still = func(info *auth.TokenInfo) bool { _, gone := ended.Load(info.UserID); return !gone }
	})
	listen := func(token string) io.Reader {
		r := s.request(t, modernListen("shop://cart"), modernHeaders("subscriptions/listen", ""))
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		heardOf(t, res.Body, "acknowledged", 1)
		return res.Body
	}
	a, b := listen("alice"), listen("bob")
	ended.Store("alice", true)
	rest, err := io.ReadAll(a)
	if last := strings.TrimSpace(string(rest)); err != nil || !strings.Contains(last[strings.LastIndex(last, "\n"):], `"id":1`) || !strings.Contains(last, `"resultType":"complete"`) {
		t.Errorf("alice's ends with %q, %v", rest, err)
	}
	s.face.End()
	if rest, err = io.ReadAll(b); err != nil || !strings.Contains(string(rest), `"id":1`) {
		t.Errorf("bob's ends with %q, %v", rest, err)
	}
	if _, body := send(t, s.request(t, modernListen("shop://cart"), modernHeaders("subscriptions/listen", ""))); !strings.Contains(body, "being stopped") {
		t.Errorf("after the end: %s", body)
	}
	s.empty()
}

// TestTwoStreamsAreToldToo: till serve --stdio, in both eras on one session.
func TestTwoStreamsAreToldToo(t *testing.T) {
	s := newShop(t, func(c *Config) {
		c.Caller = func(*auth.TokenInfo) (Caller, bool) {
			return Caller{User: "usr_alice", Client: "stdio", Scopes: []string{"cart:write", "orders:write"}}, true
		}
	})
	in, lines := io.Pipe()
	var out lockedBuffer
	done := make(chan error, 1)
	go func() { done <- s.face.Talk(context.Background(), in, &out) }()
	say := func(line string) {
		if _, err := io.WriteString(lines, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	hears := func(what string) {
		t.Helper()
		eventually(t, what, func() bool { return strings.Contains(out.String(), what) })
	}
	say(strings.TrimSpace(hello))
	say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	say(`{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"shop://products/catnip-mouse"}}`)
	say(`{"jsonrpc":"2.0","id":"l 1","method":"subscriptions/listen","params":{` + now + `,"notifications":{"resourceSubscriptions":["shop://cart"]}}}`)
	say(`{"jsonrpc":"2.0","id":"l 2","method":"subscriptions/listen","params":{` + now + `,"notifications":{"resourceSubscriptions":["shop://policies/returns"]}}}`)
	hears(`"id":1,"result":{}`)
	hears(`"io.modelcontextprotocol/subscriptionId":"l 1"`)
	say(strings.TrimSpace(call1(2, "add_to_cart")))
	hears(`"method":"notifications/resources/updated","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"l 1"},"uri":"shop://cart"}`)
	say(strings.TrimSpace(call1(3, "checkout")))
	say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l 1"}}`)
	hears(`"id":"l 1"`)
	began := time.Now()
	if err := lines.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || time.Since(began) > lastAnswers/2 {
		t.Errorf("it ends with %v after %v", err, time.Since(began))
	}
	hears(`"id":"l 2","result":{`)
	s.empty()
}
