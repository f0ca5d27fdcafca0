package tests

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// MCP Inspector starts the program itself, once for each call.
func TestInspectorStdio(t *testing.T) {
	needInspector(t, "MCP INSPECTOR IS NOT CHECKED OVER STDIO")
	for _, era := range []string{"legacy", "modern", "auto"} {
		t.Run(era, func(t *testing.T) {
			c := stdio(t, t.TempDir()+"/shop", "--user", "alice")
			// Behind -- stands what the Inspector starts.
			run := func(args ...string) (string, int) {
				t.Helper()
				args = append(args, "--transport", "stdio", "--protocol-era", era, "-e", programEnv+"=1", "--", c.Path)
				return inspector(t, append(args, c.Args[1:]...)...)
			}
			if out, code := run("--method", "tools/list", "--strict"); code != 0 || !strings.Contains(out, `"get_order_history"`) {
				t.Fatalf("tools/list exits %d: %s", code, out)
			}
			if out, code := run("--method", "tools/call", "--tool-name", "add_to_cart", "--tool-args-json", `{"product":"salmon-treats","quantity":2}`); code != 0 {
				t.Fatalf("add_to_cart exits %d: %s", code, out)
			}
			if out, code := run("--method", "tools/call", "--tool-name", "checkout"); code != 0 || !strings.Contains(out, "Bought") {
				t.Fatalf("checkout exits %d: %s", code, out)
			}
			if out, code := run("--method", "tools/call", "--tool-name", "get_order_history"); code != 0 || !strings.Contains(out, "Salmon Treats") {
				t.Errorf("get_order_history exits %d: %s", code, out)
			}
			if out, code := run("--method", "tools/call", "--tool-name", "get_product", "--tool-args-json", `{"product":"catnip-moose"}`); code != 5 || !strings.Contains(out, "catnip-mouse") {
				t.Errorf("an unknown product exits %d: %s", code, out)
			}
		})
	}
}

// The snippets of docs/own-client.md, as they stand there.
func TestForeignClientsStdio(t *testing.T) {
	node, python, scripts := foreignClients(t, "THE TYPESCRIPT AND PYTHON CLIENTS ARE NOT RUN OVER STDIO")
	for name, program := range map[string][]string{
		"TypeScript SDK 1": {node, scripts + "/stdio1.mjs"},
		"TypeScript SDK 2": {node, scripts + "/stdio2.mjs"},
		"Python SDK":       {python, scripts + "/stdio.py"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, program[0], program[1:]...)
			c.Env = os.Environ()
			for name, value := range asTill(t) {
				c.Env = append(c.Env, name+"="+value)
			}
			out, err := c.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "Catnip Mouse") {
				t.Errorf("it ends with %v:\n%s", err, out)
			}
		})
	}
}
