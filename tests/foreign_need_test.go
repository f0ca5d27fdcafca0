package tests

import (
	"os"
	"path/filepath"
	"testing"
)

// foreignClients is what the clients on other SDKs run with, and a folder with their
// scripts, beside the packages, where Node looks for them. Where they are not
// installed the test is skipped, and says what is undone.
func foreignClients(t *testing.T, undone string) (node, python, scripts string) {
	t.Helper()
	node, python = os.Getenv("TILL_NODE"), os.Getenv("TILL_PYTHON")
	modules := os.Getenv("TILL_NODE_MODULES")
	if node == "" || modules == "" || python == "" {
		if os.Getenv("TILL_REQUIRE_CLIENTS") != "" {
			t.Fatal("TILL_NODE, TILL_NODE_MODULES and TILL_PYTHON must name Node 22, its packages and a Python with mcp")
		}
		t.Skip("SKIPPED: " + undone + ". They need Node 22, npm packages and Python's mcp; .ci/run installs and names them (TILL_NODE, TILL_NODE_MODULES, TILL_PYTHON).")
	}
	scripts, err := os.MkdirTemp(filepath.Dir(modules), "till-clients-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(scripts) })
	if err := os.CopyFS(scripts, os.DirFS("testdata/clients")); err != nil {
		t.Fatal(err)
	}
	return node, python, scripts
}

// needInspector skips a test that needs MCP Inspector where it is not installed, and
// says what is undone.
func needInspector(t *testing.T, undone string) {
	t.Helper()
	if os.Getenv("TILL_NODE") != "" && os.Getenv("TILL_INSPECTOR") != "" {
		return
	}
	if os.Getenv("TILL_REQUIRE_INSPECTOR") != "" {
		t.Fatal("TILL_NODE and TILL_INSPECTOR must name Node 22 and MCP Inspector")
	}
	t.Skip("SKIPPED: " + undone + ". It needs Node 22 and its npm package; .ci/run installs and names them (TILL_NODE, TILL_INSPECTOR).")
}
