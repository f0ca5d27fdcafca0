package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// reached is whether a shop, and not something before it, answers a client's first
// call.
func (o *outside) reached(ctx context.Context) finding {
	u, _ := url.Parse(o.origin)
	began := time.Now()
	answer, err := o.call(ctx)
	if err != nil {
		return unreached(u.Hostname(), err)
	}
	took := time.Since(began)
	o.challenge = answer.Header.Get("WWW-Authenticate")
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		o.clock = at
	}
	kind := answer.Header.Get("Content-Type")
	var says struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(answer.body, &says)
	switch code := answer.StatusCode; {
	case code == http.StatusMisdirectedRequest && says.Error == "misdirected_request":
		return bad("the shop answers, but was started for another address. "+says.Description, "do one of the two, then ask again")
	case code >= 300 && code < 400:
		return bad(fmt.Sprintf("it redirects (%d) to %s; clients do not follow with what they post", code, short(answer.Header.Get("Location"), 120)), "give clients the address that it redirects to")
	case code == http.StatusBadGateway || code == http.StatusGatewayTimeout:
		return bad("what stands before the shop answers "+answer.Status, "see that the shop runs, and that the proxy passes on to the address that till serve prints")
	case code == http.StatusServiceUnavailable && says.Error != "":
		return bad("the shop says that it cannot answer now: "+says.Description, "ask /readyz and its log why")
	case strings.HasPrefix(kind, "text/html"):
		return bad(fmt.Sprintf("a page comes (%s) where a client expects JSON", answer.Status), "a login, warning or bot check of the proxy or tunnel stands before the shop: switch it off for this host, since programs cannot pass it")
	case code != http.StatusUnauthorized:
		return bad("something else answers: "+answer.Status, "see which program listens behind this address")
	case o.clock.IsZero():
		o.clock = began
	}
	found := fmt.Sprintf("%s/mcp answers in %d ms", o.origin, took.Milliseconds())
	if took > 2*time.Second {
		return finding{State: worth, Found: found, Do: "look where the time goes: many clients wait a few seconds only"}
	}
	return finding{State: well, Found: found}
}

// challenged is whether a client without a token learns where to go.
func (o *outside) challenged(context.Context) finding {
	_, rest, ok := strings.Cut(o.challenge, `resource_metadata="`)
	address, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return bad("the 401 names no resource_metadata", "see that the proxy keeps the WWW-Authenticate header")
	}
	if !strings.HasPrefix(address, o.origin+"/") {
		return bad("a client without a token is sent to "+short(address, 120), "start the shop with --public-url "+o.origin)
	}
	o.metadata = address
	return finding{State: well, Found: "a call without a token is answered 401 and told where to go"}
}

func (o *outside) resourceDocument(ctx context.Context) finding {
	var d struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
	}
	for _, address := range []string{o.metadata, o.origin + "/.well-known/oauth-protected-resource"} {
		answer, err := o.send(ctx, http.MethodGet, address, "")
		if err != nil {
			return bad(err.Error(), "see that /.well-known/ is passed on like everything else")
		}
		if why := answer.document(&d); why != "" {
			return bad(address+": "+why, "see that the proxy passes /.well-known/ on to the shop and serves no files of its own there")
		}
		if d.Resource != o.origin+"/mcp" || len(d.Servers) != 1 || d.Servers[0] != o.origin {
			return bad(fmt.Sprintf("it says that the shop is %s, to be entered by %s", short(d.Resource, 100), short(strings.Join(d.Servers, ", "), 100)), "start the shop with --public-url "+o.origin)
		}
	}
	return finding{State: well, Found: "the resource is " + d.Resource}
}

func (o *outside) serverDocument(ctx context.Context) finding {
	for _, name := range []string{"oauth-authorization-server", "oauth-authorization-server/mcp", "openid-configuration"} {
		var d map[string]any
		answer, err := o.send(ctx, http.MethodGet, o.origin+"/.well-known/"+name, "")
		if err != nil {
			return bad(err.Error(), "see that /.well-known/ is passed on like everything else")
		}
		if why := answer.document(&d); why != "" {
			return bad("/.well-known/"+name+": "+why, "see that the proxy passes /.well-known/ on to the shop")
		}
		if d["issuer"] != o.origin {
			return bad(fmt.Sprintf("the server calls itself %v, which clients refuse for %s", d["issuer"], o.origin), "start the shop with --public-url "+o.origin)
		}
		for _, endpoint := range []string{"authorization", "token", "registration", "revocation"} {
			if address, _ := d[endpoint+"_endpoint"].(string); !strings.HasPrefix(address, o.origin+"/") {
				return bad(fmt.Sprintf("its %s endpoint is %q", endpoint, address), "start the shop with --public-url "+o.origin)
			}
		}
		methods, _ := d["code_challenge_methods_supported"].([]any)
		if !slices.Contains(methods, any("S256")) {
			return bad("it offers no PKCE", "another program answers here: see what the proxy passes /.well-known/ on to")
		}
	}
	return finding{State: well, Found: "the authorization server is " + o.origin}
}

