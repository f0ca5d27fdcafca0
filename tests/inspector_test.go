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

	"till/cmd"
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
	needInspector(t, "MCP INSPECTOR IS NOT CHECKED")
	data := t.TempDir()
	shop := serve(t, data)
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
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
			if era == "auto" {
				return // it takes one of the two
			}
			called := inspectorShops(t, data, common)
			for _, tool := range list.Tools {
				if !called[tool.Name] {
					t.Errorf("%s is listed and was not called", tool.Name)
				}
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

// inspectorShops calls every tool with the Inspector, each with what the ones
// before answered, and returns which were called. The shop's keeper does their part
// by the command line, on the folder of the shop that serves.
func inspectorShops(t *testing.T, data string, common []string) map[string]bool {
	t.Helper()
	called := map[string]bool{}
	call := func(tool, arguments, want string) answer {
		t.Helper()
		called[tool] = true
		out, code := inspector(t, append(common, "--method", "tools/call", "--tool-name", tool, "--tool-args-json", arguments)...)
		var got struct {
			IsError           bool
			Content           []struct{ Text string }
			StructuredContent map[string]any
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.IsError || len(got.Content) == 0 {
			t.Fatalf("%s %s exits %d: %s", tool, arguments, code, out)
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s %s answers without %s: %s", tool, arguments, want, out)
		}
		return answer{Text: got.Content[0].Text, Data: got.StructuredContent}
	}
	call("list_products", `{"category":"toys"}`, "Catnip Mouse")
	call("search_products", `{"query":"salmon treats"}`, "salmon-treats")
	call("get_product", `{"product":"cozy-cat-bed"}`, "Cozy Cat Bed")
	call("add_to_cart", `{"product":"salmon-treats","quantity":1}`, "Salmon Treats")
	call("update_cart_quantity", `{"product":"salmon-treats","quantity":2}`, "2 × Salmon Treats")
	call("view_cart", `{}`, "2 × Salmon Treats")
	// One use a person: put on and taken off, it is there for the next era too.
	call("apply_discount_code", `{"code":"WELCOME10"}`, "WELCOME10")
	call("apply_discount_code", `{"code":""}`, "2 × Salmon Treats")
	buy := func() string {
		t.Helper()
		quote := call("review_checkout", `{}`, "Ready to buy").text("quote_id")
		return call("checkout", `{"quote_id":"`+quote+`"}`, "Bought: order").text("order_id")
	}
	order := buy()
	named := `{"order_id":"` + order + `"}`
	call("get_order_history", `{"product":"salmon"}`, order)
	call("get_order", named, "2 × Salmon Treats")
	call("explain_order", named, order)
	call("reorder", named, "2 × Salmon Treats")
	call("cancel_order", named, "paid back")
	sent := buy()
	var out, errs strings.Builder
	if code := cmd.Main([]string{"order", "dispatch", sent, "--carrier", "Cat Express", "--tracking", "CE-1", "--data", data}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("till order dispatch exits %d: %s%s", code, &out, &errs)
	}
	call("request_return", `{"order_id":"`+sent+`","items":"all","reason":"she does not like it"}`, "Asked for return")
	call("reorder", named, "2 × Salmon Treats")
	call("remove_from_cart", `{"product":"salmon-treats"}`, `"lines": []`)
	call("clear_cart", `{}`, `"lines": []`)
	return called
}
