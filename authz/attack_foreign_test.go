package authz_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"till/authz"
	"till/domain/eventlog"
)

// read counts how often a stream of the log is read.
type read struct {
	eventlog.Log
	times atomic.Int64
}

func (r *read) Read(ctx context.Context, s eventlog.Stream) iter.Seq2[eventlog.Envelope, error] {
	r.times.Add(1)
	return r.Log.Read(ctx, s)
}

// signed is a JSON web token in the name of an issuer, signed with a key that
// the token itself brings or points to.
func signed(t *testing.T, alg, issuer, audience string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	coordinate := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	text := part(map[string]any{
		"alg": alg, "typ": "at+jwt", "kid": "1", "jku": issuer + "/jwks.json", "x5u": issuer + "/cert.pem",
		"jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": coordinate(public[1:33]), "y": coordinate(public[33:])},
	}) + "." + part(map[string]any{
		"iss": issuer, "aud": audience, "sub": "usr_1", "scope": "catalog:read orders:write", "client_id": "x", "exp": time.Now().Add(time.Hour).Unix(),
	})
	if alg == "none" {
		return text + "."
	}
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + coordinate(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// 56, 57: whatever another issuer gave out is nothing here. Nobody is asked
// about it, neither its issuer nor the log.
func TestAttackForeignToken(t *testing.T) {
	var asked atomic.Int64
	idp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer idp.Close()
	log := &read{}
	s := open(t, func(c *authz.Config) { log.Log = c.Log; c.Log = log })
	client, tok := s.connect("alice")
	log.times.Store(0)
	for name, foreign := range map[string]string{
		"56 opaque":                     "ya29." + strings.Repeat("a0AfH6SMB", 10),
		"56 of a provider, for itself":  signed(t, "ES256", idp.URL, "client-of-the-shop"),
		"56 of a provider, for us":      signed(t, "ES256", idp.URL, s.srv.Resource()),
		"57 signed by nobody":           signed(t, "none", s.url, s.srv.Resource()),
		"57 in our name":                signed(t, "ES256", s.url, s.srv.Resource()),
		"57 encrypted, of five parts":   "eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC",
		"57 behind our kind":            "at_" + signed(t, "none", idp.URL, s.srv.Resource()),
		"53 in the shape of ours":       "at_" + strings.Repeat("A", 22) + ".1." + strings.Repeat("B", 43),
		"53 ours with another's secret": strings.Join(strings.Split(tok.Access, ".")[:2], ".") + "." + strings.Repeat("B", 43),
		"53 a generation not issued":    strings.Split(tok.Access, ".")[0] + ".7." + strings.Repeat("B", 43),
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call("Bearer " + foreign)
			if a.StatusCode != 401 || !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%d %q", a.StatusCode, a.Header.Get("WWW-Authenticate"))
			}
			s.postForm("/token", refreshForm(client, foreign)).wants(t, 400, "invalid_grant")
			if n := asked.Load(); n > 0 {
				t.Errorf("its issuer was asked %d times", n)
			}
			if n := log.times.Load(); n > 0 {
				t.Errorf("the log was read %d times", n)
			}
		})
	}
	if !s.works(tok.Access) {
		t.Error("the shop's own token no longer works")
	}
	// The counter does count: a true token that late views lack is looked up.
	s.views.hold(true)
	if next := s.tokens(refreshForm(client, tok.Refresh)); !s.works(next.Access) || log.times.Load() == 0 {
		t.Error("the log's reads are not seen")
	}
}

// 51: tokens are checked where they are used, in the same process. There is no
// endpoint that tells others about them, and no document that names one.
func TestAttackIntrospection(t *testing.T) {
	s := open(t)
	_, tok := s.connect("alice")
	for _, path := range []string{"/introspect", "/introspection", "/oauth/introspect", "/oauth2/introspect", "/token/introspect", "/token_info", "/userinfo"} {
		for _, method := range []string{"GET", "POST"} {
			req, err := http.NewRequest(method, s.url+path, strings.NewReader("token="+tok.Access))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Authorization", "Bearer "+tok.Access)
			a := s.do(http.DefaultClient, req)
			a.wants(t, 404, "not_found")
			if a.Header.Get("Content-Type") != "application/json" || strings.Contains(a.body, "active") {
				t.Errorf("%s %s: %s %s", method, path, a.Header.Get("Content-Type"), a.body)
			}
		}
	}
	for _, document := range []string{"oauth-authorization-server", "openid-configuration", "oauth-protected-resource/mcp"} {
		a := s.browser().get("/.well-known/" + document)
		if a.StatusCode != 200 || strings.Contains(a.body, "introspect") || strings.Contains(a.body, "userinfo") {
			t.Errorf("%s: %d %s", document, a.StatusCode, a.body)
		}
	}
}
