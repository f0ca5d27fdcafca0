package mcp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// soaked is how many sessions come and go: make soak-sessions says 10,000.
func soaked(t testing.TB) int {
	n, err := strconv.Atoi(os.Getenv("TILL_SOAK_SESSIONS"))
	if os.Getenv("TILL_SOAK_SESSIONS") == "" {
		n, err = 500, nil
	}
	if err != nil || n < 100 {
		t.Fatal("TILL_SOAK_SESSIONS must be a number of at least 100")
	}
	return n
}

// TestSessionsComeAndGo in every way that clients have, and leave nothing: no
// session, no subscription, no goroutine, no memory.
func TestSessionsComeAndGo(t *testing.T) {
	n, idle := soaked(t), 3*time.Second
	if n > 1000 {
		idle = 10 * time.Second // a machine with so much to do stalls for seconds
	}
	s := newShop(t, func(c *Config) {
		c.pulse, c.idle = 200*time.Millisecond, idle
		c.Logger = nil // what is logged would be kept
	})
	s.comeAndGo(t, 0, n/5)
	early := s.quiet(t)
	s.comeAndGo(t, n/5, n)
	late := s.quiet(t)
	t.Logf("after %d sessions %v, after %d %v", n/5, early, n, late)
	if late.goroutines > early.goroutines+10 {
		stacks := make([]byte, 1<<20)
		t.Errorf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
	}
	// What grows with sessions grows by more than a hundred bytes for each.
	if grown := int(late.heap) - int(early.heap); grown > 512<<10+100*(n-n/5) {
		t.Errorf("%d bytes are left of %d sessions", grown, n-n/5)
	}
}

// TestWhatASessionCosts, in memory and goroutines, the client's side included.
func TestWhatASessionCosts(t *testing.T) {
	s := newShop(t, func(c *Config) { c.Logger = nil })
	for k, kind := range []struct {
		name string
		most int // kilobytes
		open func(user string)
	}{
		{"a session of the old era", 60, func(user string) { s.session(t, user) }},
		{"one with its stream and a subscription", 150, func(user string) {
			headers := s.legacyHeaders(s.session(t, user))
			v := &visitor{s, t, user, http.DefaultClient}
			v.get(t.Context(), headers)
			v.post(subscribeTo("shop://cart"), headers)
		}},
		{"a listening of the new era", 150, func(user string) {
			v := &visitor{s, t, user, http.DefaultClient}
			v.open(v.request(t.Context(), http.MethodPost, modernListen("shop://cart"), modernHeaders("subscriptions/listen", "")))
		}},
	} {
		kind.open("first")
		before := measured()
		const n = 100
		for i := range n {
			kind.open(fmt.Sprintf("of%d-%d", k, i))
		}
		after := measured()
		kb := (int(after.heap) - int(before.heap)) / n / 1024
		t.Logf("%s: %d KB and %.1f goroutines", kind.name, kb, float64(after.goroutines-before.goroutines)/n)
		if kb > kind.most {
			t.Errorf("%s costs %d KB, more than %d", kind.name, kb, kind.most)
		}
	}
}

func subscribeTo(uri string) []byte {
	return encode(map[string]any{"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": map[string]any{"uri": uri}})
}

// weight is what a process holds.
type weight struct {
	heap       uint64
	goroutines int
}

func (w weight) String() string {
	return fmt.Sprintf("%d KB and %d goroutines", w.heap>>10, w.goroutines)
}

func measured() weight {
	http.DefaultClient.CloseIdleConnections()
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return weight{m.HeapAlloc, runtime.NumGoroutine()}
}

// quiet waits until all that idled is gone, and weighs what is left.
func (s *shop) quiet(t *testing.T) weight {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := 0
		for range s.face.sdk.Sessions() {
			left++
		}
		if left == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d sessions are left", left)
		}
	}
	s.empty()
	w := measured()
	for range 50 { // connections end a little after their requests
		time.Sleep(20 * time.Millisecond)
		if next := measured(); next.goroutines >= w.goroutines && next.heap >= w.heap*99/100 {
			return next
		} else {
			w = next
		}
	}
	return w
}

// comeAndGo lets sessions come, from one number up to another, and go.
func (s *shop) comeAndGo(t *testing.T, from, to int) {
	t.Helper()
	var all sync.WaitGroup
	numbers := make(chan int)
	for range 16 {
		all.Go(func() {
			for i := range numbers {
				s.visit(t, i)
			}
		})
	}
	for i := from; i < to; i++ {
		numbers <- i
	}
	close(numbers)
	all.Wait()
}

