package tests

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"till/cmd"
)

// Clients on SDKs that others wrote go the whole way: log in, call, renew, lose the
// grant, log in again. TILL_NODE names Node 22 and TILL_NODE_MODULES the folder with
// both major versions of the TypeScript SDK; TILL_PYTHON names a Python with the
// package mcp. .ci/run installs all of them.
func TestForeignClients(t *testing.T) {
	node, python, scripts := foreignClients(t, "THE TYPESCRIPT AND PYTHON CLIENTS ARE NOT RUN")
	for name, program := range map[string][]string{
		"TypeScript SDK 1": {node, filepath.Join(scripts, "sdk1.mjs")},
		"TypeScript SDK 2": {node, filepath.Join(scripts, "sdk2.mjs")},
		"Python SDK":       {python, filepath.Join(scripts, "sdk.py")},
	} {
		t.Run(name, func(t *testing.T) {
			shop, err := cmd.Serve(t.Context(), cmd.ServeOptions{
				Options: cmd.Options{Dir: t.TempDir() + "/shop", AccessLife: 2 * time.Second}, Addr: "127.0.0.1:0", Demo: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer shop.Stop()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, program[0], append(program[1:], shop.Endpoint, fmt.Sprint(freePort(t)))...)
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			done := false
			said := attended(t, c, shop.Users["alice"], func(line string) {
				switch line {
				case "revoke me":
					// The account is shut and opened: no agent of it is connected any more.
					for _, word := range []string{"disable", "enable"} {
						if code := cmd.Main([]string{"user", word, "alice", "--data", shop.Folder()}, strings.NewReader(""), io.Discard, os.Stderr); code != 0 {
							t.Errorf("till user %s exits %d", word, code)
						}
					}
					fmt.Fprintln(in, "revoked")
				case "done":
					done = true
				}
			})
			if !done || !c.ProcessState.Success() {
				t.Errorf("it ends with %s:\n%s", c.ProcessState, said)
			}
		})
	}
}

var authorizing = regexp.MustCompile(`https?://\S+/authorize\?\S+`)

// attended runs a client that somebody else wrote. When it prints an authorization
// URL, alice opens it, logs in, allows, and her browser goes on to the client.
func attended(t *testing.T, c *exec.Cmd, password string, each func(line string)) (said string) {
	t.Helper()
	pipe, w := io.Pipe()
	c.Stdout, c.Stderr = w, w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		err := c.Wait()
		_ = w.Close()
		ended <- err
	}()
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		said += lines.Text() + "\n"
		each(lines.Text())
		if address := authorizing.FindString(lines.Text()); address != "" {
			go func() {
				back, err := cmd.Consent(t.Context(), address, "alice", password)
				if err != nil {
					t.Errorf("alice cannot log in: %v", err)
					return
				}
				for range 100 { // the client may not listen yet
					resp, err := http.Get(back)
					if err == nil {
						_ = resp.Body.Close()
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
				t.Errorf("nobody listens at %s", back)
			}()
		}
	}
	<-ended // how it ended is in its ProcessState
	return said
}

// mcp-remote is what Claude Desktop runs for a server that is not on its machine: a
// program that speaks MCP over its standard input and output.
func TestMCPRemote(t *testing.T) {
	node, modules := os.Getenv("TILL_NODE"), os.Getenv("TILL_NODE_MODULES")
	if node == "" || modules == "" {
		if os.Getenv("TILL_REQUIRE_CLIENTS") != "" {
			t.Fatal("TILL_NODE and TILL_NODE_MODULES must name Node 22 and its packages")
		}
		t.Skip("SKIPPED: MCP-REMOTE IS NOT RUN. It needs Node 22 and its npm package; .ci/run installs and names them (TILL_NODE, TILL_NODE_MODULES).")
	}
	shop := serve(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, node, filepath.Join(modules, "mcp-remote", "dist", "proxy.js"), shop.Endpoint, fmt.Sprint(freePort(t)), "--allow-http", "--auth-timeout", "60")
	c.Env = append(os.Environ(), "MCP_REMOTE_CONFIG_DIR="+t.TempDir())
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	go fmt.Fprintln(in, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"desk","version":"1"}}}`)
	done := false
	said := attended(t, c, shop.Users["alice"], func(line string) {
		switch {
		case strings.HasPrefix(line, "{") && strings.Contains(line, `"id":1`) && strings.Contains(line, "serverInfo"):
			fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
			fmt.Fprintln(in, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add_to_cart","arguments":{"product":"catnip-mouse"}}}`)
		case strings.HasPrefix(line, "{") && strings.Contains(line, `"id":2`):
			done = strings.Contains(line, "Catnip Mouse") && !strings.Contains(line, `"isError":true`)
			_ = in.Close()
		}
	})
	if !done {
		t.Errorf("it ends with %s:\n%s", c.ProcessState, said)
	}
}
