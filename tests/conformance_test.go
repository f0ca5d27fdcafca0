package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// conformanceSuite is the official conformance suite and what runs it. It is named
// by TILL_CONFORMANCE (its index.js) and TILL_NODE; .ci/run installs both.
func conformanceSuite(t *testing.T) (node, suite string) {
	t.Helper()
	node, suite = os.Getenv("TILL_NODE"), os.Getenv("TILL_CONFORMANCE")
	if node == "" || suite == "" {
		if os.Getenv("TILL_REQUIRE_CONFORMANCE") != "" {
			t.Fatal("TILL_NODE and TILL_CONFORMANCE must name Node 22 and the conformance suite")
		}
		t.Skip("SKIPPED: THE MCP CONFORMANCE SUITE IS NOT RUN. It needs Node 22 and its npm package; .ci/run installs and names them (TILL_NODE, TILL_CONFORMANCE).")
	}
	return node, suite
}

// TestAuthorizationConformance is the suite's authorization mode against a running
// shop.
func TestAuthorizationConformance(t *testing.T) {
	node, suite := conformanceSuite(t)
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
			said := attended(t, c, shop.Users["alice"], func(string) {})
			wanted := map[string]bool{"authorization-server-metadata": false, "authorization-code-grant": false}
			for _, checks := range judged(t, out) {
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

// check is one thing that the suite looked at.
type check struct{ ID, Name, Status, ErrorMessage string }

// judged are the suite's checks by the folder that it wrote for each scenario.
func judged(t *testing.T, out string) map[string][]check {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(out, "*", "checks.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]check{}
	for _, file := range files {
		var checks []check
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &checks)
		}
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(filepath.Dir(file))] = checks
	}
	return all
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
