package authz_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"till/authz"
)

const (
	idpClient = "till-shop"
	idpSecret = "idp-client-secret-4711"
)

// idp is an OpenID provider that does everything right until a test tells it what
// to do wrong. Everybody who comes is logged in as person at once.
type idp struct {
	t   testing.TB
	url string
	now func() time.Time

	mu     sync.Mutex
	person map[string]any // the claims beside those of the protocol
	codes  map[string]url.Values
	keys   []*ecdsa.PrivateKey // the last one signs
	spent  int                 // codes that were exchanged
	tokens []string            // all that were issued, and all codes

	// What it does wrong.
	discovery func(map[string]any)                   // changes the document
	answer    func(url.Values)                       // changes what the browser brings back
	claims    func(map[string]any)                   // changes the ID token
	sign      func(head, body map[string]any) string // signs it otherwise
	before    map[string]http.HandlerFunc            // answers a path instead; a nil result goes on
	userinfo  map[string]any                         // not nil: told there and not in the ID token
	asked     map[string]*atomic.Int64
}

func newIDP(t testing.TB) *idp {
	p := &idp{t: t, now: time.Now, codes: map[string]url.Values{}, before: map[string]http.HandlerFunc{}, asked: map[string]*atomic.Int64{}}
	for _, path := range []string{"/.well-known/openid-configuration", "/auth", "/token", "/jwks", "/userinfo"} {
		p.asked[path] = &atomic.Int64{}
	}
	p.rotate()
	p.is("248289761001", "email", "carol@example.com", "email_verified", true)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// is changes who logs in.
func (p *idp) is(sub string, claims ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person = map[string]any{"sub": sub}
	for i := 0; i < len(claims); i += 2 {
		p.person[claims[i].(string)] = claims[i+1]
	}
}

// rotate makes a new key the only one.
func (p *idp) rotate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []*ecdsa.PrivateKey{key}
}

// through is a shop at which people may log in through the provider.
func (p *idp) through(domains ...string) option {
	return func(c *authz.Config) {
		p.now = c.Clock
		c.OpenID = &authz.OpenID{Issuer: p.url, ClientID: idpClient, Secret: idpSecret, Name: "Example ID", Domains: domains}
	}
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if n := p.asked[r.URL.Path]; n != nil {
		n.Add(1)
	}
	p.mu.Lock()
	instead := p.before[r.URL.Path]
	p.mu.Unlock()
	if instead != nil {
		instead(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		doc := map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/auth", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/jwks",
			"userinfo_endpoint": p.url + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
			"authorization_response_iss_parameter_supported": true, "code_challenge_methods_supported": []string{"S256"},
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		}
		if p.discovery != nil {
			p.discovery(doc)
		}
		reply(w, 200, doc)
	case "/auth":
		p.auth(w, r)
	case "/token":
		p.token(w, r)
	case "/userinfo":
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer idp-access-") {
			w.WriteHeader(401)
			return
		}
		info := p.userinfo
		if info == nil {
			info = map[string]any{"sub": p.person["sub"]}
		}
		reply(w, 200, info)
	case "/jwks":
		var keys []any
		for _, k := range p.keys {
			public, _ := k.PublicKey.Bytes()
			keys = append(keys, map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid(k), "x": base(public[1:33]), "y": base(public[33:])})
		}
		reply(w, 200, map[string]any{"keys": keys})
	default:
		w.WriteHeader(404)
	}
}

func (p *idp) auth(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != idpClient || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		len(q.Get("code_challenge")) != 43 || len(q.Get("nonce")) < 22 || !strings.Contains(q.Get("scope"), "openid") {
		reply(w, 400, map[string]any{"error": "invalid_request", "got": q})
		return
	}
	code := "idp-code-" + base(randomBytes())
	p.codes[code], p.tokens = q, append(p.tokens, code)
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.url}}
	if p.answer != nil {
		p.answer(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	asked, ok := p.codes[r.PostFormValue("code")]
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if id != idpClient || secret != idpSecret {
		reply(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	if !ok || asked.Get("code_challenge") != base(sum[:]) || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		// As a careless provider does: it repeats what it was sent.
		reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "bad code " + r.PostFormValue("code") + " with " + r.PostFormValue("code_verifier")})
		return
	}
	delete(p.codes, r.PostFormValue("code"))
	p.spent++
	access := "idp-access-" + base(randomBytes())
	hash := sha256.Sum256([]byte(access))
	now := p.now()
	claims := map[string]any{"iss": p.url, "aud": idpClient, "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "at_hash": base(hash[:16])}
	for k, v := range p.person {
		if p.userinfo == nil || k == "sub" {
			claims[k] = v
		}
	}
	if p.claims != nil {
		p.claims(claims)
	}
	head := map[string]any{"alg": "ES256", "typ": "JWT", "kid": kid(p.keys[len(p.keys)-1])}
	var token string
	if p.sign != nil {
		token = p.sign(head, claims)
	} else {
		token = es256(p.keys[len(p.keys)-1], head, claims)
	}
	p.tokens = append(p.tokens, access, token)
	reply(w, 200, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": token, "refresh_token": "idp-refresh-" + base(randomBytes())})
}

// wrong does one thing wrong until the end of the test.
func (p *idp) wrong(t *testing.T, do func()) {
	p.mu.Lock()
	do()
	p.mu.Unlock()
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.discovery, p.answer, p.claims, p.sign, p.userinfo, p.before = nil, nil, nil, nil, nil, map[string]http.HandlerFunc{}
	})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func base(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func randomBytes() []byte {
	b := make([]byte, 24)
	rand.Read(b)
	return b
}

func kid(k *ecdsa.PrivateKey) string {
	public, _ := k.PublicKey.Bytes()
	sum := sha256.Sum256(public)
	return fmt.Sprintf("%x", sum[:6])
}

// unsigned is the part of a token that is signed.
func unsigned(head, body map[string]any) string {
	h, _ := json.Marshal(head)
	b, _ := json.Marshal(body)
	return base(h) + "." + base(b)
}

func es256(key *ecdsa.PrivateKey, head, body map[string]any) string {
	text := unsigned(head, body)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func hs256(secret []byte, head, body map[string]any) string {
	head["alg"] = "HS256"
	text := unsigned(head, body)
	h := hmac.New(crypto.SHA256.New, secret)
	h.Write([]byte(text))
	return text + "." + base(h.Sum(nil))
}

// atProvider presses the button of the login page and is sent back by the provider:
// the result is the callback that the browser is to open.
func (b *browser) atProvider(page answer) string {
	b.s.t.Helper()
	href := hrefOf(page.body, "/login/openid?")
	if href == "" {
		b.s.t.Fatalf("no way to the provider: %d %s", page.StatusCode, page.body)
	}
	a := b.get(href)
	if a.StatusCode != 303 {
		b.s.t.Fatalf("not sent to the provider: %d %s", a.StatusCode, a.body)
	}
	a = b.get(a.Header.Get("Location"))
	if a.StatusCode != 302 {
		b.s.t.Fatalf("the provider answers %d %s", a.StatusCode, a.body)
	}
	return a.Header.Get("Location")
}

func hrefOf(page, prefix string) string {
	_, rest, ok := strings.Cut(page, `href="`+prefix)
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, `"`)
	return prefix + strings.ReplaceAll(rest, "&amp;", "&")
}
