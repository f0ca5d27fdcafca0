package tests

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// app is a client on this machine that a person connects in a browser of theirs.
type app struct {
	t              testing.TB
	origin         string // the shop's
	id, callback   string
	verifier, name string
	// heard are the answers that came to its callback.
	heard chan url.Values
}

// newApp registers a client under the name. more are members of its registration.
func newApp(t testing.TB, endpoint, name string, more map[string]any) *app {
	t.Helper()
	a := &app{t: t, origin: strings.TrimSuffix(endpoint, "/mcp"), name: name, heard: make(chan url.Values, 9), verifier: strings.Repeat("v", 50)}
	listens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><title>back</title><h1>Back in the app</h1>`)
		if r.URL.Path == "/callback" {
			a.heard <- r.URL.Query()
		}
	}))
	t.Cleanup(listens.Close)
	a.callback = listens.URL + "/callback"
	members := map[string]any{"client_name": name, "redirect_uris": []string{a.callback}}
	for k, v := range more {
		members[k] = v
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(a.origin+"/register", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var registered struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&registered); err != nil || registered.ID == "" {
		t.Fatalf("%s is not registered: %s %v", name, resp.Status, err)
	}
	a.id = registered.ID
	return a
}

// asks is the address that the app opens in the person's browser.
func (a *app) asks(scope string) string {
	sum := sha256.Sum256([]byte(a.verifier))
	return a.origin + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {a.id}, "redirect_uri": {a.callback}, "scope": {scope}, "state": {"s-" + a.id},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "resource": {a.origin + "/mcp"},
	}.Encode()
}

// answer is what came to the callback, which must be the shop's.
func (a *app) answer() url.Values {
	a.t.Helper()
	select {
	case got := <-a.heard:
		if got.Get("state") != "s-"+a.id || got.Get("iss") != a.origin {
			a.t.Errorf("%s hears %v", a.name, got)
		}
		return got
	default:
		a.t.Fatalf("%s hears nothing", a.name)
		return nil
	}
}

// redeem gets the access token for the code of the answer.
func (a *app) redeem(code string) string {
	a.t.Helper()
	resp, err := http.PostForm(a.origin+"/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {a.id}, "redirect_uri": {a.callback}, "code": {code}, "code_verifier": {a.verifier},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || token.Access == "" {
		a.t.Fatalf("the code is answered %s %v", resp.Status, err)
	}
	return token.Access
}
