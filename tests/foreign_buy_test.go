package tests

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Clients on SDKs that others wrote ask their person before a purchase, in both eras,
// over HTTP and over stdio.
func TestForeignClientsAsk(t *testing.T) {
	node, python, scripts := foreignClients(t, "THE TYPESCRIPT AND PYTHON CLIENTS DO NOT ASK ANYBODY")
	s := serve(t, t.TempDir())
	bearer := login(t, s.Endpoint, "alice", s.Users["alice"], scopes)
	for _, c := range []struct {
		name, era string
		program   []string
	}{
		{"TypeScript SDK 1", "legacy", []string{node, scripts + "/buy1.mjs"}},
		{"TypeScript SDK 2", "legacy", []string{node, scripts + "/buy2.mjs"}},
		{"TypeScript SDK 2", "2026-07-28", []string{node, scripts + "/buy2.mjs"}},
		{"Python SDK", "legacy", []string{python, scripts + "/buy.py"}},
		{"Python SDK", "2026-07-28", []string{python, scripts + "/buy.py"}},
	} {
		for _, over := range []string{"http", "stdio"} {
			for _, said := range []string{"yes", "decline"} {
				if over == "stdio" && said != "yes" {
					continue // each start of the shop takes a while
				}
				t.Run(c.name+" "+c.era+" "+over+" "+said, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					shop, token, env := "stdio", "none", os.Environ()
					if over == "stdio" {
						for name, value := range asTill(t) {
							env = append(env, name+"="+value)
						}
					} else {
						shop, token = s.Endpoint, bearer
					}
					p := exec.CommandContext(ctx, c.program[0], append(c.program[1:], shop, token, c.era, said)...)
					p.Env = env
					data, err := p.CombinedOutput()
					out := string(data)
					asked, bought, declined := strings.Count(out, "Total: $9.98\n"), strings.Count(out, "Bought: order"), strings.Count(out, `"confirmation_declined"`)
					if err != nil || said == "yes" && (asked != 1 || bought != 1 || !strings.Contains(out, "just bought as order")) ||
						said != "yes" && (asked != 2 || declined != 2 || bought != 0) {
						t.Errorf("it ends with %v, asked %d times, bought %d times:\n%s", err, asked, bought, out)
					}
				})
			}
		}
	}
}
