package tests

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
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

// The official conformance suite's authorization mode against a running shop. It
// is named by TILL_CONFORMANCE (its index.js) and TILL_NODE; .ci/run installs both.
func TestAuthorizationConformance(t *testing.T) {
	node, suite := os.Getenv("TILL_NODE"), os.Getenv("TILL_CONFORMANCE")
	if node == "" || suite == "" {
		if os.Getenv("TILL_REQUIRE_CONFORMANCE") != "" {
			t.Fatal("TILL_NODE and TILL_CONFORMANCE must name Node 22 and the conformance suite")
		}
		t.Skip("SKIPPED: THE MCP CONFORMANCE SUITE IS NOT RUN. It needs Node 22 and its npm package; .ci/run installs and names them (TILL_NODE, TILL_CONFORMANCE).")
	}
	shop := serve(t, t.TempDir())
	issuer, port := strings.TrimSuffix(shop.Endpoint, "/mcp"), freePort(t)
	callback := fmt.Sprintf("http://127.0.0.1:%d/callback", port)
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			out := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, node, suite, "authorization", "--url", issuer, "--client-id", registered(t, issuer, callback),
				"--resource", shop.Endpoint, "-p", fmt.Sprint(port), "--spec-version", version, "-o", out)
			said := attended(t, c, shop.Users["alice"])
			wanted := map[string]bool{"authorization-server-metadata": false, "authorization-code-grant": false}
			files, _ := filepath.Glob(filepath.Join(out, "*", "checks.json"))
			for _, file := range files {
				var checks []struct{ ID, Name, Status, ErrorMessage string }
				data, err := os.ReadFile(file)
				if err == nil {
					err = json.Unmarshal(data, &checks)
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, check := range checks {
					if check.Status != "SUCCESS" && check.Status != "INFO" && check.Status != "SKIPPED" {
						t.Errorf("%s (%s): %s %s", check.Name, check.ID, check.Status, check.ErrorMessage)
					}
					for prefix := range wanted {
						wanted[prefix] = wanted[prefix] || check.Status == "SUCCESS" && strings.HasPrefix(check.ID, prefix)
					}
				}
			}
			for prefix, ok := range wanted {
				if !ok {
					t.Errorf("no check %s passed:\n%s", prefix, said)
				}
			}
			if !c.ProcessState.Success() {
				t.Errorf("the suite says %s:\n%s", c.ProcessState, said)
			}
		})
	}
}

var authorizing = regexp.MustCompile(`https?://\S+/authorize\?\S+`)

// attended runs a client that somebody else wrote. When it prints an authorization
// URL, alice opens it, logs in, allows, and her browser goes on to the client.
func attended(t *testing.T, c *exec.Cmd, password string) (said string) {
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

// registered registers a client, as one does by hand.
func registered(t *testing.T, issuer, callback string) string {
	t.Helper()
	resp, err := http.Post(issuer+"/register", "application/json", strings.NewReader(fmt.Sprintf(`{"client_name":"conformance","redirect_uris":[%q]}`, callback)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var c struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&c); err != nil || c.ID == "" {
		t.Fatalf("registration: %s %v", resp.Status, err)
	}
	return c.ID
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
