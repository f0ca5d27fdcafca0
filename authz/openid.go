package authz

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// OpenID is a provider (OpenID Connect Core 1.0) at which people may log in
// instead of with a password. The shop is its client and nothing else: none of
// its tokens is kept, passed on or taken at the MCP endpoint.
type OpenID struct {
	// Issuer is the provider's issuer identifier, to the byte as it says it.
	Issuer string
	// ClientID and Secret are what the provider gave the shop. Without a secret
	// the shop is a public client, whose codes only PKCE protects.
	ClientID, Secret string
	// Name is what people call the provider; empty: the issuer's host.
	Name string
	// Domains are the mail domains whose people may open accounts by logging
	// in; "*" alone lets in everybody whom the provider lets in. With none, only
	// those may who have linked or were invited.
	Domains []string
	// Timeout bounds each answer of the provider; 0: 8 seconds.
	Timeout time.Duration
}

// Everybody as the only domain opens the shop to all whom the provider knows.
const Everybody = "*"

// google is the one issuer whose hd claim is believed: it says whose workspace an
// account is of, while anybody may have a Google account under a foreign address.
const google = "https://accounts.google.com"

// check normalises the configuration or says what is wrong with it.
func (o OpenID) check() (OpenID, error) {
	u, err := url.Parse(o.Issuer)
	bad := func(format string, a ...any) (OpenID, error) {
		return o, fmt.Errorf("the OpenID issuer %q %s", shorten(printable(o.Issuer), 120), fmt.Sprintf(format, a...))
	}
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return bad("is not a URL: give the one that the provider calls its issuer, such as https://login.mydomain.net")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(o.Issuer, "#"):
		return bad("holds a user name, query or fragment: an issuer has none")
	case strings.HasSuffix(u.Path, "/.well-known/openid-configuration"):
		return bad("is the address of a document: leave out /.well-known/openid-configuration")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopbackHost(u.Hostname())):
		return bad("must begin with https:// (http:// only on this machine): what it says would travel in the clear")
	case o.ClientID == "":
		return o, fmt.Errorf("the OpenID provider %s needs the client id under which it knows this shop", u.Host)
	case len(o.ClientID) > 512 || len(o.Secret) > 4096:
		return o, fmt.Errorf("the client id or secret for %s is far too long", u.Host)
	}
	if o.Timeout <= 0 {
		o.Timeout = upstreamTime
	}
	if o.Name = strings.TrimSpace(printable(o.Name)); o.Name == "" {
		o.Name = u.Host
	}
	o.Name = shorten(o.Name, 40)
	o.Domains = slices.Clone(o.Domains)
	for i, d := range o.Domains {
		d = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(d, "@")))
		if d == Everybody && len(o.Domains) == 1 {
			o.Domains[i] = d
			continue
		}
		if d == "" || strings.ContainsAny(d, "@*/: ") || !strings.Contains(d, ".") || strings.HasPrefix(d, ".") || printable(d) != d {
			return o, fmt.Errorf("%q is not a mail domain such as example.com; %q alone stands for everybody whom the provider lets in", shorten(printable(d), 60), Everybody)
		}
		o.Domains[i] = d
	}
	return o, nil
}

// host is the issuer's, for people to read and for the log.
func (o OpenID) host() string {
	u, _ := url.Parse(o.Issuer) // checked
	return u.Host
}

// admits is whether the person whom the claims tell of may open an account by
// logging in. An address that the provider has not verified is anybody's claim.
func (o OpenID) admits(c claims) bool {
	if slices.Equal(o.Domains, []string{Everybody}) {
		return true
	}
	if o.Issuer == google {
		return slices.Contains(o.Domains, strings.ToLower(c.Hosted))
	}
	_, domain, ok := strings.Cut(c.email(), "@")
	return ok && slices.Contains(o.Domains, domain)
}

func loopbackHost(host string) bool {
	return slices.Contains(loopbacks(), host) || slices.Contains(loopbacks(), "["+host+"]")
}
