package cmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"till/authz"
)

func TestOpenIDFlags(t *testing.T) {
	dir := t.TempDir()
	file, empty := filepath.Join(dir, "secret"), filepath.Join(dir, "empty")
	for name, text := range map[string]string{file: "from a file\n", empty: "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		flags openidFlags
		env   string
		want  string // the secret
		err   string
	}{
		"none":                   {openidFlags{}, "unused", "", ""},
		"from the environment":   {openidFlags{OpenidIssuer: "https://a", OpenidClientID: "c"}, "from the environment", "from the environment", ""},
		"from a file":            {openidFlags{OpenidIssuer: "https://a", OpenidClientID: "c", OpenidSecretFile: file}, "", "from a file", ""},
		"from both":              {openidFlags{OpenidIssuer: "https://a", OpenidClientID: "c", OpenidSecretFile: file}, "x", "", "given twice"},
		"an empty file":          {openidFlags{OpenidIssuer: "https://a", OpenidClientID: "c", OpenidSecretFile: empty}, "", "", "is empty"},
		"no file":                {openidFlags{OpenidIssuer: "https://a", OpenidClientID: "c", OpenidSecretFile: dir + "/none"}, "", "", "cannot be read"},
		"a public client":        {openidFlags{OpenidIssuer: "https://a", OpenidClientID: "c"}, "", "", ""},
		"a client of nobody":     {openidFlags{OpenidClientID: "c"}, "", "", "--openid-issuer"},
		"a domain without a way": {openidFlags{OpenidDomain: []string{"example.com"}}, "", "", "--openid-issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TILL_OPENID_SECRET", test.env)
			o, err := test.flags.provider()
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%v, want %q", err, test.err)
				}
			case err != nil:
				t.Error(err)
			case test.flags.OpenidIssuer == "":
				if o != nil {
					t.Errorf("%+v", o)
				}
			case o.Secret != test.want || o.Issuer != "https://a" || o.ClientID != "c":
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestOpenIDDoctor(t *testing.T) {
	var document, keys map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/jwks" {
			_ = json.NewEncoder(w).Encode(keys)
			return
		}
		_ = json.NewEncoder(w).Encode(document)
	}))
	defer server.Close()
	shop, err := Serve(t.Context(), ServeOptions{Addr: "127.0.0.1:0", Demo: true, Options: Options{
		Dir: t.TempDir(), OpenID: &authz.OpenID{Issuer: server.URL, ClientID: "till", Secret: "the client's secret"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	found := func() (f finding) {
		t.Helper()
		if err := askDoctor.ask(t.Context(), shop.App, checkup{Quick: true}, func(g finding) error {
			if g.Check == "login by" {
				f = g
			}
			return nil
		}, nil); err != nil {
			t.Fatal(err)
		}
		return f
	}
	whole := func() {
		document = map[string]any{
			"issuer": server.URL, "authorization_endpoint": server.URL + "/auth", "token_endpoint": server.URL + "/token", "jwks_uri": server.URL + "/jwks",
			"code_challenge_methods_supported": []string{"plain", "S256"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		}
		keys = map[string]any{"keys": []any{map[string]any{"kty": "RSA"}}}
	}
	whole()
	found().expect(t, well, server.URL+" can be reached", "")
	document["code_challenge_methods_supported"] = nil
	found().expect(t, worth, "PKCE with S256", "/login/openid/callback")
	whole()
	document["id_token_signing_alg_values_supported"] = []string{"HS256", "none"}
	found().expect(t, wrong, "it signs with HS256 none only", "--openid-issuer")
	whole()
	keys["keys"] = []any{map[string]any{"kty": "oct"}}
	found().expect(t, wrong, "no public keys", "")
	whole()
	document["issuer"] = server.URL + "/"
	found().expect(t, wrong, `it calls itself "`+server.URL+`/"`, "")
	server.Close()
	found().expect(t, wrong, "connection refused", "passwords go on")
}
