package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxLines is how long a file may be that is no test.
const maxLines = 400

// offences returns what one Go file does that the house does not. The path is
// relative to the module ("domain/cart/cart.go").
func offences(path string, source []byte) []string {
	var found []string
	say := func(line int, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s:%d: %s", path, line, fmt.Sprintf(format, args...)))
	}
	test := strings.HasSuffix(path, "_test.go")
	if n := strings.Count(string(source), "\n"); n > maxLines && !test {
		say(n, "the file has %d lines, at most %d: a file is one idea", n, maxLines)
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		say(1, "it does not parse: %v", err)
		return found
	}
	at := func(n ast.Node) int { return files.Position(n.Pos()).Line }
	clock := ""
	for _, imp := range file.Imports {
		imported, name := strings.Trim(imp.Path.Value, `"`), ""
		if imp.Name != nil {
			name = imp.Name.Name
		}
		if imported == "time" {
			if clock = name; name == "" {
				clock = "time"
			}
		}
		if imported == "github.com/modelcontextprotocol/go-sdk/mcp" && name != "sdk" {
			say(at(imp), "the SDK's package mcp is always imported as sdk: theirs is sdk, ours is mcp")
		}
		if name == "." {
			say(at(imp), "no dot imports: a reader must see where a name comes from")
		}
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			say(at(f), "no func init: what runs must be called by someone")
		}
	}
	if clock != "" && !test && pure(filepath.ToSlash(filepath.Dir(path))) {
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == clock {
					say(at(s), "time.%s: the domain has no clock, the time comes in with the command", s.Sel.Name)
				}
			}
			return true
		})
	}
	return found
}

func TestHouseRules(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, o := range offences(filepath.ToSlash(rel), source) {
			t.Error(o)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Fatalf("only %d Go files were read", seen)
	}
}

func TestHouseRulesAreReallyChecked(t *testing.T) {
	const sdk = "github.com/modelcontextprotocol/go-sdk/mcp"
	for _, test := range []struct{ name, path, source, want string }{
		{"clean", "domain/cart/cart.go", "package cart\nimport \"time\"\nfunc at(t time.Time) bool { return t.IsZero() }\n", ""},
		{"400 lines", "cmd/app.go", "package cmd\n" + strings.Repeat("\n", 399), ""},
		{"401 lines", "cmd/app.go", "package cmd\n" + strings.Repeat("\n", 400), "the file has 401 lines, at most 400"},
		{"a long test", "cmd/app_test.go", "package cmd\n" + strings.Repeat("\n", 900), ""},
		{"broken", "cmd/app.go", "packge cmd", "it does not parse"},
		{"init", "cmd/app.go", "package cmd\nfunc init() {}\n", "cmd/app.go:2: no func init"},
		{"init in a test", "cmd/app_test.go", "package cmd\nfunc init() {}\n", "no func init"},
		{"a method named init", "cmd/app.go", "package cmd\ntype t int\nfunc (t) init() {}\n", ""},
		{"the SDK as itself", "mcp/server.go", "package mcp\nimport \"" + sdk + "\"\n", "always imported as sdk"},
		{"the SDK by another name", "tests/flow_test.go", "package tests\nimport mcpsdk \"" + sdk + "\"\n", "always imported as sdk"},
		{"the SDK as sdk", "mcp/server.go", "package mcp\nimport sdk \"" + sdk + "\"\n", ""},
		{"dot import", "mcp/server.go", "package mcp\nimport . \"fmt\"\n", "no dot imports"},
		{"the clock in the domain", "domain/cart/cart.go", "package cart\nimport \"time\"\nvar now = time.Now\n", "domain/cart/cart.go:3: time.Now"},
		{"the clock by another name", "domain/cart/cart.go", "package cart\nimport t \"time\"\nfunc f(x t.Time) t.Duration { return t.Since(x) }\n", "time.Since"},
		{"the clock in a domain's test", "domain/cart/cart_test.go", "package cart\nimport \"time\"\nvar now = time.Now\n", ""},
		{"the clock in jslog", "domain/eventlog/jslog/log.go", "package jslog\nimport \"time\"\nvar now = time.Now\n", ""},
		{"the clock in the way in", "authz/code.go", "package authz\nimport \"time\"\nvar now = time.Now\n", ""},
		{"another Now", "domain/cart/cart.go", "package cart\nimport \"time\"\ntype c struct{ Now time.Time }\nfunc f(x c) time.Time { return x.Now }\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) { expectBreach(t, offences(test.path, []byte(test.source)), test.want) })
	}
}
