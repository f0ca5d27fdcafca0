package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"till/cmd"
)

// scopes are those of an agent that shops.
const scopes = "catalog:read cart:write orders:read orders:write"

// startTill starts the program as people build it, with accounts, stock enough, and
// for each person a token that came by login and consent.
func startTill(ctx context.Context, dir, era string, people int) (*server, error) {
	binary, data := filepath.Join(dir, "till"), filepath.Join(dir, "shop")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "till/cmd/till")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	if err := fillTill(ctx, data, addr, people); err != nil {
		return nil, err
	}
	s := &server{name: "Till", dialect: ours, addr: addr, era: era}
	if err := s.start(ctx, binary, "serve", "--data", data, "--addr", addr, "--access-life", "6h", "--log-level", "warn"); err != nil {
		return nil, err
	}
	if s.tokens, err = connectAll(ctx, "http://"+addr, people); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// fillTill makes the folder: people, and so much of each product that it never
// runs out.
func fillTill(ctx context.Context, data, addr string, people int) error {
	shop, err := cmd.Serve(ctx, cmd.ServeOptions{Options: cmd.Options{Dir: data}, Addr: addr, Demo: true})
	if err != nil {
		return err
	}
	for i := range people {
		if err == nil {
			err = shop.AddUser(ctx, login(i), password(i))
		}
	}
	if stopped := shop.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return err
	}
	catalogue, err := os.ReadFile(filepath.Join(root(ctx), "domain", "catalog", "catshop.jsonl"))
	if err != nil {
		return err
	}
	catalogue = regexp.MustCompile(`"stock":\d+`).ReplaceAll(catalogue, []byte(`"stock":1000000`))
	var out bytes.Buffer
	if code := cmd.Main([]string{"catalog", "import", "-", "--recount", "--data", data}, bytes.NewReader(catalogue), &out, &out); code != 0 {
		return fmt.Errorf("the import exits %d: %s", code, &out)
	}
	return nil
}

// root is the module's folder.
func root(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "."
	}
	return strings.TrimSpace(string(out))
}

func login(i int) string    { return fmt.Sprintf("shopper%d", i) }
func password(i int) string { return fmt.Sprintf("correct horse battery %d", i) }

const callback = "http://127.0.0.1:9/callback"

// connectAll registers one client, as a hosted one is for all its people, and
// connects each person to it.
func connectAll(ctx context.Context, origin string, people int) ([]string, error) {
	var client struct {
		ID string `json:"client_id"`
	}
	about := `{"client_name":"peers","redirect_uris":["` + callback + `"],"token_endpoint_auth_method":"none"}`
	if err := send(ctx, origin+"/register", "application/json", about, http.StatusCreated, &client); err != nil {
		return nil, err
	}
	var tokens []string
	for i := range people {
		verifier := strings.Repeat("v", 43)
		challenge := sha256.Sum256([]byte(verifier))
		back, err := cmd.Consent(ctx, origin+"/authorize?"+url.Values{
			"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {callback}, "scope": {scopes}, "state": {"s"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}, "resource": {origin + "/mcp"},
		}.Encode(), login(i), password(i))
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(back)
		if err != nil {
			return nil, err
		}
		var granted struct {
			Token string `json:"access_token"`
		}
		redeem := url.Values{
			"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")}, "client_id": {client.ID},
			"redirect_uri": {callback}, "code_verifier": {verifier}, "resource": {origin + "/mcp"},
		}.Encode()
		if err := send(ctx, origin+"/token", "application/x-www-form-urlencoded", redeem, http.StatusOK, &granted); err != nil {
			return nil, err
		}
		tokens = append(tokens, granted.Token)
	}
	return tokens, nil
}

func send(ctx context.Context, to, media, body string, want int, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", media)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s answers %s %s", to, resp.Status, answer)
	}
	return json.Unmarshal(answer, into)
}
