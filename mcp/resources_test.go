package mcp

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/grant"
)

// TestTheCartIsAResource: one address for everybody, and each reads their own.
func TestTheCartIsAResource(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		a, b := s.agent("alice", e), s.agent("bob", e)
		a.ok("add_to_cart", args{"product": 2, "quantity": 3})
		read := func(a *agent, uri string) (string, error) {
			res, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
			if err != nil {
				return "", err
			}
			return res.Contents[0].Text, nil
		}
		said := a.ok("view_cart", nil)
		got, err := read(a, "shop://cart")
		if err != nil || !strings.HasSuffix(said.Text, "\n"+got) {
			t.Errorf("alice's cart is %s, %v; view_cart says %s", got, err, said.Text)
		}
		if got, err := read(b, "shop://cart"); err != nil || !strings.Contains(got, `"lines":[]`) {
			t.Errorf("bob's cart is %s, %v", got, err)
		}
		if _, err := read(s.agent("alice:"+grant.OrdersRead, e), "shop://cart"); err == nil || !strings.Contains(err.Error(), grant.CartWrite) {
			t.Errorf("without the scope: %v", err)
		}
		for _, uri := range []string{"shop://cart/", "shop://cart/alice", "shop://carts", "shop://policies/", "shop://policies/none", "shop://policies/..%2f..%2fsecret", "shop://products/%zz"} {
			if got, err := read(a, uri); err == nil || !strings.Contains(err.Error(), "Resource not found") {
				t.Errorf("%s is %s, %v", uri, got, err)
			}
		}
		listed, err := a.ListResources(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var uris []string
		for _, r := range listed.Resources {
			uris = append(uris, r.URI)
			if got, err := read(a, r.URI); err != nil || got == "" || r.Title == "" || r.Description == "" {
				t.Errorf("%s is listed and is %q, %v", r.URI, got, err)
			}
		}
		if want := []string{"shop://cart", "shop://policies/payment", "shop://policies/privacy", "shop://policies/returns", "shop://policies/shipping"}; !slices.Equal(uris, want) {
			t.Errorf("listed are %q", uris)
		}
	})
}

// TestPoliciesAreTheMerchants: files take the place of the built-in texts or stand
// beside them, and what cannot be taken is said with its name.
func TestPoliciesAreTheMerchants(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("returns.md", "# Send it back\n\nWithin 30 days.")
	write("gift-cards.md", "We sell none.\n\n")
	write("notes.txt", "not for people")
	all, err := Policies(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Policy{}
	for _, p := range all {
		got[p.Name] = p
	}
	if len(all) != 5 || got["returns"].Title != "Send it back" || !strings.Contains(got["returns"].Text, "30 days") || got["gift-cards"].Title != "gift-cards" || got["shipping"].Title != "Shipping and stock" {
		t.Errorf("the policies are %+v", all)
	}
	for _, bad := range []struct{ name, text, says string }{
		{"Returns.md", "x", "a-z and hyphens"}, {"..md", "x", ""}, {strings.Repeat("a", 41) + ".md", "x", "a-z and hyphens"},
		{"empty.md", " \n", "is empty"}, {"broken.md", "\xff\xfe", "UTF-8"}, {"long.md", strings.Repeat("x", maxPolicy+1), "16 KiB"},
	} {
		write(bad.name, bad.text)
		_, err := Policies(dir)
		if bad.says == "" {
			if err != nil {
				t.Errorf("a hidden file: %v", err)
			}
		} else if err == nil || !strings.Contains(err.Error(), bad.says) || !strings.Contains(err.Error(), bad.name) {
			t.Errorf("%s: %v", bad.name, err)
		}
		if err := os.Remove(filepath.Join(dir, bad.name)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxPolicies {
		write(strings.Repeat("z", i+1)+".md", "text")
	}
	if _, err := Policies(dir); err == nil || !strings.Contains(err.Error(), "20") {
		t.Errorf("texts without end: %v", err)
	}
}

// TestPromptsNameToolsThatExist, and what they name as tools' words they say right.
func TestPromptsNameToolsThatExist(t *testing.T) {
	s := newShop(t)
	a := s.agent("alice", modernEra)
	tools, err := a.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"max_price", "next_steps"}
	for _, tool := range tools.Tools {
		known = append(known, tool.Name)
	}
	prompts, err := a.ListPrompts(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prompts.Prompts {
		got, err := a.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: p.Name})
		if err != nil {
			t.Fatal(err)
		}
		words := regexp.MustCompile(`\b[a-z]+(_[a-z]+)+\b`).FindAllString(got.Messages[0].Content.(*sdk.TextContent).Text, -1)
		if len(words) == 0 {
			t.Errorf("%s names no tool", p.Name)
		}
		for _, word := range words {
			if !slices.Contains(known, word) {
				t.Errorf("%s names %s, which there is not", p.Name, word)
			}
		}
	}
}

// TestAPromptsArgumentsAreTexts: another kind of value is named as what is wrong, in both
// eras, in no words of the program and without all that was sent.
func TestAPromptsArgumentsAreTexts(t *testing.T) {
	s := newShop(t)
	for name, headers := range map[string]http.Header{
		"new": modernHeaders("prompts/get", "find_a_gift"), "old": s.legacyHeaders(s.session(t, "alice")), "without a session": {},
	} {
		for arguments, fine := range map[string]bool{
			`{"budget":5}`: false, `{"budget":["5"]}`: false, `{"recipient":"` + strings.Repeat("x", 5000) + `","budget":true}`: false, `[]`: false, `"5"`: false,
			`{"budget":"5"}`: true, `{}`: true, `null`: true, `{"budget":null}`: true,
		} {
			body := `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"find_a_gift","arguments":` + arguments + `}}`
			if name == "new" {
				body = strings.Replace(string(modernBody("prompts/get", "find_a_gift", nil)), `"_meta":`, `"arguments":`+arguments+`,"_meta":`, 1)
			}
			_, got := send(t, s.request(t, []byte(body), headers))
			code, message := rpcError(got)
			if fine && code != 0 || !fine && (code != invalidParams || !strings.Contains(message, "texts") || strings.Contains(message, "mcp.") || len(message) > 300) {
				t.Errorf("%s, %.60s: %.300s", name, arguments, got)
			}
		}
	}
}
