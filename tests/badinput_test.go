package tests

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"till/cmd"
)

// post sends a body to the endpoint as a client of the older era would, with more
// headers by name and value.
func post(t *testing.T, endpoint, token, body string, headers ...string) (status int, header http.Header, text string) {
	t.Helper()
	headers = append(headers, "Content-Type", "application/json", "Accept", "application/json, text/event-stream")
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	return ask(t, http.MethodPost, endpoint, body, headers...)
}

func events(t *testing.T, dir string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := cmd.Main([]string{"events", "--data", dir}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("till events exits %d: %s", code, &errs)
	}
	return out.String()
}

// Whatever comes in is answered in the form of its layer, and nothing is
// written.
func TestBadInputOverHTTP(t *testing.T) {
	dir := t.TempDir()
	shop := serve(t, dir)
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	reader := login(t, shop.Endpoint, "bob", shop.Users["bob"], "catalog:read")
	other := serve(t, t.TempDir())
	foreign := login(t, other.Endpoint, "alice", other.Users["alice"], scopes)
	before := events(t, dir)

	call := func(tool, arguments string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + arguments + `}}`
	}
	for name, c := range map[string]struct {
		token, body string
		status      int
		says        string
		challenge   string
	}{
		"no token":           {"", call("view_cart", "{}"), 401, "token", "resource_metadata="},
		"another shop's":     {foreign, call("view_cart", "{}"), 401, "", `error="invalid_token"`},
		"nonsense for token": {"nonsense", call("view_cart", "{}"), 401, "", `error="invalid_token"`},
		"a cut token":        {token[:len(token)-2], call("view_cart", "{}"), 401, "", `error="invalid_token"`},
		"too little scope":   {reader, call("checkout", "{}"), 403, "orders:write", `error="insufficient_scope"`},
		"no JSON":            {token, `{"jsonrpc":`, 400, "JSON", ""},
		"deep JSON":          {token, call("view_cart", strings.Repeat(`{"a":`, 500)+"1"+strings.Repeat("}", 500)), 400, "deep", ""},
		"a huge body":        {token, call("search_products", `{"query":"`+strings.Repeat("x", 300<<10)+`"}`), 413, "large", ""},
		"a batch":            {token, "[" + call("view_cart", "{}") + "]", 400, "", ""},
		"an unknown tool":    {token, call("steal_order", "{}"), 200, "-32602", ""},
		"a wrong type":       {token, call("add_to_cart", `{"product":{"id":2}}`), 200, "invalid_argument", ""},
		"an unknown product": {token, call("add_to_cart", `{"product":"unicorn"}`), 200, "unknown_product", ""},
		"a made-up argument": {token, call("add_to_cart", `{"product":"2","price":1}`), 200, "price", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, text := post(t, shop.Endpoint, c.token, c.body)
			if status != c.status || !strings.Contains(text, c.says) {
				t.Errorf("answered %d %s; want %d with %q", status, text, c.status, c.says)
			}
			if got := header.Get("WWW-Authenticate"); !strings.Contains(got, c.challenge) {
				t.Errorf("the challenge is %q, want %q in it", got, c.challenge)
			}
			for _, internal := range []string{"goroutine", ".go:", "panic", "sqlite", "nats"} {
				if strings.Contains(text, internal) {
					t.Errorf("the answer shows %q: %s", internal, text)
				}
			}
		})
	}
	if after := events(t, dir); after != before {
		t.Errorf("something was written:\n%s", strings.TrimPrefix(after, before))
	}
}

func TestAnExpiredTokenIsAskedToLogInAgain(t *testing.T) {
	shop, err := cmd.Serve(context.Background(), cmd.ServeOptions{
		Options: cmd.Options{Dir: t.TempDir(), AccessLife: time.Second}, Addr: "127.0.0.1:0", Demo: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"view_cart","arguments":{}}}`
	if status, _, text := post(t, shop.Endpoint, token, list); status != 200 {
		t.Fatalf("a fresh token: %d %s", status, text)
	}
	time.Sleep(1100 * time.Millisecond)
	status, header, _ := post(t, shop.Endpoint, token, list)
	if challenge := header.Get("WWW-Authenticate"); status != 401 || !strings.Contains(challenge, `error="invalid_token"`) || !strings.Contains(challenge, "resource_metadata=") {
		t.Errorf("an expired token: %d %s", status, challenge)
	}
}
