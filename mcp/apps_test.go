package mcp

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// viewTools are the tools whose answers have a view.
var viewTools = []string{"checkout", "explain_order", "get_order", "get_order_history", "get_product", "list_products", "reorder", "review_checkout", "search_products", "view_cart"}

// showing is a client that says it shows views, or one that does not.
func (s *shop) showing(e era, shows bool) *agent {
	s.t.Helper()
	options := &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}}
	if shows {
		options.Capabilities.AddExtension(appsExtension, map[string]any{"mimeTypes": []string{viewMIME}})
	}
	return s.agentWith("alice", e, options)
}

func TestEveryViewCanBeRead(t *testing.T) {
	s := newShop(t)
	eachEra(t, func(t *testing.T, e era) {
		alice := s.agent("alice", e)
		list, err := alice.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, tool := range list.Tools {
			ui, _ := tool.Meta["ui"].(map[string]any)
			if ui == nil {
				continue
			}
			have = append(have, tool.Name)
			if n := len(`,"_meta":`) + len(encode(tool.Meta)); n > 66 {
				t.Errorf("the view of %s takes %d bytes of the list", tool.Name, n)
			}
			uri := ui["resourceUri"].(string)
			read, err := alice.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
			if err != nil {
				t.Fatalf("%s: %v", uri, err)
			}
			c := read.Contents[0]
			if c.URI != uri || c.MIMEType != viewMIME || !strings.HasPrefix(c.Text, "<!doctype html>") {
				t.Errorf("%s is %s %s %.40q", uri, c.URI, c.MIMEType, c.Text)
			}
			if got := string(encode(c.Meta)); got != `{"ui":{"csp":{},"prefersBorder":true}}` {
				t.Errorf("%s comes with %s", uri, got)
			}
			if e == modernEra && (read.CacheScope != "public" || read.TTLMs != viewLife) {
				t.Errorf("%s may be kept %s for %d ms", uri, read.CacheScope, read.TTLMs)
			}
		}
		if slices.Sort(have); !slices.Equal(have, viewTools) {
			t.Errorf("the tools with a view are %q", have)
		}
		if got := alice.InitializeResult().Capabilities.Extensions[appsExtension]; string(encode(got)) != `{"mimeTypes":["text/html;profile=mcp-app"]}` {
			t.Errorf("the server says of its views: %s", encode(got))
		}
	})
}

// A conversation that is opened again asks for the view that an older program had.
func TestAnOlderViewIsTheOneOfToday(t *testing.T) {
	s := newShop(t)
	eachEra(t, func(t *testing.T, e era) {
		alice := s.agent("alice", e)
		read, err := alice.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "ui://shop/cart-00000000"})
		if err != nil {
			t.Fatal(err)
		}
		if c := read.Contents[0]; c.URI != "ui://shop/cart-00000000" || c.Text != s.face.views[1].document || read.TTLMs != 0 {
			t.Errorf("it is %s, to be kept for %d ms: %.40q", c.URI, read.TTLMs, c.Text)
		}
		for _, uri := range []string{"ui://shop/cart", "ui://shop/cat-00000000", "ui://shop/", "ui://elsewhere/cart-00000000", "ui://shop/cart-" + strings.Repeat("0", maxURI)} {
			if read, err := alice.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri}); err == nil {
				t.Errorf("%s is %.40q", uri, read.Contents[0].Text)
			}
		}
	})
}

