package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"till/cmd"
)

// ask sends a request as it stands, redirects not followed. headers come in pairs;
// Host is one of them.
func ask(t *testing.T, method, address, body string, headers ...string) (status int, header http.Header, text string) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

// logged keeps what the shop logs.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}
func (l *logged) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.text.String() }

// public is a shop behind a proxy that ends TLS, and how to reach it behind that.
func public(t *testing.T, name string) (direct string, lines *logged) {
	t.Helper()
	lines = &logged{}
	at := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	shop, err := cmd.Serve(t.Context(), cmd.ServeOptions{
		Options: cmd.Options{Dir: t.TempDir(), PublicURL: "https://" + name, Logger: slog.New(slog.NewTextHandler(lines, nil))}, Addr: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.Stop() })
	return "http://" + at, lines
}

// Rows 1, 3, 4, 5, 16 and 33 of the symptoms: a client finds the way to log in, and
// who reaches the shop under a wrong name is told so.
func TestSymptomsOfDiscovery(t *testing.T) {
	const issuer = "https://shop.mydomain.net"
	direct, lines := public(t, "shop.mydomain.net")
	known := []string{"Host", "shop.mydomain.net"}
	documents := []string{"/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp",
		"/.well-known/openid-configuration", "/.well-known/openid-configuration/mcp"}
	resources := []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"}

	t.Run("1 4 5 33 one origin in every document, whatever the request says", func(t *testing.T) {
		for _, headers := range [][]string{known, append([]string{"X-Forwarded-Proto", "http", "X-Forwarded-Host", "evil.test", "Forwarded", "proto=http;host=evil.test"}, known...)} {
			for _, path := range documents {
				status, _, text := ask(t, "GET", direct+path, "", headers...)
				var d map[string]any
				if err := json.Unmarshal([]byte(text), &d); err != nil || status != 200 {
					t.Fatalf("%s: %d %s", path, status, text)
				}
				for member, want := range map[string]string{"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
					"registration_endpoint": issuer + "/register", "revocation_endpoint": issuer + "/revoke"} {
					if d[member] != want {
						t.Errorf("%s: %s is %v", path, member, d[member])
					}
				}
			}
			for _, path := range resources {
				if _, _, text := ask(t, "GET", direct+path, "", headers...); !strings.Contains(text, `"resource":"`+issuer+`/mcp"`) || !strings.Contains(text, `"authorization_servers":["`+issuer+`"]`) {
					t.Errorf("%s: %s", path, text)
				}
			}
		}
	})
	t.Run("3 every kind of missing token is told where to log in", func(t *testing.T) {
		for _, authorization := range [][]string{nil, {""}, {"Bearer"}, {"Bearer "}, {"Basic YTpi"}, {"nonsense"}, {"Bearer nonsense"}, {"Bearer a b"}, {"Bearer x", "Bearer y"}, {"bearer at_x.y"}} {
			headers := append([]string{"Content-Type", "application/json"}, known...)
			for _, a := range authorization {
				headers = append(headers, "Authorization", a)
			}
			status, header, text := ask(t, "POST", direct+"/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, headers...)
			challenge := header.Get("WWW-Authenticate")
			if status != 401 || !strings.Contains(challenge, `resource_metadata="`+issuer+`/.well-known/oauth-protected-resource/mcp"`) || !strings.Contains(challenge, `scope="catalog:read `) {
				t.Errorf("%q is answered %d %q %s", authorization, status, challenge, text)
			}
		}
	})
	t.Run("1 16 another name is told both cures", func(t *testing.T) {
		for _, path := range append([]string{"/mcp", "/", "/token", "/authorize"}, documents...) {
			status, _, text := ask(t, "GET", direct+path, "", "Host", "tunnel.other.net")
			if status != 421 || !strings.Contains(text, issuer) || !strings.Contains(text, "tunnel.other.net") || !strings.Contains(text, "--public-url") {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
		if status, header, text := ask(t, "GET", direct+"/", "", "Host", "tunnel.other.net", "Accept", "text/html"); status != 421 || !strings.Contains(header.Get("Content-Type"), "text/html") || !strings.Contains(text, "not the shop’s address") {
			t.Errorf("a person sees %d %s", status, text)
		}
		if text := lines.String(); !strings.Contains(text, "tunnel.other.net") || !strings.Contains(text, issuer) {
			t.Errorf("the log says %s", text)
		}
		// A proxy that hands on its own name for the shop is where the fault is.
		for _, path := range []string{"/mcp", "/token", documents[0]} {
			status, _, text := ask(t, map[bool]string{true: "POST", false: "GET"}[path == "/mcp"], direct+path, "")
			if status != 421 || !strings.Contains(text, "proxy") || !strings.Contains(text, "Host header") || strings.Contains(text, "--public-url") {
				t.Errorf("%s under the inner name: %d %s", path, status, text)
			}
		}
		// A port more or less is the same shop: proxies drop it and add it.
		if status, _, text := ask(t, "GET", direct+resources[0], "", "Host", "shop.mydomain.net:443"); status != 200 {
			t.Errorf("with its port: %d %s", status, text)
		}
	})
	t.Run("32 a person sees that the shop is there, a probe too", func(t *testing.T) {
		if status, _, text := ask(t, "GET", direct+"/", "", append([]string{"Accept", "text/html"}, known...)...); status != 200 || !strings.Contains(text, issuer+"/mcp") {
			t.Errorf("/ answers %d %s", status, text)
		}
		// Whatever name a load balancer uses.
		if status, _, text := ask(t, "GET", direct+"/healthz", "", "Host", "10.0.0.7"); status != 200 || text != "ok\n" {
			t.Errorf("/healthz answers %d %s", status, text)
		}
	})
}
