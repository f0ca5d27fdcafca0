package cimd

// builtin returns the documents of well-known clients, consulted before any
// fetch: one vendor's host is reported to answer data centres with a challenge
// page, and a closed network reaches none of them.
func builtin(id string) (Document, bool) {
	switch id {
	case "https://claude.ai/oauth/mcp-oauth-client-metadata":
		return Document{ID: id, Name: "Claude", Redirects: []string{
			"https://claude.ai/api/mcp/auth_callback",
			"https://claude.com/api/mcp/auth_callback",
		}}, true
	case "https://claude.ai/oauth/claude-code-client-metadata":
		return Document{ID: id, Name: "Claude Code", Redirects: []string{
			"http://localhost/callback",
			"http://127.0.0.1/callback",
		}}, true
	case "https://vscode.dev/oauth/client-metadata.json":
		return Document{ID: id, Name: "Visual Studio Code", Redirects: []string{
			"http://127.0.0.1/",
			"http://127.0.0.1:33418/",
			"https://vscode.dev/redirect",
			"https://insiders.vscode.dev/redirect",
		}}, true
	}
	return Document{}, false
}