// Who does not show views hears the same as before, word for word.
func TestWhoShowsNoViewsSeesNoDifference(t *testing.T) {
	s := newShop(t)
	eachEra(t, func(t *testing.T, e era) {
		plain, shows := s.showing(e, false), s.showing(e, true)
		plain.ok("add_to_cart", args{"product": "catnip-mouse"})
		for tool, given := range map[string]args{"search_products": {"query": "mouse"}, "get_product": {"product": 2}, "view_cart": nil, "get_order_history": nil} {
			a, b := plain.ok(tool, given), shows.ok(tool, given)
			if a.Text != b.Text || !strings.Contains(a.Text, "\n") {
				t.Errorf("%s says %q to one and %q to the other", tool, a.Text, b.Text)
			}
		}
		for client, want := range map[*agent]int{plain: 0, shows: 4} {
			list, err := client.ListResources(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, r := range list.Resources {
				if strings.HasPrefix(r.URI, viewURI) {
					n++
				}
			}
			if n != want {
				t.Errorf("%d views are listed, want %d", n, want)
			}
		}
	})
}

// maxView is how large a view may be, in bytes.
const maxView = 46_000

func TestViewsHoldAllThatTheyNeed(t *testing.T) {
	views, err := makeViews()
	if err != nil {
		t.Fatal(err)
	}
	again, err := makeViews()
	if err != nil || !reflect.DeepEqual(views, again) {
		t.Errorf("the views are others at each start: %v", err)
	}
	for _, v := range views {
		t.Logf("%s has %d bytes", v.uri, len(v.document))
		if len(v.document) > maxView {
			t.Errorf("%s has %d bytes", v.name, len(v.document))
		}
		text := strings.ReplaceAll(v.document, "http://www.w3.org/2000/svg", "") // a name that nobody fetches
		for _, not := range []string{"http:", "https:", "//", "src=", "@import", "url(", "<link", "<img", "<iframe", "{{",
			"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser", "localStorage", "XMLHttpRequest", "fetch(", "javascript"} {
			if i := strings.Index(text, not); i >= 0 {
				t.Errorf("%s holds %q: …%s…", v.name, not, text[max(0, i-30):min(len(text), i+30)])
			}
		}
		for _, m := range regexp.MustCompile(`(?:href|id)[:=] ?[\x60"']([^"'\x60]+)`).FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[0], "href") && !strings.HasPrefix(m[1], "#") {
				t.Errorf("%s leads to %s", v.name, m[1])
			}
		}
		if m := regexp.MustCompile(` on[a-z]+="`).FindString(text); m != "" {
			t.Errorf("%s holds the attribute%s", v.name, m)
		}
		if !strings.Contains(text, `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`) {
			t.Errorf("%s forbids nothing by itself", v.name)
		}
		if strings.Count(text, "<script>") != 1 || strings.Count(text, "<style>") != 1 || !strings.Contains(text, `<html lang="en">`) {
			t.Errorf("%s is made of other parts", v.name)
		}
	}
}

// A view that asks an answer for a field that is not in it shows an empty place.
func TestViewsAskForFieldsThatAnswersHold(t *testing.T) {
	known := map[string]bool{"idempotency_key": true}
	var learn func(reflect.Type)
	learn = func(at reflect.Type) {
		switch at.Kind() {
		case reflect.Pointer, reflect.Slice:
			learn(at.Elem())
		case reflect.Struct:
			for _, f := range reflect.VisibleFields(at) {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				known[name] = true
				learn(f.Type)
			}
		}
	}
	s := newShop(t)
	for _, tool := range s.face.tools() {
		known[tool.name] = true
		for _, a := range tool.args {
			known[a.name] = true
		}
		if viewOf(tool.name) != "" || !tool.reads {
			learn(reflect.TypeOf(tool.output))
		}
	}
	learn(reflect.TypeFor[problem]())
	files, err := viewFiles.ReadDir("views")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".js") {
			continue
		}
		script, err := viewPart(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.([a-z]+_[a-z_]+)\b|[{ ,]([a-z]+_[a-z_]+):`).FindAllStringSubmatch(script, -1) {
			asked++
			name := m[1] + m[2]
			// Codes of refusals stand as keys too; errors_test holds the table to them.
			if !known[name] && !(m[2] != "" && f.Name() != "cart.js") {
				t.Errorf("%s asks for %s, which no answer holds", f.Name(), name)
			}
		}
	}
	if asked < 40 {
		t.Errorf("only %d fields are asked for", asked)
	}
}

func TestEveryProductOfTheShopIsDrawn(t *testing.T) {
	script, err := viewPart("pictures.js")
	if err != nil {
		t.Fatal(err)
	}
	drawings, err := viewPart("pictures.svg")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(script, "const drawn = {")
	list, _, _ = strings.Cut(list, "};")
	kind := map[string]string{}
	for _, m := range regexp.MustCompile(`(\w+): "([^"]+)"`).FindAllStringSubmatch(list, -1) {
		for handle := range strings.FieldsSeq(m[2]) {
			if kind[handle] != "" {
				t.Errorf("%s is drawn as %s and as %s", handle, kind[handle], m[1])
			}
			kind[handle] = m[1]
		}
		if !strings.Contains(drawings, `<g id="p-`+m[1]+`">`) {
			t.Errorf("there is no drawing %s", m[1])
		}
	}
	f, err := os.Open("../domain/catalog/catshop.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var p struct{ Handle string }
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if p.Handle != "" && kind[p.Handle] == "" {
			t.Errorf("%s is not drawn", p.Handle)
		}
		delete(kind, p.Handle)
	}
	for handle := range kind {
		t.Errorf("%s is drawn and not sold", handle)
	}
}
