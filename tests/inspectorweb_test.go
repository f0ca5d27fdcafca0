package tests

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// MCP Inspector's web page, in a browser, the way people meet the shop for the
// first time: paste the address, connect, log in, allow, list the tools, call one.
func TestInspectorWeb(t *testing.T) {
	needInspector(t, "MCP INSPECTOR'S WEB PAGE IS NOT SEEN")
	shop := serve(t, t.TempDir())
	alice := shopper(t, shop, "alice")
	alice.call("add_to_cart", args{"product": "salmon-treats", "quantity": 2})
	order := alice.call("checkout", nil).text("order_id")

	for _, era := range []string{"legacy", "modern"} {
		t.Run(era, func(t *testing.T) {
			b := chromium(t, look{})
			b.open(inspectorWeb(t, shop.Endpoint, era))
			// The switch leads away, to the shop's login, and Allow leads back.
			run(b, b.click("switch", "Connect or disconnect \""+address(t, shop.Endpoint)+"\""))
			b.fill("User name", "alice")
			b.fill("Password", shop.Users["alice"])
			b.arrives(b.click("button", "Log in"))
			b.shoot("inspector-" + era + "-consent")
			b.arrives(b.click("button", "Allow"))
			// While it is still taking in what the shop offers, the page goes back to its
			// list of servers by itself.
			for end := time.Now().Add(patience); !b.has("button", "Order history get_order_history"); time.Sleep(500 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the tools are not listed:\n%s", b.text())
				}
				run(b, b.click("radio", "Tools"))
			}
			run(b, b.click("button", "Order history get_order_history"))
			run(b, b.click("button", "Execute Tool"))
			for end := time.Now().Add(patience); !strings.Contains(b.text(), order); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("order %s is not seen:\n%s", order, b.text())
				}
			}
			if !strings.Contains(b.text(), "Salmon Treats") {
				t.Errorf("what was ordered is not seen:\n%s", b.text())
			}
			b.shoot("inspector-" + era)
		})
	}
}

// inspectorWeb starts the Inspector's web server on this machine and returns the
// address of its page.
func inspectorWeb(t *testing.T, endpoint, era string) string {
	t.Helper()
	home, port := t.TempDir(), freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, os.Getenv("TILL_NODE"), os.Getenv("TILL_INSPECTOR"), "--web", "--transport", "http", "--server-url", endpoint, "--protocol-era", era)
	// What it would keep in the person's home, and the browser it would open, are
	// none of this test's.
	c.Env = append(os.Environ(), "HOME="+home, "MCP_STORAGE_DIR="+home, "MCP_INSPECTOR_SECRET_STORE=memory", "MCP_AUTO_OPEN_ENABLED=false",
		"MCP_INSPECTOR_API_TOKEN=inspector", fmt.Sprintf("CLIENT_PORT=%d", port), fmt.Sprintf("MCP_SANDBOX_PORT=%d", freePort(t)))
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("the Inspector says: %s", &out)
		}
	})
	page := fmt.Sprintf("http://127.0.0.1:%d/?MCP_INSPECTOR_API_TOKEN=inspector", port)
	waitFor(t, page)
	return page
}

func waitFor(t *testing.T, page string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(page); err == nil {
			_ = resp.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nobody listens at %s", page)
		}
	}
}
