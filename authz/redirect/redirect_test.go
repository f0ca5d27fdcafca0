package redirect_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"till/authz/redirect"
)

func TestCheck(t *testing.T) {
	for _, uri := range []string{
		"https://client.test/cb", "https://client.test", "https://client.test:8443/cb?x=1", "https://10.0.0.1/cb", "https://localhost/cb",
		"http://localhost/cb", "http://localhost:3335/oauth/callback", "http://127.0.0.1", "http://[::1]:1/cb", "http://127.0.0.1:33418/",
		"com.client.app:/cb", "com.client.app://cb", "cursor://anysphere.cursor-mcp/oauth/callback", "vscode-insiders://x", "https://claude.ai/api/mcp/auth_callback",
	} {
		if err := redirect.Check(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"", "x", ":", "://", "https:", "https:/x", "https://", "https:///cb", "//client.test", "/cb", "http://client.test/cb", "HTTPS://client.test", "Https://client.test",
		"https://Client.test/", "https://client.test/#", "https://client.test/a b", "https://client.test/\x00", "https://client.test/\n", `https://client.test\x`,
		"https://u@client.test/", "https://u:p@client.test/", "https://client.test@evil.test/", "https://client%2etest/", "https://client.test:/", "https://client.test:0/",
		"https://client.test:65536/", "https://client.test:08/", "https://client.test:+1/", "https://client..test/", "https://-client.test/", "https://client_x.test/", "https://127.1/", "https://2130706433/",
		"https://0x7f.1/", "https://[::2]/", "https://client.test/../x", "https://client.test/.", "https://client.test/%2E%2e/x", "https://client.test/..%2fx", "https://client.test/..%5cx",
		"http://127.1/", "http://127.0.0.2/", "http://localhost.evil.test/", "http://[::ffff:127.0.0.1]/", "http://0/", "http://LOCALHOST/", "http://localhost./",
		"javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///x", "blob:https://x", "about:blank", "myapp:/x", "com.client.app:", ".app:/x", "app.:/x", "com.x:/u@v", "1.2:/x",
		"https://" + strings.Repeat("a", 600) + ".test/", "https://cliént.test/",
	} {
		if err := redirect.Check(uri); !errors.Is(err, redirect.ErrRefused) {
			t.Errorf("%q is taken: %v", uri, err)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		registered, asked string
		want              bool
	}{
		{"https://client.test/cb", "https://client.test/cb", true},
		{"https://client.test/cb", "https://client.test:443/cb", false},
		{"https://client.test/cb", "https://client.test/cb/", false},
		{"https://client.test/cb", "http://client.test/cb", false},
		{"http://localhost/callback", "http://localhost:61234/callback", true},
		{"http://localhost:1/callback", "http://127.0.0.1:2/callback", true},
		{"http://127.0.0.1:1/callback", "http://[::1]/callback", true},
		{"http://127.0.0.1/", "http://127.0.0.1:33418/", true},
		{"http://127.0.0.1", "http://127.0.0.1/", false},
		{"http://127.0.0.1/callback?a=1", "http://127.0.0.1:9/callback", false},
		{"http://127.0.0.1/callback", "https://127.0.0.1/callback", false},
		{"https://localhost/callback", "https://localhost:9/callback", false},
		{"com.client.app:/cb", "com.client.app:/cb", true},
		{"com.client.app:/cb", "com.client.app:/CB", false},
		{"javascript:alert(1)", "javascript:alert(1)", false},
	} {
		if got := redirect.Match(c.registered, c.asked); got != c.want {
			t.Errorf("%s for %s: %v", c.asked, c.registered, got)
		}
	}
}

func TestDestination(t *testing.T) {
	for uri, want := range map[string]string{
		"https://client.test/cb": "client.test", "http://localhost:1/cb": "localhost:1", "com.client.app:/cb": "com.client.app:", "javascript:x": "",
	} {
		if got := redirect.Destination(uri); got != want {
			t.Errorf("%s: %q", uri, got)
		}
	}
	if !redirect.Loopback("http://[::1]:1/") || redirect.Loopback("https://localhost/") || !redirect.Web("https://localhost/") || redirect.Web("com.client.app:/") {
		t.Error("loopback or web is wrong")
	}
}

// Whatever is asked for: what matches may be registered itself, leads where a
// browser would go too, and differs from the registered address in no more
// than loopback host and port.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"http://127.0.0.1/cb", "http://localhost:1/cb"}, {"https://client.test/cb", "https://client.test/cb"}, {"com.x.y:/cb", "com.x.y:/cb"},
		{"http://[::1]:1/", "http://[::1]/"}, {"http://localhost/?a", "http://localhost:80/?a"}, {"https://a.test/%2e", `https://a.test\@b.test`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, registered, asked string) {
		if !redirect.Match(registered, asked) {
			return
		}
		if err := redirect.Check(asked); err != nil {
			t.Fatalf("%q matches but is refused: %v", asked, err)
		}
		u, err := url.Parse(asked)
		if err != nil || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q reads as %v %v", asked, u, err)
		}
		loopback := func(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
		if registered != asked {
			r, err := url.Parse(registered)
			if err != nil || !loopback(r.Hostname()) || !loopback(u.Hostname()) || r.Scheme != "http" || u.Scheme != "http" || r.EscapedPath() != u.EscapedPath() || r.RawQuery != u.RawQuery {
				t.Fatalf("%q serves for %q", asked, registered)
			}
		}
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			t.Fatalf("%q is plain http", asked)
		}
		if d := redirect.Destination(asked); u.Scheme == "https" && d != u.Host {
			t.Fatalf("%q is shown as %q", asked, d)
		}
	})
}
