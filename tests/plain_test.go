package tests

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// plain is a client that knows only HTTP: it is as quick as a client can be, and
// it is there before and after the shop's process is killed.
type plain struct {
	origin string
	http   *http.Client
}

func newPlain(endpoint string) *plain {
	return &plain{strings.TrimSuffix(endpoint, "/mcp"), &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// errGone: no whole answer came. What was asked may have been done or not.
var errGone = errors.New("the shop is gone")

// ask sends a request and reads all of its answer, or returns errGone.
func (p *plain) ask(client *http.Client, method, path, media, body, token string) (int, http.Header, []byte, error) {
	r, err := http.NewRequest(method, p.origin+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: %w", errGone, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: %w", errGone, err)
	}
	return resp.StatusCode, resp.Header, data, nil
}

// said is what a tool answered, or the HTTP status if that is not 200.
type said struct {
	answer
	status int
}

// code is the refusal's code; empty when there was none.
func (s said) code() string {
	switch {
	case s.status != http.StatusOK:
		return fmt.Sprint("http_", s.status)
	case s.IsError:
		return s.text("code")
	}
	return ""
}

func (s said) number(path string) int {
	n, _ := s.at(path).(float64)
	return int(n)
}

// tool calls a tool.
func (p *plain) tool(token, name string, in args) (said, error) {
	if in == nil {
		in = args{}
	}
	call, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": name, "arguments": in}})
	if err != nil {
		return said{}, err
	}
	status, _, data, err := p.ask(p.http, http.MethodPost, "/mcp", "application/json", string(call), token)
	if err != nil || status != http.StatusOK {
		return said{status: status}, err
	}
	var reply struct {
		Result struct {
			IsError bool `json:"isError"`
			Content []struct{ Text string }
			Data    map[string]any `json:"structuredContent"`
		}
		Error json.RawMessage
	}
	if err := json.Unmarshal(data, &reply); err != nil || reply.Error != nil {
		return said{}, fmt.Errorf("%s answers %s", name, data)
	}
	out := said{answer{IsError: reply.Result.IsError, Data: reply.Result.Data}, status}
	for _, c := range reply.Result.Content {
		out.Text += c.Text
	}
	if out.IsError {
		_, fields, _ := strings.Cut(out.Text, "\n{")
		err = json.Unmarshal([]byte("{"+fields), &out.Data)
	}
	return out, err
}

// form posts a form and reads the JSON that it is answered with.
func (p *plain) form(path string, fields url.Values) (int, map[string]any, error) {
	status, _, data, err := p.ask(p.http, http.MethodPost, path, "application/x-www-form-urlencoded", fields.Encode(), "")
	if err != nil {
		return 0, nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		return status, nil, fmt.Errorf("%s answers %d %s", path, status, data)
	}
	return status, out, nil
}

// pair is the tokens of one answer.
type pair struct{ access, refresh string }

// tokens asks the token endpoint. A refusal is no error: its code is returned.
func (p *plain) tokens(fields url.Values) (got pair, refused string, err error) {
	status, out, err := p.form("/token", fields)
	if err != nil {
		return got, "", err
	}
	if status != http.StatusOK {
		code, _ := out["error"].(string)
		return got, fmt.Sprintf("%d %s", status, code), nil
	}
	got.access, _ = out["access_token"].(string)
	got.refresh, _ = out["refresh_token"].(string)
	return got, "", nil
}

func (p *plain) refresh(client, token string) (pair, string, error) {
	return p.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client}})
}

// revoke gives a token back; true once the shop has acknowledged it.
func (p *plain) revoke(client, token string) (bool, error) {
	status, _, err := p.form("/revoke", url.Values{"token": {token}, "client_id": {client}})
	return status == http.StatusOK, err
}

// redirectTo is where nobody listens: the dance ends at the redirect to it.
const redirectTo = "http://127.0.0.1:9/callback"

// register makes a client known and returns its id.
func (p *plain) register(name string) (string, error) {
	body, err := json.Marshal(map[string]any{"client_name": name, "redirect_uris": []string{redirectTo}, "grant_types": []string{"authorization_code", "refresh_token"}})
	if err != nil {
		return "", err
	}
	status, _, data, err := p.ask(p.http, http.MethodPost, "/register", "application/json", string(body), "")
	if err != nil {
		return "", err
	}
	var out struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal(data, &out); err != nil || status != http.StatusCreated {
		return "", fmt.Errorf("/register answers %d %s", status, data)
	}
	return out.ID, nil
}

// code goes through login and consent as a person's browser does, and returns
// what redeems the code that comes of it.
func (p *plain) code(client, user, password, scope, verifier string) (url.Values, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return p.codeWith(jar, client, user, password, scope, verifier)
}

// codeWith is code in a browser that has these cookies: who is logged in there
// is not asked for the password again.
func (p *plain) codeWith(jar http.CookieJar, client, user, password, scope, verifier string) (url.Values, error) {
	browser := *p.http
	browser.Jar = jar
	challenge := sha256.Sum256([]byte(verifier))
	at := "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirectTo}, "scope": {scope}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}, "resource": {p.origin + "/mcp"},
	}.Encode()
	method, body, media := http.MethodGet, "", ""
	for range 10 {
		status, header, page, err := p.ask(&browser, method, at, media, body, "")
		if err != nil {
			return nil, err
		}
		if to := header.Get("Location"); to != "" {
			u, err := url.Parse(to)
			if err != nil {
				return nil, err
			}
			if code := u.Query().Get("code"); strings.HasPrefix(to, redirectTo) && code != "" {
				return url.Values{
					"grant_type": {"authorization_code"}, "code": {code}, "client_id": {client},
					"redirect_uri": {redirectTo}, "code_verifier": {verifier}, "resource": {p.origin + "/mcp"},
				}, nil
			}
			method, at, body, media = http.MethodGet, u.RequestURI(), "", ""
			continue
		}
		action, fields := filled(string(page), user, password)
		if status != http.StatusOK || action == "" {
			return nil, fmt.Errorf("the dance stops at %s: %d %.200s", at, status, page)
		}
		method, at, body, media = http.MethodPost, action, fields.Encode(), "application/x-www-form-urlencoded"
	}
	return nil, errors.New("the dance does not end")
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// filled is the login or consent form of a page as a person sends it.
func filled(page, user, password string) (action string, fields url.Values) {
	for _, action := range []string{"/login", "/consent"} {
		_, part, ok := strings.Cut(page, `action="`+action+`"`)
		if !ok {
			continue
		}
		part, _, _ = strings.Cut(part, "</form>")
		fields := url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(part, -1) {
			fields.Set(m[1], html.UnescapeString(m[2]))
		}
		if action == "/login" {
			fields.Set("username", user)
			fields.Set("password", password)
		} else {
			fields.Set("decision", "allow")
		}
		return action, fields
	}
	return "", nil
}

// bringOver imports products into the shop that runs on the folder, as `till
// catalog import` does beside one, but never into the folder itself: between
// two lives of the shop that would keep the next one out.
func bringOver(dir, products string) error {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "till.sock"))
	}}}
	resp, err := c.Post("http://till/catalog?name=stream.jsonl&currency=USD&recount=true", "application/jsonl", strings.NewReader(products))
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	lines := bytes.Split(bytes.TrimSpace(all), []byte("\n"))
	var last struct {
		End    bool
		Error  string
		Faults []any
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || !last.End {
		return fmt.Errorf("%w: the import was broken off", errGone)
	}
	if last.Error != "" || last.Faults != nil {
		return fmt.Errorf("the import answers %s", all)
	}
	return nil
}
