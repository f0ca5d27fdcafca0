package tests

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// inspector runs MCP Inspector's command line, a client that others wrote. It
// is named by TILL_INSPECTOR (its launcher's index.js) and TILL_NODE (Node 22
// or newer); .ci/run installs both.
func inspector(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Getenv("TILL_NODE"), append([]string{os.Getenv("TILL_INSPECTOR"), "--cli"}, args...)...)
	var errs strings.Builder
	c.Stderr = &errs
	data, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("the Inspector cannot run: %v\n%s", err, &errs)
	}
	if errs.Len() > 0 {
		t.Logf("the Inspector says: %s", &errs)
	}
	return string(data), c.ProcessState.ExitCode()
}

func TestInspector(t *testing.T) {
	if os.Getenv("TILL_NODE") == "" || os.Getenv("TILL_INSPECTOR") == "" {
		if os.Getenv("TILL_REQUIRE_INSPECTOR") != "" {
			t.Fatal("TILL_NODE and TILL_INSPECTOR must name Node 22 and MCP Inspector")
		}
		t.Skip("SKIPPED: MCP INSPECTOR IS NOT CHECKED. It needs Node 22 and its npm package; .ci/run installs and names them (TILL_NODE, TILL_INSPECTOR).")
	}
	shop := serve(t, t.TempDir())
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	alice := connect(t, shop.Endpoint, token)
	alice.call("add_to_cart", args{"product": "salmon-treats", "quantity": 2})
	order := alice.call("checkout", nil).text("order_id")

	for _, era := range []string{"legacy", "modern", "auto"} {
		t.Run(era, func(t *testing.T) {
			common := []string{shop.Endpoint, "--transport", "http", "--protocol-era", era, "--header", "Authorization: Bearer " + token}
			out, code := inspector(t, append(common, "--method", "tools/list", "--strict")...)
			if code != 0 {
				t.Fatalf("tools/list exits %d: %s", code, out)
			}
			var list struct{ Tools []struct{ Name string } }
			if err := json.Unmarshal([]byte(out), &list); err != nil {
				t.Fatalf("tools/list: %v: %s", err, out)
			}
			var names []string
			for _, tool := range list.Tools {
				names = append(names, tool.Name)
			}
			const want = "add_to_cart checkout clear_cart explain_order get_order get_order_history get_product list_products remove_from_cart reorder review_checkout search_products update_cart_quantity view_cart"
			if got := strings.Join(names, " "); got != want {
				t.Errorf("the tools are %s", got)
			}
			out, code = inspector(t, append(common, "--method", "tools/call", "--tool-name", "get_order_history")...)
			if code != 0 || !strings.Contains(out, order) || !strings.Contains(out, "Salmon Treats") {
				t.Errorf("get_order_history exits %d without order %s: %s", code, order, out)
			}
		})
	}
	t.Run("a refusal is the tool's", func(t *testing.T) {
		out, code := inspector(t, shop.Endpoint, "--transport", "http", "--header", "Authorization: Bearer "+token,
			"--method", "tools/call", "--tool-name", "get_product", "--tool-args-json", `{"product":"catnip-moose"}`)
		if code != 5 || !strings.Contains(out, "catnip-mouse") {
			t.Errorf("an unknown product exits %d: %s", code, out)
		}
	})
	t.Run("no token", func(t *testing.T) {
		if out, code := inspector(t, shop.Endpoint, "--transport", "http", "--stored-auth-only", "--method", "tools/list"); code != 3 {
			t.Errorf("without a token it exits %d: %s", code, out)
		}
	})
}
