package tests

import (
	"strings"
	"testing"
	"time"
)

// The answer to a consent leads to another origin, to a host far away or to a
// program's own scheme. A form-action in the page's policy would stop each of them
// in Chromium, and the button would do nothing (clients.md row 13). The page may
// be loaded again in between without spoiling its form (row 14).
func TestAConsentsAnswerLeavesTheBrowser(t *testing.T) {
	shop := serve(t, t.TempDir())
	for _, callback := range []string{"https://agent.client.test/callback", "com.client.agent:/callback", "vscode://agent/callback", "claude://claude.ai/callback"} {
		t.Run(callback[:strings.Index(callback, ":")], func(t *testing.T) {
			b := chromium(t, look{}) // a new one: Chromium asks before it opens a program, and waits
			a := newApp(t, shop.Endpoint, "Agent", map[string]any{"redirect_uris": []string{callback}})
			a.callback = callback
			b.open(a.asks("catalog:read"))
			b.fill("User name", "alice")
			b.fill("Password", shop.Users["alice"])
			b.arrives(b.click("button", "Log in"))
			b.open(b.at())
			run(b, b.click("button", "Allow"))
			for end := time.Now().Add(patience); !b.hasAsked(callback + "?code=ac_"); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("it hears nothing; the console says %q\n%s", b.complained(), b.text())
				}
			}
			for _, c := range b.complained() {
				if strings.Contains(strings.ToLower(c), "policy") {
					t.Error(c)
				}
			}
		})
	}
}
