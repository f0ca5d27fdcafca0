package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

type demoCmd struct {
	accountFlags
	URL string `help:"MCP URL of a running shop. Without it the demo opens a shop of its own in a temporary folder and leaves nothing behind." env:"TILL_URL"`
}

func (c demoCmd) Run(ctx context.Context, t terminal) error {
	d := &demo{out: t.out, user: c.User}
	if c.URL != "" {
		endpoint, err := mcpURL(c.URL)
		if err != nil {
			return err
		}
		if d.password, err = c.password(t); err != nil {
			return err
		}
		return d.run(ctx, endpoint)
	}

	dir, err := os.MkdirTemp("", "till-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	shop, err := Serve(ctx, ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		return err
	}
	d.password = shop.Users[c.User]
	if d.password == "" {
		err = fmt.Errorf("the demo shop has the users %s", strings.Join(demoNames[:], ", "))
	} else {
		d.say("A shop of its own, in %s.\n", dir)
		err = d.run(ctx, shop.Endpoint)
	}
	if stopped := shop.Stop(); err == nil {
		err = stopped
	}
	return err
}

// demo is an agent that shops by the book, and tells what it does.
type demo struct {
	out            io.Writer
	user, password string
	session        *sdk.ClientSession
	step           int
	err            error
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

// run logs in and shops. After the first failure nothing more is called.
func (d *demo) run(ctx context.Context, endpoint string) error {
	if err := d.connect(ctx, endpoint); err != nil {
		return err
	}
	defer d.session.Close()

	d.call(ctx, "Look around", "list_products", args{"category": "toys", "limit": 3})
	d.call(ctx, "Search, with a typing error", "search_products", args{"query": "scrathing post", "limit": 3})
	d.call(ctx, "Two mice", "add_to_cart", args{"product": "catnip-mouse", "quantity": 2})
	d.call(ctx, "And a wand, by its number", "add_to_cart", args{"product": "1"})
	d.call(ctx, "Rather three mice", "update_cart_quantity", args{"product": "catnip-mouse", "quantity": 3})
	d.call(ctx, "What is in the cart?", "view_cart", nil)
	quote := struct {
		QuoteID string `json:"quote_id"`
	}{}
	d.into(&quote, d.call(ctx, "What will it cost?", "review_checkout", nil))
	bought := struct {
		OrderID string `json:"order_id"`
	}{}
	d.into(&bought, d.call(ctx, "Buy exactly that", "checkout", args{"quote_id": quote.QuoteID}))
	again := bought
	d.into(&again, d.call(ctx, "Once more, as a retry would: it is the same order", "checkout", args{"quote_id": quote.QuoteID}))
	history := struct {
		Orders []struct {
			OrderID string `json:"order_id"`
		} `json:"orders"`
	}{}
	d.into(&history, d.call(ctx, "What have I bought?", "get_order_history", nil))
	d.call(ctx, "And how did that go?", "explain_order", args{"order_id": bought.OrderID})
	switch {
	case d.err != nil:
		return d.err
	case bought.OrderID == "" || again.OrderID != bought.OrderID:
		return fmt.Errorf("the retry answered order %q, the first call %q", again.OrderID, bought.OrderID)
	case len(history.Orders) == 0 || history.Orders[0].OrderID != bought.OrderID:
		return fmt.Errorf("the order %s is not the newest in the history", bought.OrderID)
	}
	d.say("Done: order %s stands in the history.\n", bought.OrderID)
	return nil
}

// connect meets the endpoint as any MCP client does: the first request is
// answered 401, and the OAuth flow follows from that answer.
func (d *demo) connect(ctx context.Context, endpoint string) error {
	d.say("Connect to %s and log in as %s:\n", endpoint, d.user)
	handler, err := oauth(browser{user: d.user, password: d.password, callback: callback, say: func(format string, args ...any) {
		d.say("  browser  "+format+"\n", args...)
	}}, &http.Client{Transport: wire{d}}, shopping)
	if err != nil {
		return err
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "till-demo", Title: "Till demo", Version: Version()}, nil)
	d.session, err = client.Connect(ctx, &sdk.StreamableClientTransport{
		Endpoint: endpoint, OAuthHandler: handler, DisableStandaloneSSE: true,
		HTTPClient: &http.Client{Transport: wire{d}},
	}, nil)
	if err != nil {
		return fmt.Errorf("the shop at %s: %w", endpoint, err)
	}
	return nil
}

// wire tells which requests the client makes until it is connected.
type wire struct{ *demo }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && w.session == nil {
		w.say("  client   %-4s %s  → %s\n", r.Method, r.URL.Path, resp.Status)
	}
	return resp, err
}

type args map[string]any

// call calls a tool and tells question and answer.
func (d *demo) call(ctx context.Context, why, tool string, a args) *sdk.CallToolResult {
	if d.err != nil {
		return nil
	}
	d.step++
	asked, _ := json.Marshal(a) // plain strings and numbers
	if a == nil {
		asked = []byte("{}")
	}
	d.say("\n%d. %s\n   %s %s\n", d.step, why, tool, asked)
	result, err := d.session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: a})
	if err != nil {
		d.err = fmt.Errorf("%s: %w", tool, err)
		return nil
	}
	for _, c := range result.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			d.say("   │ %s\n", strings.ReplaceAll(strings.TrimSpace(prose(text.Text)), "\n", "\n   │ "))
		}
	}
	if result.IsError {
		d.err = fmt.Errorf("%s was refused", tool)
	}
	return result
}

// prose is an answer's text up to the JSON that repeats it for machines.
func prose(text string) string {
	before, _, _ := strings.Cut(text, "\n{")
	return before
}

// into reads a result's structured content.
func (d *demo) into(v any, result *sdk.CallToolResult) {
	if d.err != nil {
		return
	}
	data, err := json.Marshal(result.StructuredContent)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	d.err = err
}
