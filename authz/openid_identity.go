package authz

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// identity is who logged in at the provider: issuer and subject together, which
// are for ever one person's there, as an address is not.
type identity struct {
	Issuer, Subject string
	Provider        string // the issuer's host, for people
	claims
}

// claims are what a provider says of a person beside that.
type claims struct {
	Email    string  `json:"email"`
	Verified boolean `json:"email_verified"`
	Hosted   string  `json:"hd"`
	Username string  `json:"preferred_username"`
	Party    string  `json:"azp"`
}

// boolean reads true also where it is written as a string, as some providers do.
type boolean bool

// UnmarshalJSON implements json.Unmarshaler. What is neither is false.
func (b *boolean) UnmarshalJSON(data []byte) error {
	*b = string(data) == "true" || string(data) == `"true"`
	return nil
}

// email is the address in lower case if the provider has verified it, or empty.
func (c claims) email() string {
	if !c.Verified || printable(c.Email) != c.Email || strings.Count(c.Email, "@") != 1 {
		return ""
	}
	return strings.ToLower(c.Email)
}

// skew is by how much the provider's clock may differ from ours.
const skew = 30 * time.Second

// errUpstreamToken: the provider's answer cannot be accepted.
var errUpstreamToken = errors.New("its ID token cannot be accepted")

// redeem exchanges the code and returns who it says to have logged in. The code,
// the tokens and what they hold are gone when it returns. With wanted it also asks
// for the address and the name, where the ID token does not have them.
func (u *upstream) redeem(ctx context.Context, p *provider, at site, code, verifier, nonce string, wanted func(identity) (bool, error)) (identity, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, u.client), 2*u.Timeout)
	defer cancel()
	token, err := u.oauth(p, at).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return identity{}, quiet("its token endpoint refuses the code", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return identity{}, fmt.Errorf("%w: there is none", errUpstreamToken)
	}
	id, err := u.verify(ctx, p, raw, nonce, token.AccessToken)
	if err != nil {
		return identity{}, err
	}
	if ask, err := wanted(id); err != nil || !ask || id.Email != "" || p.UserInfoEndpoint() == "" {
		return id, err
	}
	// Some providers tell only here (Core 1.0 section 5.4).
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return identity{}, quiet("its userinfo endpoint cannot be read", err)
	}
	if info.Subject != id.Subject { // Core 1.0 section 5.3.2
		return identity{}, fmt.Errorf("%w: the userinfo endpoint tells of somebody else", errUpstreamToken)
	}
	// One place tells of the address and whether it is verified, never two.
	id.claims = claims{}
	if err := info.Claims(&id.claims); err != nil {
		return identity{}, quiet("its userinfo endpoint cannot be read", err)
	}
	return id, nil
}

// verify checks an ID token (Core 1.0 section 3.1.3.7). go-oidc checks signature,
// issuer, audience and end; the rest is left to its caller.
func (u *upstream) verify(ctx context.Context, p *provider, raw, nonce, access string) (identity, error) {
	no := func(why string) (identity, error) {
		return identity{}, fmt.Errorf("%w: %s", errUpstreamToken, why)
	}
	token, err := p.Verifier(&oidc.Config{ClientID: u.ClientID, Now: func() time.Time { return u.now().Add(-skew) }}).Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return no("it expired at " + expired.Expiry.UTC().Format(time.RFC3339) + "; is the clock right?")
	case err != nil && strings.Contains(err.Error(), "fetching keys"):
		return identity{}, &providerError{text: "its keys (jwks_uri) cannot be read"}
	case err != nil:
		return no(u.whyNot(raw))
	}
	id := identity{Issuer: u.Issuer, Subject: token.Subject, Provider: u.host()}
	if err := token.Claims(&id.claims); err != nil {
		return no("its claims are not well-formed")
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1:
		return no("its nonce is not that of this login")
	case token.Subject == "" || len(token.Subject) > 255 || printable(token.Subject) != token.Subject:
		return no("its sub is missing, or longer than 255 characters of ASCII")
	case id.Party != "" && id.Party != u.ClientID, len(token.Audience) != 1 && id.Party == "":
		return no("it was made for another client (azp)")
	case token.IssuedAt.After(u.now().Add(2 * skew)):
		return no("it is from the future; is the clock right?")
	case token.AccessTokenHash != "" && token.VerifyAccessToken(access) != nil:
		return no("its at_hash is not that of the access token")
	}
	return id, nil
}

// whyNot says for the operator what an ID token that was refused seems to lack.
// Nothing is decided by it.
func (u *upstream) whyNot(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return "it is no signed token"
	}
	var head struct {
		Alg string `json:"alg"`
	}
	var body struct {
		Iss string          `json:"iss"`
		Aud json.RawMessage `json:"aud"`
	}
	var aud []string
	if unbase(parts[0], &head) != nil || unbase(parts[1], &body) != nil {
		return "it is not well-formed"
	}
	if one := ""; json.Unmarshal(body.Aud, &one) == nil {
		aud = []string{one}
	} else if json.Unmarshal(body.Aud, &aud) != nil {
		return "its aud is not well-formed"
	}
	switch {
	case body.Iss != u.Issuer:
		return fmt.Sprintf("it is of the issuer %q", shorten(printable(body.Iss), 120))
	case !slices.Contains(aud, u.ClientID):
		return "it was made for another client (aud)"
	}
	return fmt.Sprintf("its signature (%q) is not one of the provider's keys and algorithms", shorten(printable(head.Alg), 10))
}
