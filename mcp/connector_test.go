package mcp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

func connector(c *Config) { c.Connector = true }

// TestTheConnectorsTools: search and fetch stand only in a shop that is told to
// have them, and answer in the shapes that the connector asks for: one text that
// is the JSON of the structured content, and nothing beside.
func TestTheConnectorsTools(t *testing.T) {
	s := newShop(t, connector)
	eachEra(t, func(t *testing.T, e era) {
		a := s.agent("alice", e)
		list, err := a.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(encode(list)); n > 25_000 || len(list.Tools) > 20 {
			t.Errorf("%d tools in %d bytes are listed", len(list.Tools), n)
		}
		for _, name := range []string{"search", "fetch"} {
			i := slices.IndexFunc(list.Tools, func(x *sdk.Tool) bool { return x.Name == name })
			if i < 0 {
				t.Fatalf("%s is not listed", name)
			}
			lint(t, name+" in", list.Tools[i].InputSchema)
			lint(t, name+" out", list.Tools[i].OutputSchema)
			if !list.Tools[i].Annotations.ReadOnlyHint {
				t.Errorf("%s does not say that it only reads", name)
			}
		}
		call := func(tool string, in args) map[string]any {
			t.Helper()
			res, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: in})
			if err != nil || res.IsError || len(res.Content) != 1 {
				t.Fatalf("%s: %+v, %v", tool, res, err)
			}
			var text any
			if err := json.Unmarshal([]byte(res.Content[0].(*sdk.TextContent).Text), &text); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text, res.StructuredContent); diff != "" {
				t.Errorf("%s says two things:\n%s", tool, diff)
			}
			checkAgainst(t, s, tool, res.StructuredContent)
			return text.(map[string]any)
		}
		found := call("search", args{"query": "catnip mouse"})
		results := found["results"].([]any)
		first := results[0].(map[string]any)
		if len(found) != 1 || len(first) != 3 || first["title"] != "Catnip Mouse" || first["url"] != strings.TrimSuffix(s.url, Path)+"/products/catnip-mouse" {
			t.Errorf("search answers %v", found)
		}
		got := call("fetch", args{"id": first["id"]})
		keys := []string{"id", "metadata", "text", "title", "url"}
		for key := range got {
			if !slices.Contains(keys, key) {
				t.Errorf("fetch answers with %s", key)
			}
		}
		if len(got) != len(keys) || !strings.HasPrefix(got["text"].(string), "Catnip Mouse. $4.99, in stock.") {
			t.Errorf("fetch answers %v", got)
		}
		// A misspelling finds the nearest; nothing at all is an empty list, not an error.
		if near := call("search", args{"query": "catnap mose"})["results"].([]any); len(near) == 0 || near[0].(map[string]any)["id"] != "catnip-mouse" {
			t.Errorf("misspelt words find %v", near)
		}
		if none := call("search", args{"query": "zzzzqqqq"})["results"].([]any); len(none) != 0 {
			t.Errorf("nonsense finds %v", none)
		}
		a.refused("unknown_product", "fetch", args{"id": "no-such-thing"})
		a.refused("invalid_argument", "search", args{"query": "?!"})
	})
	if _, err := newShop(t).agent("alice", modernEra).CallTool(t.Context(), &sdk.CallToolParams{Name: "search", Arguments: args{"query": "mouse"}}); err == nil {
		t.Error("a shop that was not told to has the connector's tools")
	}
}

// TestSourcesCanBeOpened: the pages that search and fetch cite.
func TestSourcesCanBeOpened(t *testing.T) {
	s := newShop(t, connector)
	s.sell("11", "hostile-thing", `<script>alert(1)</script>`, "toys", 3, variants("HOSTILE", "", 1000))
	pages, err := s.face.ProductPages()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /products/{handle}", pages)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/products/catnip-mouse":  {200, "<h1>Catnip Mouse</h1>"},
		"/products/cozy-cat-bed":  {200, "<caption>Variants</caption>"},
		"/products/hostile-thing": {200, "&lt;script&gt;"},
		"/products/no-such-thing": {404, "There is no such product in this shop."},
	} {
		w := get(path)
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.text) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "<script") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s may run scripts: %v", path, w.Header())
		}
	}
}