// headerPasses is whether a token would arrive: some proxies take it for their own.
func (o *outside) headerPasses(ctx context.Context) finding {
	answer, err := o.call(ctx, "Authorization", "Bearer till-doctor")
	switch {
	case err != nil:
		return bad(err.Error(), "ask again")
	case answer.StatusCode == http.StatusUnauthorized && strings.Contains(answer.Header.Get("WWW-Authenticate"), `error="invalid_token"`):
		return finding{State: well, Found: "an Authorization header reaches the shop"}
	}
	return bad("the Authorization header does not reach the shop ("+answer.Status+")", "see that the proxy passes it on and asks for no login of its own")
}

// endpoints is whether what a client posts is answered by the shop. Nothing of it is
// good, so that nothing comes of it.
func (o *outside) endpoints(ctx context.Context) finding {
	const form = "application/x-www-form-urlencoded"
	for _, e := range []struct{ path, kind, body, want string }{
		{"/register", "application/json", `{"redirect_uris":[]}`, "invalid_redirect_uri"},
		{"/token", form, "grant_type=authorization_code&code=till-doctor&client_id=till-doctor", ""},
	} {
		answer, err := o.send(ctx, http.MethodPost, o.origin+e.path, e.body, "Content-Type", e.kind, "Accept", "application/json")
		if err != nil {
			return bad(e.path+": "+err.Error(), "see that it is passed on like everything else")
		}
		var says struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(answer.body, &says) != nil || says.Error == "" || answer.StatusCode >= 500 {
			return bad(fmt.Sprintf("%s is answered %s and not by the shop", e.path, answer.Status), "see that the proxy passes POST on, with its body")
		}
		if answer.StatusCode == http.StatusTooManyRequests {
			return finding{State: worth, Found: e.path + " says that too many requests come from here", Do: "wait a minute and ask again"}
		}
	}
	return finding{State: well, Found: "registration and tokens are answered"}
}

// pages is whether a person's browser gets the login page as it was sent.
func (o *outside) pages(ctx context.Context) finding {
	answer, err := o.send(ctx, http.MethodGet, o.origin+"/login", "", "Accept", "text/html")
	if err != nil {
		return bad(err.Error(), "see that /login is passed on")
	}
	policy := answer.Header.Get("Content-Security-Policy")
	cookies := answer.Cookies()
	secure := strings.HasPrefix(o.origin, "https:")
	switch {
	case answer.StatusCode != http.StatusOK || !strings.Contains(string(answer.body), `name="password"`):
		return bad("the login page is answered "+answer.Status, "see that the proxy passes /login, /consent and /authorize on")
	case !strings.HasPrefix(policy, "default-src 'none'") || strangeScript(string(answer.body), policy):
		return bad("something on the way changes the page or its policy", "switch off what the proxy adds to pages: scripts, banners, headers")
	case len(cookies) == 0 || secure && (!cookies[0].Secure || !strings.HasPrefix(cookies[0].Name, "__Host-")):
		return bad("the page's cookie does not arrive as it was sent", "see that the proxy changes no Set-Cookie headers")
	case secure && answer.Header.Get("Strict-Transport-Security") == "":
		return finding{State: worth, Found: "the login page comes without Strict-Transport-Security", Do: "see that the proxy keeps it"}
	}
	return finding{State: well, Found: "the login page arrives whole"}
}

// crossOrigin is whether clients that run in a browser may read the documents.
func (o *outside) crossOrigin(ctx context.Context) finding {
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server", "/token"} {
		answer, err := o.send(ctx, http.MethodOptions, o.origin+path, "", "Origin", "https://till-doctor.invalid",
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
		if err != nil {
			return bad(err.Error(), "ask again")
		}
		if answer.StatusCode >= 300 || answer.Header.Get("Access-Control-Allow-Origin") != "*" {
			return finding{State: worth, Found: fmt.Sprintf("a web page's question about %s is answered %s", path, answer.Status), Do: "let the proxy pass OPTIONS on and keep the Access-Control headers; only clients in a browser need it"}
		}
	}
	return finding{State: well, Found: "clients in a browser may ask"}
}

func (o *outside) clocks(context.Context) finding {
	off := time.Since(o.clock).Round(time.Second)
	if off.Abs() > 30*time.Second {
		return finding{State: worth, Found: fmt.Sprintf("the shop's clock and this machine's differ by %s", off.Abs()), Do: "set both by ntp: a token may look expired to its client"}
	}
	return finding{State: well, Found: "it agrees with this machine's"}
}
