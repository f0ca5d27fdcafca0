package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// BenchmarkHTTP compares calls to the shop, with token check, log and views, to
// calls of a bare SDK server with the same settings and no token check: in turns, in
// one process, with one client. What counts, ratio, is against an empty tool; told
// besides is the ratio against a tool that answers with a constant as large as the
// shop's answer, which leaves only the shop's own work.
func BenchmarkHTTP(b *testing.B) {
	shop, tokens := shopWithPeople(b)
	for _, era := range []string{"2026-07-28", "2025-11-25"} {
		var ours []benchCaller
		for _, token := range tokens {
			c := benchCaller{b, shop.Endpoint, token, era, "", new(atomic.Int64)}
			c.connect()
			ours = append(ours, c)
			for range 5 {
				if err := c.buy(); err != nil {
					b.Fatal(err)
				}
			}
			c.call("clear_cart", `{}`)
			c.call("add_to_cart", `{"product":"MICE","quantity":2}`)
			c.call("add_to_cart", `{"product":"WANDS"}`)
		}
		for _, c := range [][2]string{
			{"view_cart", `{}`}, {"get_order_history", `{"limit":5}`}, {"get_product", `{"product":"cozy-cat-bed"}`}, {"add_to_cart", `{"product":"MICE"}`},
		} {
			b.Run(era+"/"+c[0], func(b *testing.B) {
				bare := benchCaller{b, bareSDK(b, era, ours[0].result(c[0], c[1])), "", era, "", new(atomic.Int64)}
				bare.connect()
				inTurns(b, bare, ours, c[0], c[1])
			})
		}
	}
}

// inTurns reports our calls/s as a part of the bare server's. Each caller is another
// person with a token of their own.
func inTurns(b *testing.B, bare benchCaller, ours []benchCaller, tool, in string) {
	const calls = 10 * people
	var theirs, same, mine, theirCPU, ourCPU time.Duration
	var ratios []float64
	for b.Loop() {
		at := cpuTime(b)
		t := take(b, people, calls, 0, func(int, int) error { return bare.try("empty", `{}`) })
		theirCPU += cpuTime(b) - at
		s := take(b, people, calls, 0, func(int, int) error { return bare.try("same", `{}`) })
		at = cpuTime(b)
		m := take(b, people, calls, 0, func(caller, _ int) error { return ours[caller].try(tool, in) })
		ourCPU += cpuTime(b) - at
		theirs, same, mine = theirs+t, same+s, mine+m
		ratios = append(ratios, t.Seconds()/m.Seconds())
		if tool == "add_to_cart" {
			for i := range ours { // a line takes 99 pieces
				ours[i].call("update_cart_quantity", `{"product":"MICE","quantity":2}`)
			}
		}
	}
	slices.Sort(ratios)
	total := float64(calls * len(ratios))
	b.ReportMetric(theirs.Seconds()/mine.Seconds(), "ratio")
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(same.Seconds()/mine.Seconds(), "ratio-as-large")
	b.ReportMetric(theirCPU.Seconds()/ourCPU.Seconds(), "cpu-ratio")
	b.ReportMetric(float64(ourCPU.Microseconds())/total, "cpu-µs/call")
	b.ReportMetric(total/mine.Seconds(), "calls/s")
	b.ReportMetric(total/theirs.Seconds(), "bare-calls/s")
	b.ReportMetric(0, "ns/op")
}

// cpuTime is what this process has used of the processors, the client's share
// included: unlike the time that passed it says much the same on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bareSDK is the SDK's own server, as fast as it goes: with an empty tool, and with
// one that always answers with the given result.
func bareSDK(b *testing.B, era string, result []byte) string {
	var same sdk.CallToolResult
	if err := json.Unmarshal(result, &same); err != nil {
		b.Fatal(err)
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "bare", Version: "1"}, &sdk.ServerOptions{Capabilities: &sdk.ServerCapabilities{}})
	for name, answer := range map[string]sdk.CallToolResult{
		"empty": {Content: []sdk.Content{&sdk.TextContent{Text: "ok"}}},
		"same":  {Content: same.Content, StructuredContent: same.StructuredContent},
	} {
		s.AddTool(&sdk.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object","additionalProperties":false}`)},
			func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				own := answer // the SDK writes into what it is given
				return &own, nil
			})
	}
	stateless := era >= "2026"
	h := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, &sdk.StreamableHTTPOptions{Stateless: stateless, JSONResponse: stateless, PropagateRequestCancellation: stateless})
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

// result is what a tool answers, as it goes out.
func (c *benchCaller) result(tool, in string) []byte {
	answer, err := c.ask(tool, in)
	if err != nil {
		c.b.Fatal(err)
	}
	var reply struct{ Result json.RawMessage }
	if err := json.Unmarshal(answer, &reply); err != nil {
		c.b.Fatal(err)
	}
	return reply.Result
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
