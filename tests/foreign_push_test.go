package tests

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestForeignClientsAreTold of their cart by the shop itself, in both eras, after
// their streams have been silent for so long that the shop has said a comment.
func TestForeignClientsAreTold(t *testing.T) {
	node, python, scripts := foreignClients(t, "NO TYPESCRIPT OR PYTHON CLIENT IS TOLD ANYTHING")
	shop := serve(t, t.TempDir())
	shop.Users["carol"] = "seven lives and one good password"
	if err := shop.AddUser(t.Context(), "carol", shop.Users["carol"]); err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]struct{ program, script, who string }{
		"TypeScript SDK 1": {node, "hears1.mjs", "alice"},
		"TypeScript SDK 2": {node, "hears2.mjs", "bob"},
		"Python SDK":       {python, "hears.py", "carol"},
	} {
		token := login(t, shop.Endpoint, client.who, shop.Users[client.who], scopes)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			said, err := exec.CommandContext(ctx, client.program, filepath.Join(scripts, client.script), shop.Endpoint, token, "17000").CombinedOutput()
			if text := string(said); err != nil || !strings.Contains(text, "told of shop://cart\n") || !strings.Contains(text, "reads catnip-mouse\n") || strings.Contains(text, "error") {
				t.Errorf("it ends with %v:\n%s", err, text)
			}
		})
	}
}