// visit is one client, from its coming to its going. Its own connection is cut in
// the end, whatever it has open there.
func (s *shop) visit(t *testing.T, i int) {
	var mu sync.Mutex
	var conns []net.Conn
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, c)
		}
		return c, err
	}}
	ctx, cancel := context.WithCancel(t.Context())
	v := &visitor{s, t, fmt.Sprint("u", i%200), &http.Client{Transport: transport}}
	defer transport.CloseIdleConnections()
	defer cancel()
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			_ = c.(*net.TCPConn).SetLinger(0) // a reset
			_ = c.Close()
		}
	}()
	if way := i % 10; way >= 5 {
		v.modern(ctx, way)
	} else {
		v.legacy(ctx, way)
	}
}

type visitor struct {
	*shop
	t      testing.TB
	token  string
	client *http.Client
}

func (v *visitor) modern(ctx context.Context, way int) {
	listen := func(ctx context.Context) {
		v.open(v.request(ctx, http.MethodPost, modernListen("shop://cart", "shop://products/2"), modernHeaders("subscriptions/listen", "")))
	}
	call := func() { v.post(modernBody("tools/call", "view_cart", nil), modernHeaders("tools/call", "view_cart")) }
	switch way {
	case 5: // listens and is cut off
		listen(ctx)
	case 6: // listens twice and hangs up on one
		short, hangUp := context.WithCancel(ctx)
		listen(short)
		listen(ctx)
		hangUp()
	case 7:
		call()
	case 8: // asks without waiting for the answer
		short, hangUp := context.WithCancel(ctx)
		go hangUp()
		if res, err := v.client.Do(v.request(short, http.MethodPost, modernBody("tools/call", "view_cart", nil), modernHeaders("tools/call", "view_cart"))); err == nil {
			_ = res.Body.Close()
		}
	case 9: // breaks off in the middle of its request
		r := v.request(ctx, http.MethodPost, nil, modernHeaders("tools/call", "view_cart"))
		r.Body, r.ContentLength = io.NopCloser(io.LimitReader(strings.NewReader(`{"jsonrpc":`), 11)), 500
		if res, err := v.client.Do(r); err == nil {
			_ = res.Body.Close()
		}
	}
}

func (v *visitor) legacy(ctx context.Context, way int) {
	hello := []byte(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"soak","version":"1"}}}`)
	if way == 0 { // never initializes
		v.post(legacyCall("view_cart", nil), nil)
		return
	}
	headers := v.legacyHeaders(v.post(hello, nil).Get("Mcp-Session-Id"))
	if way == 1 {
		return // and is never seen again
	}
	v.post([]byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`), headers)
	v.get(ctx, headers)
	v.post(subscribeTo("shop://cart"), headers)
	v.post(subscribeTo("shop://products/2"), headers)
	v.post(legacyCall("view_cart", nil), headers)
	switch way {
	case 3:
		r := v.request(ctx, http.MethodDelete, nil, headers)
		v.shut(r)
	case 4: // goes on without its stream, and then not
		v.post(legacyCall("get_product", args{"product": 2}), headers)
	}
}

// request is one of the visitor's.
func (v *visitor) request(ctx context.Context, method string, body []byte, headers http.Header) *http.Request {
	r := v.shop.request(v.t, body, headers).WithContext(ctx)
	r.Method = method
	r.Header.Set("Authorization", "Bearer "+v.token)
	if method != http.MethodPost {
		r.Body, r.ContentLength = nil, 0
	}
	return r
}

// post sends and reads the answer, which must be one.
func (v *visitor) post(body []byte, headers http.Header) http.Header {
	r := v.request(v.t.Context(), http.MethodPost, body, headers)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return v.shut(r)
}

func (v *visitor) shut(r *http.Request) http.Header {
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Error(err)
		return http.Header{}
	}
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		v.t.Errorf("%s is answered %d %s", r.Method, res.StatusCode, said)
	}
	return res.Header
}

// get opens the stream of a session.
func (v *visitor) get(ctx context.Context, headers http.Header) {
	v.open(v.request(ctx, http.MethodGet, nil, headers))
}

// open opens a stream and waits for the first that it says.
func (v *visitor) open(r *http.Request) {
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Error(err)
		return
	}
	if _, err := res.Body.Read(make([]byte, 512)); err != nil || res.StatusCode != 200 {
		v.t.Errorf("no stream: %d %v", res.StatusCode, err)
	}
}
