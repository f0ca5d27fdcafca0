package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// BenchmarkHTTP compares calls to the shop, with token check, log and views, to
// calls of an empty tool on a bare SDK server with the same settings and no
// token check: in turns, in one process, with one client.
func BenchmarkHTTP(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	shop, err := Serve(context.Background(), ServeOptions{Options: Options{Dir: b.TempDir()}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = shop.Stop() })
	token, err := Login(context.Background(), shop.Endpoint, "alice", shop.Users["alice"], shopping)
	if err != nil {
		b.Fatal(err)
	}
	for _, era := range []string{"2026-07-28", "2025-11-25"} {
		bare := benchCaller{b, bareSDK(b, era), "", era, "", new(atomic.Int64)}
		ours := benchCaller{b, shop.Endpoint, token, era, "", new(atomic.Int64)}
		bare.connect()
		ours.connect()
		for range 12 { // twelve orders and a cart of two lines
			ours.call("add_to_cart", `{"product":2}`)
			ours.call("checkout", `{}`)
		}
		ours.call("clear_cart", `{}`)
		ours.call("add_to_cart", `{"product":"catnip-mouse","quantity":2}`)
		ours.call("add_to_cart", `{"product":"whisker-wand"}`)
		for _, c := range [][2]string{
			{"view_cart", `{}`}, {"get_order_history", `{"limit":5}`}, {"get_product", `{"product":"cozy-cat-bed"}`},
			{"update_cart_quantity", `{"product":2,"quantity":2}`},
		} {
			b.Run(era+"/"+c[0], func(b *testing.B) { inTurns(b, bare, ours, c[0], c[1]) })
		}
	}
}

// inTurns reports our calls/s as a part of the bare server's.
func inTurns(b *testing.B, bare, ours benchCaller, tool, in string) {
	const calls, clients = 320, 16
	var theirs, mine time.Duration
	var ratios []float64
	for b.Loop() {
		t := take(b, clients, calls, 0, func(int, int) error { return bare.try("empty", `{}`) })
		m := take(b, clients, calls, 0, func(int, int) error { return ours.try(tool, in) })
		theirs, mine = theirs+t, mine+m
		ratios = append(ratios, t.Seconds()/m.Seconds())
	}
	slices.Sort(ratios)
	total := float64(calls * len(ratios))
	b.ReportMetric(theirs.Seconds()/mine.Seconds(), "ratio")
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(total/mine.Seconds(), "calls/s")
	b.ReportMetric(total/theirs.Seconds(), "bare-calls/s")
	b.ReportMetric(0, "ns/op")
}

// bareSDK is the SDK's own server with an empty tool, as fast as it goes.
func bareSDK(b *testing.B, era string) string {
	s := sdk.NewServer(&sdk.Implementation{Name: "bare", Version: "1"}, &sdk.ServerOptions{Capabilities: &sdk.ServerCapabilities{}})
	s.AddTool(&sdk.Tool{Name: "empty", InputSchema: json.RawMessage(`{"type":"object","additionalProperties":false}`)},
		func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "ok"}}}, nil
		})
	stateless := era >= "2026"
	h := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, &sdk.StreamableHTTPOptions{Stateless: stateless, JSONResponse: stateless})
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return server.URL
}

// benchCaller calls tools with as little of its own as possible.
type benchCaller struct {
	b                    *testing.B
	url, token, era, sid string
	ids                  *atomic.Int64
}

var transport = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// connect opens a session, in the era that has them.
func (c *benchCaller) connect() {
	if c.era >= "2026" {
		return
	}
	resp, err := c.post("initialize", "", fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":%q,"capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`, c.era))
	if err != nil {
		c.b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if c.sid = resp.Header.Get("Mcp-Session-Id"); c.sid == "" {
		c.b.Fatalf("no session: %s", resp.Status)
	}
	if resp, err = c.post("notifications/initialized", "", `{"jsonrpc":"2.0","method":"notifications/initialized"}`); err != nil {
		c.b.Fatal(err)
	}
	_ = resp.Body.Close()
}

func (c *benchCaller) call(tool, in string) {
	c.b.Helper()
	if err := c.try(tool, in); err != nil {
		c.b.Fatal(err)
	}
}

func (c *benchCaller) try(tool, in string) error {
	_, err := c.ask(tool, in)
	return err
}

// ask returns the answer's body.
func (c *benchCaller) ask(tool, in string) ([]byte, error) {
	meta := ""
	if c.era >= "2026" {
		meta = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"` + c.era + `","io.modelcontextprotocol/clientCapabilities":{}}`
	}
	// Within a session two calls under way need two ids.
	id := strconv.FormatInt(c.ids.Add(1), 10)
	resp, err := c.post("tools/call", tool, `{"jsonrpc":"2.0","id":`+id+`,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+in+meta+`}}`)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || bytes.Contains(body, []byte(`"isError":true`)) || !bytes.Contains(body, []byte(`"content"`))) {
		return nil, fmt.Errorf("%s %s: %s %s", tool, in, resp.Status, body)
	}
	return body, err
}

func (c *benchCaller) post(method, name, body string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	if c.sid != "" {
		h.Set("Mcp-Session-Id", c.sid)
	}
	if method != "initialize" {
		h.Set("Mcp-Protocol-Version", c.era)
	}
	if c.era >= "2026" {
		h.Set("Mcp-Method", method)
		h.Set("Mcp-Name", name)
	}
	return transport.Do(req)
}
