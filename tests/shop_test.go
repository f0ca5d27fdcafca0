// Package tests holds what spans the shop's parts: scenarios, races, kills, and
// clients that others wrote, all against the real program over HTTP.
package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/rogpeppe/go-internal/testscript"

	"till/cmd"
)

// programEnv makes the test binary be the program, for tests that kill it.
const programEnv = "TILL_TEST_BE_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){
		"till": func() { os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// scopes are those of an agent that shops.
const scopes = "catalog:read cart:write orders:read orders:write"

// serve starts a shop in the folder; it is stopped at the test's end.
func serve(t testing.TB, dir string) *cmd.Running {
	t.Helper()
	return serveAt(t, dir, "127.0.0.1:0")
}

func serveAt(t testing.TB, dir, addr string) *cmd.Running {
	t.Helper()
	shop, err := cmd.Serve(context.Background(), cmd.ServeOptions{
		Options: cmd.Options{Dir: dir}, Addr: addr, Demo: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.Stop() })
	return shop
}

// login is a user's access token, got by the real flow.
func login(t testing.TB, endpoint, user, password, scope string) string {
	t.Helper()
	token, err := cmd.Login(context.Background(), endpoint, user, password, scope)
	if err != nil {
		t.Fatalf("%s logs in: %v", user, err)
	}
	return token
}

// agent is an MCP client with somebody's token.
type agent struct {
	*sdk.ClientSession
	t testing.TB
}

// bearer puts a token on every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// dial connects the SDK's client.
func dial(endpoint, token string) (*sdk.ClientSession, error) {
	client := sdk.NewClient(&sdk.Implementation{Name: "till-tests", Version: "1"}, nil)
	return client.Connect(context.Background(), &sdk.StreamableClientTransport{
		Endpoint: endpoint, DisableStandaloneSSE: true, HTTPClient: &http.Client{Transport: bearer(token)},
	}, nil)
}

func connect(t testing.TB, endpoint, token string) *agent {
	t.Helper()
	session, err := dial(endpoint, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return &agent{session, t}
}

// shopper logs a demo user in and connects.
func shopper(t testing.TB, shop *cmd.Running, user string) *agent {
	t.Helper()
	return connect(t, shop.Endpoint, login(t, shop.Endpoint, user, shop.Users[user], scopes))
}

// args are a tool's arguments.
type args map[string]any

// answer is what a tool said.
type answer struct {
	IsError bool
	Text    string
	// Data is the structured content, or a refusal's fields.
	Data map[string]any
}

// try calls a tool; an error is one of the protocol, not the tool's.
func (a *agent) try(tool string, in args) (answer, error) {
	if in == nil {
		in = args{}
	}
	result, err := a.CallTool(context.Background(), &sdk.CallToolParams{Name: tool, Arguments: in})
	if err != nil {
		return answer{}, err
	}
	out := answer{IsError: result.IsError}
	for _, c := range result.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			out.Text += text.Text
		}
	}
	// A refusal has no structured content, which would have to fit the tool's
	// output schema; its fields stand in the text.
	_, fields, _ := strings.Cut(out.Text, "\n{")
	data := []byte("{" + fields)
	if !result.IsError {
		if data, err = json.Marshal(result.StructuredContent); err != nil {
			return out, err
		}
	}
	return out, json.Unmarshal(data, &out.Data)
}

// call calls a tool that must succeed.
func (a *agent) call(tool string, in args) answer {
	a.t.Helper()
	out, err := a.try(tool, in)
	if err != nil {
		a.t.Fatalf("%s: %v", tool, err)
	}
	if out.IsError {
		a.t.Fatalf("%s was refused: %s", tool, out.Text)
	}
	return out
}

// at finds a value in structured content by its path: "orders.0.order_id".
func (a answer) at(path string) any {
	var v any = a.Data
	for _, step := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i := 0
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}
