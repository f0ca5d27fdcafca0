package cmd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// outside looks at a shop from where its clients are: it goes their way step by
// step, up to where a person would log in, and leaves nothing behind.
type outside struct {
	client    *http.Client
	origin    string    // as it was typed, without a path: what the shop must call itself
	challenge string    // WWW-Authenticate of the first answer
	metadata  string    // where that says the resource's document to be
	clock     time.Time // the shop's, by the first answer
}

// mostDocument bounds what is read of an answer.
const mostDocument = 64 << 10

// newOutside looks at the shop at a URL, with or without /mcp at its end.
func newOutside(raw string) (*outside, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a URL such as https://shop.mydomain.net/mcp", short(raw, 120))
	}
	if path := strings.TrimSuffix(u.Path, "/"); path != "" && path != "/mcp" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q has a path of its own: a till answers at the root of its host and at /mcp", short(raw, 120))
	}
	return &outside{
		origin: u.Scheme + "://" + u.Host,
		client: &http.Client{
			Timeout:       15 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// step is one look; last is whether what follows cannot work without it.
type step struct {
	name string
	look func(*outside, context.Context) finding
	last bool
}

func outsideSteps() []step {
	return []step{
		{"reached", (*outside).reached, true},
		{"challenge", (*outside).challenged, true},
		{"resource", (*outside).resourceDocument, true},
		{"server", (*outside).serverDocument, true},
		{"token header", (*outside).headerPasses, false},
		{"endpoints", (*outside).endpoints, false},
		{"pages", (*outside).pages, false},
		{"browsers", (*outside).crossOrigin, false},
		{"clock", (*outside).clocks, false},
	}
}

// examine says what it finds, up to the first thing without which nothing works.
func (o *outside) examine(ctx context.Context, say func(finding) error) error {
	for _, s := range outsideSteps() {
		f := s.look(o, ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.Check = s.name
		if err := say(f); err != nil {
			return err
		}
		if f.State == wrong && s.last {
			return nil
		}
	}
	return nil
}

// seen is an answer as far as it was read.
type seen struct {
	*http.Response
	body []byte
}

func (o *outside) send(ctx context.Context, method, address, body string, header ...string) (seen, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return seen{}, err
	}
	req.Header.Set("User-Agent", "till-doctor")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return seen{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, mostDocument))
	return seen{resp, data}, err
}

// call posts to the MCP endpoint as a client does at first.
func (o *outside) call(ctx context.Context, header ...string) (seen, error) {
	const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"till-doctor","version":"1"}}}`
	return o.send(ctx, http.MethodPost, o.origin+"/mcp", hello, append([]string{
		"Content-Type", "application/json", "Accept", "application/json, text/event-stream"}, header...)...)
}

func bad(found, do string) finding { return finding{State: wrong, Found: found, Do: do} }

// document is the JSON of an answer, or why it is none.
func (s seen) document(into any) (why string) {
	kind, _, _ := strings.Cut(s.Header.Get("Content-Type"), ";")
	switch {
	case s.StatusCode != http.StatusOK:
		return "it is answered " + s.Status
	case kind != "application/json":
		return fmt.Sprintf("it is sent as %q, which clients do not read", short(kind, 60))
	case json.Unmarshal(s.body, into) != nil:
		return "it is no JSON"
	}
	return ""
}

// unreached words why nobody answers.
func unreached(host string, err error) finding {
	var name *net.DNSError
	var invalid *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name):
		return bad("the name "+host+" leads nowhere", "make its DNS entry; a new one may take minutes to be known everywhere")
	case errors.As(err, &invalid):
		return bad("the certificate does not hold: "+invalid.Err.Error(), "see that the proxy has a valid certificate for this very name, with its whole chain")
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return bad("plain http is spoken where https is asked for", "put TLS before the shop (a proxy or tunnel), or use http:// on this machine")
	case errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "Timeout"):
		return bad("nobody answers within 15 seconds", "see that the machine is up and that its firewall lets the port through")
	}
	return bad("nobody answers: "+err.Error(), "see that the shop or what stands before it runs and listens there")
}
