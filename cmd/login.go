package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// shopping are the scopes that an agent needs to browse, buy and look up orders.
const shopping = "catalog:read cart:write orders:read orders:write"

// accountFlags say at which shop to log in, and as whom.
type accountFlags struct {
	dataFlag
	User     string `help:"Login name." default:"alice" env:"TILL_USER" placeholder:"NAME"`
	Password string `help:"Its password. A demo user's is found in the data folder; otherwise give it here, or it is read from standard input." env:"TILL_PASSWORD" placeholder:"SECRET"`
}

type loginCmd struct {
	accountFlags
	URL   string `help:"MCP URL of the shop." default:"http://127.0.0.1:8000/mcp" env:"TILL_URL"`
	Scope string `help:"Scopes to ask for, separated by blanks." default:"${shopping}"`
}

func (c loginCmd) Run(ctx context.Context, t terminal) error {
	password, err := c.password(t)
	if err != nil {
		return err
	}
	endpoint, err := mcpURL(c.URL)
	if err != nil {
		return err
	}
	token, err := Login(ctx, endpoint, c.User, password, c.Scope)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, token)
	return err
}

// Login goes through the shop's real OAuth flow with a person's name and
// password and returns an access token with the scopes (separated by blanks).
func Login(ctx context.Context, endpoint, user, password, scope string) (string, error) {
	h, err := oauth(browser{user: user, password: password, callback: callback, say: func(string, ...any) {}}, http.DefaultClient, scope)
	if err != nil {
		return "", err
	}
	return accessToken(ctx, endpoint, h)
}

// Consent goes through the login and consent pages behind an authorization URL, as
// the person whom some client sent there, and presses Allow. It returns the address
// at the client's callback to which the shop then sends the browser.
func Consent(ctx context.Context, address, user, password string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	to := u.Query().Get("redirect_uri")
	if to == "" {
		return "", fmt.Errorf("%s names no redirect_uri", short(address, 200))
	}
	back, err := browser{user: user, password: password, callback: to, say: func(string, ...any) {}}.visit(ctx, address)
	if err != nil {
		return "", err
	}
	return back.String(), nil
}

// callback is the redirect URI of the program's own logins. Nothing listens
// there: the browser stops at the redirect that leads to it.
const callback = "http://127.0.0.1:8765/callback"

// oauth is the SDK's OAuth client, on an HTTP client, with the browser in a
// person's place.
func oauth(b browser, client *http.Client, scope string) (*auth.AuthorizationCodeHandler, error) {
	cfg := &auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{
				ClientName: "till", RedirectURIs: []string{b.callback}, TokenEndpointAuthMethod: "none",
				GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
				SoftwareID: "till", SoftwareVersion: Version(),
			},
		},
		RedirectURL: b.callback, AuthorizationCodeFetcher: b.authorize, RequestRefreshToken: true, Client: client,
	}
	if scope != "" {
		cfg.ScopeFilter = func([]string) []string { return strings.Fields(scope) }
	}
	return auth.NewAuthorizationCodeHandler(cfg)
}

// accessToken knocks at the endpoint without a token, which starts the flow as
// for any client, and returns the token that comes of it.
func accessToken(ctx context.Context, endpoint string, h *auth.AuthorizationCodeHandler) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("no shop answers at %s (%w); start one with till serve", endpoint, err)
	}
	if resp.StatusCode != http.StatusUnauthorized {
		_ = resp.Body.Close()
		return "", fmt.Errorf("%s answers %s instead of asking for a login; is it the MCP URL that till serve prints?", endpoint, resp.Status)
	}
	if err := h.Authorize(ctx, req, resp); err != nil {
		return "", err
	}
	source, err := h.TokenSource(ctx)
	if err != nil {
		return "", err
	}
	token, err := source.Token()
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

// password is the user's password: as given, a demo user's from the data
// folder, or a line of standard input.
func (a accountFlags) password(t terminal) (string, error) {
	if a.Password != "" {
		return a.Password, nil
	}
	if dir, err := a.dir(); err == nil {
		users, err := readDemoUsers(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if p, ok := users[a.User]; ok {
			return p, nil
		}
	}
	if f, ok := t.in.(*os.File); ok && isTerminal(f) {
		return "", fmt.Errorf("no demo password of %s is known in the data folder; give --password, TILL_PASSWORD, or the folder with --data", a.User)
	}
	line, _ := bufio.NewReader(t.in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("no password for %s: give --password or TILL_PASSWORD, or name the demo shop's folder with --data", a.User)
	}
	return line, nil
}

// mcpURL is the URL as it was given, with the path of the endpoint if it has none.
func mcpURL(given string) (string, error) {
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("%q is not a URL; it looks like http://127.0.0.1:8000/mcp", given)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/mcp"
	}
	return u.String(), nil
}
