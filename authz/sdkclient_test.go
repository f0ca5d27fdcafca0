package authz_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"till/domain/grant"
)

// The Go SDK's own client finds its way in from a bare 401, and asks for more
// when it is told that its token is not enough.
func TestSDKClient(t *testing.T) {
	s := open(t)
	person := s.browser()
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		RedirectURL: callback,
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{ClientName: "SDK client", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code", "refresh_token"}},
		},
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			page := person.follow(person.get(args.URL), "admin")
			back, err := url.Parse(person.decide(page, "allow").Header.Get("Location"))
			if err != nil {
				return nil, err
			}
			q := back.Query()
			return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	call := func() (*http.Request, *http.Response) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/mcp", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		source, err := handler.TokenSource(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if source != nil {
			token, err := source.Token()
			if err != nil {
				t.Fatal(err)
			}
			token.SetAuthHeader(req)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return req, res
	}
	req, res := call()
	if res.StatusCode != 401 {
		t.Fatalf("%d without a token", res.StatusCode)
	}
	if err := handler.Authorize(t.Context(), req, res); err != nil {
		t.Fatal(err)
	}
	if _, res := call(); res.StatusCode != 200 {
		t.Fatalf("%d with a token", res.StatusCode)
	}
	s.need = func(*http.Request) []string { return []string{grant.ShopAdmin} }
	req, res = call()
	if res.StatusCode != 403 {
		t.Fatalf("%d with too small a token", res.StatusCode)
	}
	if err := handler.Authorize(t.Context(), req, res); err != nil {
		t.Fatal(err)
	}
	if _, res := call(); res.StatusCode != 200 {
		t.Fatalf("%d after asking for more", res.StatusCode)
	}
	source, err := handler.TokenSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token()
	if err != nil || token.RefreshToken == "" || time.Until(token.Expiry) > 11*time.Minute {
		t.Errorf("%v %v", token, err)
	}
}
