package authz

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// What a provider may take and send, in time and bytes. The largest documents in
// use, key sets with certificates, are a tenth of it.
const (
	upstreamTime  = 8 * time.Second
	upstreamBytes = 256 << 10
)

var (
	errUpstreamLarge    = fmt.Errorf("its answer is larger than %d KB", upstreamBytes>>10)
	errUpstreamPlain    = errors.New("it names an address that is not https")
	errUpstreamRedirect = errors.New("it redirects, which is not followed")
)

// upstreamClient asks the provider. Neither the code nor the secret follows a
// redirect to elsewhere, and no answer is read without end. Proxies of the
// environment are used: the operator chose the provider and its way.
func upstreamClient(o OpenID) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxConnsPerHost = 16
	return &http.Client{
		Timeout:       o.Timeout,
		Transport:     bounded{t, loopbackIssuer(o)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errUpstreamRedirect },
	}
}

func loopbackIssuer(o OpenID) bool { return len(o.Issuer) > 5 && o.Issuer[:5] == "http:" }

// bounded is a transport to https, or on this machine, whose answers end.
type bounded struct {
	next  http.RoundTripper
	plain bool // the provider is on this machine
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.allows(r.URL.Scheme, r.URL.Hostname()) {
		return nil, errUpstreamPlain
	}
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.ContentLength > upstreamBytes {
		_ = resp.Body.Close()
		return nil, errUpstreamLarge
	}
	resp.Body = &endingBody{resp.Body, upstreamBytes}
	return resp, nil
}

func (b bounded) allows(scheme, host string) bool {
	return scheme == "https" || (scheme == "http" && b.plain && loopbackHost(host))
}

// endingBody fails, and does not only end, where too much comes.
type endingBody struct {
	io.ReadCloser
	left int
}

func (b *endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errUpstreamLarge
	}
	return n, err
}
