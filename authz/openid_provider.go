package authz

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// discoveryLife is how long a provider's document is good; an older one serves
	// on while the provider is down. Its keys are asked for when an unknown one signs.
	discoveryLife = time.Hour
	// discoveryPause is how long a failed look is not repeated, so that a provider
	// that is down costs one wait and not one for each person.
	discoveryPause = 5 * time.Second
)

// upstream is the provider as the shop knows it. It is asked for its document at
// the first login and not at the start: a shop must open without it.
type upstream struct {
	OpenID
	client *http.Client
	now    func() time.Time

	looking chan struct{} // holds one token: who has it looks
	mu      sync.Mutex
	found   *provider
	fresh   time.Time // until when found is
	failed  error
	paused  time.Time // until when failed stands
}

// provider is what the discovery document says.
type provider struct {
	*oidc.Provider
	PKCE []string `json:"code_challenge_methods_supported"`
	Auth []string `json:"token_endpoint_auth_methods_supported"`
	Algs []string `json:"id_token_signing_alg_values_supported"`
	Keys string   `json:"jwks_uri"`
	// Iss is whether every answer names the issuer (RFC 9207).
	Iss bool `json:"authorization_response_iss_parameter_supported"`
}

func newUpstream(o OpenID, now func() time.Time) (*upstream, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	u := &upstream{OpenID: o, client: upstreamClient(o), now: now, looking: make(chan struct{}, 1)}
	u.looking <- struct{}{}
	return u, nil
}

// provider returns the provider's document, looking for it when it must.
func (u *upstream) provider(ctx context.Context) (*provider, error) {
	if p, err, ok := u.known(); ok {
		return p, err
	}
	select {
	case <-u.looking:
		defer func() { u.looking <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p, err, ok := u.known(); ok { // while we waited
		return p, err
	}
	p, err := u.look(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case err == nil:
		u.found, u.fresh, u.failed = p, u.now().Add(discoveryLife), nil
	case u.found != nil:
		u.fresh = u.now().Add(discoveryPause)
		return u.found, nil
	case ctx.Err() != nil: // one person went away, which says nothing
	default:
		u.failed, u.paused = err, u.now().Add(discoveryPause)
	}
	return p, err
}

func (u *upstream) known() (p *provider, err error, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.now()
	switch {
	case u.found != nil && now.Before(u.fresh):
		return u.found, nil, true
	case u.found == nil && u.failed != nil && now.Before(u.paused):
		return nil, u.failed, true
	}
	return nil, nil, false
}

// look reads the document anew. go-oidc compares the issuer.
func (u *upstream) look(ctx context.Context) (*provider, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, u.client), u.Timeout)
	defer cancel()
	found, err := oidc.NewProvider(ctx, u.Issuer)
	if err != nil {
		return nil, quiet("its discovery document cannot be read", err)
	}
	p := &provider{Provider: found}
	if err := found.Claims(p); err != nil {
		return nil, quiet("its discovery document cannot be read", err)
	}
	transport := bounded{plain: loopbackIssuer(u.OpenID)}
	for name, address := range map[string]string{"authorization_endpoint": found.Endpoint().AuthURL, "token_endpoint": found.Endpoint().TokenURL, "jwks_uri": p.Keys} {
		at, err := url.Parse(address)
		if err != nil || at.Host == "" || at.User != nil || !transport.allows(at.Scheme, at.Hostname()) {
			return nil, &providerError{text: "its discovery document has no usable " + name}
		}
	}
	return p, nil
}

// afresh is the prompt by which the provider asks the person anew. Google refuses the
// one that all providers must know (Core 1.0 section 3.1.2.1).
func (o OpenID) afresh() string {
	if o.Issuer == google {
		return "select_account"
	}
	return "login"
}

// oauth is the shop as the provider's client.
func (u *upstream) oauth(p *provider, at site) *oauth2.Config {
	end := p.Endpoint()
	// Basic unless the provider says that it cannot (Core 1.0 section 9). To try
	// both would spend a code that works once.
	end.AuthStyle = oauth2.AuthStyleInHeader
	if u.Secret == "" || (len(p.Auth) > 0 && !slices.Contains(p.Auth, "client_secret_basic")) {
		end.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: u.ClientID, ClientSecret: u.Secret, Endpoint: end,
		RedirectURL: at.issuer + openidCallback, Scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail},
	}
}
