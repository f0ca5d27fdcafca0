package cimd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCheckID(t *testing.T) {
	for _, id := range []string{"https://client.test/client.json", "https://client.test:443/a/b", "https://claude.ai/oauth/mcp-oauth-client-metadata"} {
		if err := CheckID(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, id := range []string{
		"", "client", "http://client.test/a", "HTTPS://client.test/a", "https://client.test", "https://client.test/", "https://u@client.test/a", "https://client.test:8443/a",
		"https://client.test/a#b", "https://client.test/a?b", "https://client.test/a/../b", "https://client.test/%2e%2e/b", "https://client.test/./b", "https://Client.test/a",
		`https://client.test\@evil.test/a`, "https://client.test/a b", "https://client.test:/a", "https:///a", "https://client.test/" + strings.Repeat("a", 200),
	} {
		if err := CheckID(id); !errors.Is(err, ErrID) {
			t.Errorf("69 %q is taken: %v", id, err)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, a := range []string{"8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is refused", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "::7f00:1", "fec0::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("68 %s is taken for public", a)
		}
	}
}

// A name that leads to this machine is refused when connecting, whatever the
// name server said before.
func TestNoWayIn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var reached atomic.Bool
	go func() {
		if c, err := l.Accept(); err == nil {
			reached.Store(true)
			c.Close()
		}
	}()
	t.Setenv("HTTPS_PROXY", "http://"+l.Addr().String())
	f := NewFetcher(time.Now)
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "2130706433", "0x7f000001", "127.1", "[64:ff9b::7f00:1]"} {
		if _, err := f.Document(t.Context(), "https://"+host+"/client.json"); !errors.Is(err, ErrDocument) && !errors.Is(err, ErrID) {
			t.Errorf("68 %s: %v", host, err)
		}
	}
	if reached.Load() {
		t.Error("somebody knocked, or the proxy of the environment was asked")
	}
	if err := control("tcp", "8.8.8.8:80", nil); err == nil {
		t.Error("another port is dialled")
	}
}

// hosts answers for every host from one handler.
type hosts struct{ http.Handler }

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

type moment struct {
	mu  sync.Mutex
	now time.Time
}

func (m *moment) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }
func (m *moment) add(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

func TestFetch(t *testing.T) {
	const id = "https://client.test/client.json"
	good := fmt.Sprintf(`{"client_id":%q,"client_name":"Agent","redirect_uris":["https://client.test/cb"],"token_endpoint_auth_method":"private_key_jwt","x":{"y":1}}`, id)
	for name, c := range map[string]struct {
		status int
		media  string
		body   string
		ok     bool
	}{
		"good":               {200, "application/json; charset=utf-8", good, true},
		"redirect":           {302, "application/json", good, false},
		"not found":          {404, "application/json", good, false},
		"page":               {200, "text/html", good, false},
		"no type":            {200, "", good, false},
		"large":              {200, "application/json", good + strings.Repeat(" ", maxBody), false},
		"not JSON":           {200, "application/json", "{", false},
		"array":              {200, "application/json", "[]", false},
		"another id":         {200, "application/json", strings.Replace(good, "client.json", "other.json", 1), false},
		"no redirects":       {200, "application/json", fmt.Sprintf(`{"client_id":%q,"client_name":"Agent"}`, id), false},
		"no name":            {200, "application/json", fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://client.test/cb"]}`, id), false},
		"redirects not text": {200, "application/json", fmt.Sprintf(`{"client_id":%q,"client_name":"A","redirect_uris":[1]}`, id), false},
	} {
		t.Run("70 "+name, func(t *testing.T) {
			fetches := 0
			now := &moment{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}
			f := newFetcher(now.Now, hosts{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fetches++
				if c.media == "" {
					w.Header()["Content-Type"] = nil
				} else {
					w.Header().Set("Content-Type", c.media)
				}
				w.Header().Set("Location", "https://other.test/")
				w.WriteHeader(c.status)
				w.Write([]byte(c.body))
			})})
			for range 3 {
				d, err := f.Document(t.Context(), id)
				if c.ok && (err != nil || d.Name != "Agent" || len(d.Redirects) != 1) {
					t.Fatalf("%+v %v", d, err)
				}
				if !c.ok && !errors.Is(err, ErrDocument) {
					t.Fatal(err)
				}
			}
			if fetches != 1 || !f.Cached(id) {
				t.Errorf("%d fetches", fetches)
			}
			now.add(badFor)
			f.Document(t.Context(), id)
			if want := map[bool]int{true: 1, false: 2}[c.ok]; fetches != want {
				t.Errorf("%d fetches after a minute, want %d", fetches, want)
			}
			now.add(goodFor)
			f.Document(t.Context(), id)
			if want := map[bool]int{true: 2, false: 3}[c.ok]; fetches != want {
				t.Errorf("%d fetches after an hour, want %d", fetches, want)
			}
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	open := make(chan struct{})
	var fetches atomic.Int32
	f := newFetcher(time.Now, hosts{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetches.Add(1)
		<-open
		w.WriteHeader(404)
	})})
	var wg sync.WaitGroup
	ask := func(id string) error { _, err := f.Document(t.Context(), id); return err }
	for range 5 { // one flight for all
		wg.Go(func() { ask("https://a.test/1") })
	}
	wg.Go(func() { ask("https://a.test/2") })
	for fetches.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := ask("https://a.test/3"); !errors.Is(err, ErrBusy) {
		t.Errorf("a third fetch from one host: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Document(ended, "https://a.test/1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(open)
	wg.Wait()
	if n := fetches.Load(); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

func TestBuiltin(t *testing.T) {
	f := newFetcher(time.Now, hosts{http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("fetched") })})
	for _, id := range []string{"https://claude.ai/oauth/mcp-oauth-client-metadata", "https://claude.ai/oauth/claude-code-client-metadata", "https://vscode.dev/oauth/client-metadata.json"} {
		if d, err := f.Document(t.Context(), id); err != nil || d.ID != id || len(d.Redirects) == 0 || CheckID(id) != nil {
			t.Errorf("%+v %v", d, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"client_id":"https://a.test/b","client_name":"A","redirect_uris":["https://a.test/c"]}`))
	f.Add([]byte(`{"client_id":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Parse("https://a.test/b", body)
		if err == nil && (d.ID != "https://a.test/b" || len(d.Redirects) == 0 || strings.TrimSpace(d.Name) == "") {
			t.Fatalf("%+v", d)
		}
		if err != nil && !errors.Is(err, ErrDocument) {
			t.Fatal(err)
		}
	})
}

func FuzzCheckID(f *testing.F) {
	f.Add("https://a.test/b")
	f.Add("https://a.test:443/b/%2e")
	f.Add("https://:443/b") // a port and no host
	f.Fuzz(func(t *testing.T, id string) {
		if CheckID(id) != nil {
			return
		}
		req, err := http.NewRequest("GET", id, nil)
		if err != nil || req.URL.Scheme != "https" || req.URL.User != nil || Host(id) == "" || (req.URL.Port() != "" && req.URL.Port() != "443") {
			t.Fatalf("%q reads as %v %v", id, req, err)
		}
	})
}
