package mcp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/cart"
	"till/domain/order"
	"till/projections"
)

// BenchmarkCall compares the tools, with everything in front of them and a
// stubbed token check, to what the SDK itself can do: the same settings, a tool
// that does nothing, no token. Run with -cpu to have more callers.
func BenchmarkCall(b *testing.B) {
	s := newShop(b, func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) })
	a := s.agent("alice", modernEra)
	for range 12 {
		a.ok("add_to_cart", args{"product": 2, "quantity": 2})
		a.ok("add_to_cart", args{"product": "whisker-wand"})
		a.ok("checkout", nil)
	}
	a.ok("add_to_cart", args{"product": 2, "quantity": 2})
	a.ok("add_to_cart", args{"product": "whisker-wand"})
	a.ok("add_to_cart", args{"product": "BED-S-GREY"})

	bare := bareServer(b)
	for _, e := range []era{modernEra, legacyEra} {
		for _, c := range []struct {
			name, url, tool string
			in              any
		}{
			{"bare", bare, "empty", nil},
			{"view_cart", s.url, "view_cart", args{}},
			{"get_order_history", s.url, "get_order_history", args{"limit": 5}},
			{"get_product", s.url, "get_product", args{"product": "cozy-cat-bed"}},
			{"search_products", s.url, "search_products", args{"query": "bed"}},
			{"update_cart_quantity", s.url, "update_cart_quantity", args{"product": 2, "quantity": 2}},
		} {
			b.Run(fmt.Sprintf("%s/%s", e, c.name), func(b *testing.B) { benchCall(b, s, e, c.url, c.tool, c.in) })
		}
	}
}

// cpuTime is what this process has used of the processors: unlike the time it
// took, it says the same on a busy machine. It includes the client's share.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bareServer is the SDK's server with our settings and an empty tool.
func bareServer(b *testing.B) string {
	server := sdk.NewServer(&sdk.Implementation{Name: "bare", Version: "1"}, &sdk.ServerOptions{Capabilities: &sdk.ServerCapabilities{}})
	server.AddTool(&sdk.Tool{Name: "empty", InputSchema: inputSchema(nil)}, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "ok"}}}, nil
	})
	get := func(*http.Request) *sdk.Server { return server }
	modern := sdk.NewStreamableHTTPHandler(get, &sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true, PropagateRequestCancellation: true})
	legacy := sdk.NewStreamableHTTPHandler(get, &sdk.StreamableHTTPOptions{SessionTimeout: time.Hour})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Protocol-Version") >= modernSince {
			modern.ServeHTTP(w, r)
			return
		}
		legacy.ServeHTTP(w, r)
	}))
	b.Cleanup(web.Close)
	return web.URL + Path
}

func benchCall(b *testing.B, s *shop, e era, url, tool string, in any) {
	body, headers := modernBody("tools/call", tool, in), modernHeaders("tools/call", tool)
	if e == legacyEra {
		at := s.url
		s.url = url
		session := s.session(b, "alice")
		s.url = at
		body, headers = legacyCall(tool, in), s.legacyHeaders(session)
	}
	headers.Set("Authorization", "Bearer alice")
	headers.Set("Content-Type", "application/json")
	headers.Set("Accept", "application/json, text/event-stream")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var id = make(chan int, 1)
	id <- 10
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	defer func() { b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op") }()
	b.RunParallel(func(p *testing.PB) {
		var answer bytes.Buffer
		for p.Next() {
			own := body
			if e == legacyEra { // ids of one session must differ
				n := <-id
				id <- n + 1
				own = bytes.Replace(body, []byte(`"id":7`), fmt.Appendf(nil, `"id":%d`, n), 1)
			}
			r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(own))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header = headers.Clone()
			res, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			answer.Reset()
			_, _ = io.Copy(&answer, res.Body)
			res.Body.Close()
			if res.StatusCode != 200 || !bytes.Contains(answer.Bytes(), []byte(`"content"`)) || bytes.Contains(answer.Bytes(), []byte(`"isError":true`)) {
				b.Errorf("%d %s", res.StatusCode, answer.Bytes())
				return
			}
		}
	})
}

// BenchmarkBuyable is what can_reorder adds to a page of 25 orders: of 75 SKUs of
// which none can be bought, so that each is looked at, and of the same few.
func BenchmarkBuyable(b *testing.B) {
	s := newShop(b)
	var gone, few []order.State
	for i := range 25 {
		var o order.State
		for j := range 3 {
			sku := fmt.Sprintf("GONE-%d-%d", i, j)
			s.sell(sku, strings.ToLower(sku)+"-thing", sku, "things", 0, variants(sku, "", 100))
			o.Lines = append(o.Lines, cart.Line{Item: cart.Item{SKU: sku}})
		}
		gone, few = append(gone, o), append(few, order.State{Lines: []cart.Line{{Item: cart.Item{SKU: "MOUSE-CATNIP"}}}})
	}
	for name, page := range map[string][]order.State{"gone": gone, "few": few} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := s.views.Read(b.Context(), 0, func(r *projections.Reader) error {
					shelf := buyable{}
					for _, o := range page {
						if _, err := shelf.any(b.Context(), r, o); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
