package cmd

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"
)

// front stands before a shop as a proxy does, and may spoil what passes.
type front struct {
	*httptest.Server
	shop *Running
	// takes answers instead of the shop, if it returns true.
	takes func(http.ResponseWriter, *http.Request) bool
	// spoils changes the shop's answer.
	spoils func(*http.Response)
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	var shop *url.URL
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(shop); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error {
			if f.spoils != nil {
				f.spoils(r)
			}
			return nil
		},
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.takes == nil || !f.takes(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.Close)
	var err error
	f.shop, err = Serve(t.Context(), ServeOptions{Options: Options{Dir: t.TempDir() + "/shop", PublicURL: f.URL}, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.shop.Stop() })
	shop, _ = url.Parse("http://" + f.shop.listening)
	return f
}

// doctor goes a client's way and returns what it printed, without the good news.
func outsideOf(t *testing.T, address string) (told string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), []string{"doctor", "--url", address}, terminal{strings.NewReader(""), &out, &errs})
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "ok ") {
			told += line
		}
	}
	return told + errs.String(), code
}

func TestDoctorFromOutside(t *testing.T) {
	f := newFront(t)
	head, _ := f.shop.log.Head(t.Context())
	for _, address := range []string{f.URL, f.URL + "/", f.URL + "/mcp"} {
		if told, code := outsideOf(t, address); told != "" || code != 0 {
			t.Errorf("%s, where all is well: %d %s", address, code, told)
		}
	}
	if now, _ := f.shop.log.Head(t.Context()); now != head {
		t.Error("it left something on the log")
	}
	on := func(path string, do func(*http.Response)) func(*http.Response) {
		return func(r *http.Response) {
			if strings.HasPrefix(r.Request.URL.Path, path) {
				do(r)
			}
		}
	}
	drop := func(names ...string) func(*http.Response) {
		return func(r *http.Response) {
			for _, n := range names {
				r.Header.Del(n)
			}
		}
	}
	answer := func(path string, code int, kind, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, path) {
				return false
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://elsewhere.test/")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for name, c := range map[string]struct {
		takes  func(http.ResponseWriter, *http.Request) bool
		spoils func(*http.Response)
		want   []string
		code   int
	}{
		"a warning page":       {takes: answer("/", 200, "text/html", "<h1>You are about to visit</h1>"), want: []string{"PROBLEM  reached", "a page comes (200 OK)", "bot check"}, code: 1},
		"a redirect":           {takes: answer("/", 308, "text/plain", ""), want: []string{"redirects (308) to https://elsewhere.test/"}, code: 1},
		"nothing behind":       {takes: answer("/", 502, "text/plain", ""), want: []string{"answers 502", "till serve prints"}, code: 1},
		"another program":      {takes: answer("/", 404, "application/json", "{}"), want: []string{"something else answers: 404"}, code: 1},
		"no challenge":         {spoils: drop("WWW-Authenticate"), want: []string{"PROBLEM  challenge", "keeps the WWW-Authenticate"}, code: 1},
		"files of its own":     {takes: answer("/.well-known/", 404, "text/html", "no"), want: []string{"PROBLEM  resource", "404", "/.well-known/ on to the shop"}, code: 1},
		"another content type": {spoils: on("/.well-known/oauth-authorization-server", func(r *http.Response) { r.Header.Set("Content-Type", "text/plain") }), want: []string{"PROBLEM  server", `"text/plain"`}, code: 1},
		"an OpenID provider":   {takes: answer("/.well-known/openid-configuration", 200, "application/json", `{"issuer":"https://idp.test"}`), want: []string{"calls itself https://idp.test"}, code: 1},
		"a login before it": {takes: func(w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Authorization")
			return false
		}, want: []string{"PROBLEM  token header", "does not reach the shop"}, code: 1},
		"posts are refused":      {takes: answer("/token", 405, "text/html", ""), want: []string{"PROBLEM  endpoints", "/token is answered 405"}, code: 1},
		"an injected script":     {takes: answer("/login", 200, "text/html", `<script src=x></script><input name="password">`), want: []string{"PROBLEM  pages", "changes the page"}, code: 1},
		"no cookie":              {spoils: drop("Set-Cookie"), want: []string{"the page's cookie does not arrive"}, code: 1},
		"no page":                {takes: answer("/login", 403, "text/html", ""), want: []string{"the login page is answered 403"}, code: 1},
		"no preflight":           {spoils: on("/token", drop("Access-Control-Allow-Origin")), want: []string{"note     browsers", "/token"}, code: 0},
		"a clock that runs late": {spoils: func(r *http.Response) { r.Header.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)) }, want: []string{"note     clock", "differ by 1h0m"}, code: 0},
	} {
		f.takes, f.spoils = c.takes, c.spoils
		told, code := outsideOf(t, f.URL+"/mcp")
		for _, want := range c.want {
			if !strings.Contains(told, want) || code != c.code {
				t.Errorf("%s: exit %d, %s\nwant %q", name, code, told, want)
			}
		}
	}
	f.takes, f.spoils = nil, nil

	if told, code := outsideOf(t, "http://"+f.shop.listening); code != 1 || !strings.Contains(told, f.URL) || !strings.Contains(told, f.shop.listening) || !strings.Contains(told, "--public-url") {
		t.Errorf("under another address: %d %s", code, told)
	}
	for address, want := range map[string]string{
		"shop": "is not a URL", "ftp://x.test": "is not a URL", f.URL + "/shop": "a path of its own",
		"http://127.0.0.1:1": "nobody answers", "https://" + strings.TrimPrefix(f.URL, "http://"): "plain http is spoken",
		"http://no-such-host.invalid": "leads nowhere",
	} {
		if told, code := outsideOf(t, address); code != 1 || !strings.Contains(told, want) {
			t.Errorf("%s: %d %s", address, code, told)
		}
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	if told, code := outsideOf(t, secure.URL); code != 1 || !strings.Contains(told, "the certificate does not hold") {
		t.Errorf("a certificate of nobody's: %d %s", code, told)
	}
}
