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
	if os.Getenv("TILL_NODE") == "" || os.Getenv("TILL_INSPECTOR") == "" {
		if os.Getenv("TILL_REQUIRE_INSPECTOR") != "" {
			t.Fatal("TILL_NODE and TILL_INSPECTOR must name Node 22 and MCP Inspector")
		}
		t.Skip("SKIPPED: MCP INSPECTOR IS NOT CHECKED OVER STDIO. It needs Node 22 and its npm package; .ci/run installs and names them (TILL_NODE, TILL_INSPECTOR).")
	}
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
	node, modules, python := os.Getenv("TILL_NODE"), os.Getenv("TILL_NODE_MODULES"), os.Getenv("TILL_PYTHON")
	if node == "" || modules == "" || python == "" {
		if os.Getenv("TILL_REQUIRE_CLIENTS") != "" {
			t.Fatal("TILL_NODE, TILL_NODE_MODULES and TILL_PYTHON must name Node 22, its packages and a Python with mcp")
		}
		t.Skip("SKIPPED: THE TYPESCRIPT AND PYTHON CLIENTS ARE NOT RUN OVER STDIO. They need Node 22, npm packages and Python's mcp; .ci/run installs and names them (TILL_NODE, TILL_NODE_MODULES, TILL_PYTHON).")
	}
	// Node looks for packages beside the script.
	scripts, err := os.MkdirTemp(modules+"/..", "till-stdio-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(scripts) })
	if err := os.CopyFS(scripts, os.DirFS("testdata/clients")); err != nil {
		t.Fatal(err)
	}
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
