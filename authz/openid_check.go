package authz

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// OpenIDCheck is what a look at the provider found.
type OpenIDCheck struct {
	Issuer string
	// Callback is the redirect URI that the provider has to know.
	Callback string
	// Wrong is why nobody can log in there now, Worth what is only worth knowing;
	// both empty when all is well.
	Wrong, Worth string
}

// CheckOpenID asks the provider anew for its document and keys, as a login does; ok
// is false when there is none.
func (s *Server) CheckOpenID(ctx context.Context) (c OpenIDCheck, ok bool) {
	u := s.upstream
	if u == nil {
		return c, false
	}
	c.Issuer, c.Callback = u.Issuer, s.sites.main.issuer+openidCallback
	p, err := u.look(ctx)
	if err != nil {
		c.Wrong = err.Error()
		return c, true
	}
	n, err := u.countKeys(ctx, p)
	switch {
	case err != nil:
		c.Wrong = err.Error()
	case n == 0:
		c.Wrong = "it shows no public keys (jwks_uri), so that nothing of it can be verified"
	case len(p.Algs) > 0 && !slices.ContainsFunc(p.Algs, asymmetric):
		c.Wrong = "it signs with " + shorten(printable(strings.Join(p.Algs, " ")), 60) + " only, none of which a login here accepts"
	case !slices.Contains(p.PKCE, "S256"):
		c.Worth = "its document does not promise PKCE with S256, which is used all the same"
	}
	return c, true
}

// asymmetric is whether an algorithm proves that the provider signed: what is signed
// with the shop's own secret, or not at all, does not.
func asymmetric(alg string) bool {
	return slices.Contains([]string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
	}, alg)
}

func (u *upstream) countKeys(ctx context.Context, p *provider) (n int, err error) {
	const what = "its keys (jwks_uri) cannot be read"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Keys, nil)
	if err != nil {
		return 0, quiet(what, err)
	}
	resp, err := u.client.Do(req)
	if err != nil {
		return 0, quiet(what, err)
	}
	defer resp.Body.Close()
	var set struct {
		Keys []struct {
			Kty string `json:"kty"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil || resp.StatusCode != http.StatusOK {
		return 0, &providerError{text: fmt.Sprintf("%s: it answers %d", what, resp.StatusCode)}
	}
	for _, k := range set.Keys {
		if k.Kty == "RSA" || k.Kty == "EC" || k.Kty == "OKP" {
			n++
		}
	}
	return n, nil
}
