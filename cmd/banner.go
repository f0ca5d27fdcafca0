package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// banner tells the person who started the shop how to reach it.
func (r *Running) banner(w io.Writer) {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("")
	p("  Till %s is open.", Version())
	p("")
	p("  MCP URL      %s", r.Endpoint)
	p("  Data folder  %s", r.folder.Path())
	if len(r.Users) > 0 {
		p("")
		p("  Demo users   (user name, password; log in with them when a client opens the browser)")
		for _, name := range demoNames {
			if password, ok := r.Users[name]; ok {
				p("    %-10s %s", name, password)
			}
		}
	}
	if r.Code != "" {
		p("  Their code   %s   (10 %% off, once for each of them)", r.Code)
	}
	if r.Setup != "" {
		p("")
		p("  Nobody has an account yet. Open this to become the administrator (once, within a day):")
		p("  %s", r.Setup)
		p("  Others get theirs with: %s user add NAME%s", program(), r.dataHint())
	}
	p("")
	p("  Try it")
	p("    MCP Inspector    npx @modelcontextprotocol/inspector --transport http --server-url %s", r.Endpoint)
	p("    Claude Desktop   npx mcp-remote %s%s --auth-timeout 120", r.Endpoint, allowHTTP(r.Endpoint))
	p("                     (as \"command\" and \"args\" of an entry under \"mcpServers\" in its configuration)")
	p("    no client        %s demo --url %s%s", program(), r.Endpoint, r.dataHint())
	p("")
	p("  Next: connect, ask your agent to find something for a cat that scratches the sofa, and")
	p("  watch it happen with: %s events --follow%s", program(), r.dataHint())
	p("  Ctrl-C stops the shop; the next start finds everything as it was.")
	if strings.HasPrefix(r.Endpoint, "http://") {
		p("  Only programs on this machine reach this URL; for claude.ai or ChatGPT put it behind")
		p("  https and start with --public-url.")
	}
	p("")
	fmt.Fprint(w, b.String())
}

func allowHTTP(endpoint string) string {
	if strings.HasPrefix(endpoint, "http://") {
		return " --allow-http"
	}
	return ""
}

// dataHint is the flag that leads other commands to this shop.
func (r *Running) dataHint() string {
	if dir, err := DefaultFolder(); err == nil && dir == r.folder.Path() {
		return ""
	}
	path := r.folder.Path()
	if strings.ContainsAny(path, " '\"$&;()*?") {
		path = "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return " --data " + path
}

// program is how this program was started, so that what is printed can be
// copied: "go run" builds it in a folder of its own that is gone afterwards.
func program() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/till"
	}
	return "till"
}
