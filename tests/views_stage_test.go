package tests

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/cmd"
)

// closed is the policy under which hosts run a view that names no addresses, and
// what a browser has against markup that is made of texts.
const closed = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// stage shows the shop's views in a page that plays the client.
type stage struct {
	*tab
	shop  *cmd.Running
	agent *agent
}

func newStage(t *testing.T, as look) *stage {
	t.Helper()
	b := chromium(t, as)
	shop := serve(t, t.TempDir())
	s := &stage{tab: b, shop: shop, agent: shopper(t, shop, "alice")}
	documents := map[string]string{}
	list, err := s.agent.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		ui, _ := tool.Meta["ui"].(map[string]any)
		uri, _ := ui["resourceUri"].(string)
		if uri == "" {
			continue
		}
		read, err := s.agent.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(uri, "ui://shop/"), "-")
		documents[name] = read.Contents[0].Text
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/views/host.html") })
	mux.HandleFunc("GET /views/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", closed)
		_, _ = io.WriteString(w, documents[r.PathValue("name")])
	})
	mux.HandleFunc("POST /call", func(w http.ResponseWriter, r *http.Request) {
		var asked sdk.CallToolParams
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Errorf("the view calls: %v", err)
		}
		result, err := s.agent.CallTool(r.Context(), &asked)
		if err != nil {
			t.Errorf("the view calls %s: %v", asked.Name, err)
			return
		}
		_ = json.NewEncoder(w).Encode(result)
	})
	host := httptest.NewServer(mux)
	t.Cleanup(host.Close)
	b.open(host.URL)
	return s
}

// shows opens a view for a call that the model made. how is the host's context.
func (s *stage) shows(view, tool string, given, how args) {
	s.t.Helper()
	s.frame = ""
	if given == nil {
		given = args{}
	}
	if how == nil {
		how = args{}
	}
	run(s.tab, evaluating("show("+scripted(view)+","+scripted(tool)+","+scripted(given)+","+scripted(how)+")"))
	s.enter()
}

// says waits until the view says the texts.
func (s *stage) says(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		for end := time.Now().Add(patience / 3); !strings.Contains(s.text(), text); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				s.t.Fatalf("the view does not say %q:\n%s", text, s.text())
			}
		}
	}
}

// press is with the mouse.
func (s *stage) press(name string) {
	s.t.Helper()
	run(s.tab, s.click("button", name))
}

// host evaluates in the page that plays the client.
func host[T any](s *stage, expression string) T {
	s.t.Helper()
	held := s.frame
	s.frame = ""
	defer func() { s.frame = held }()
	return script[T](s.tab, expression)
}

// hears waits until what the page that plays the client heard comes to this.
func (s *stage) hears(expression, want string) {
	s.t.Helper()
	for end := time.Now().Add(patience / 3); ; time.Sleep(20 * time.Millisecond) {
		got := host[string](s, expression)
		if got == want {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the host hears %q, not %q", got, want)
		}
	}
}

// called are the tools that the view called, in order.
func (s *stage) called() string {
	s.t.Helper()
	return host[string](s, `calls.map((c) => c.name).join(" ")`)
}

// scripted is a value as a script writes it.
func scripted(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}
