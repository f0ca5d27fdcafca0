package authz_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	typecheck "go/types"
	"path/filepath"
	"strings"
	"testing"
)

// only imports one package for real; of the others nothing needs to be known.
type only struct{ path, dir string }

func (o only) Import(path string) (*typecheck.Package, error) {
	if path != o.path {
		return nil, fmt.Errorf("%s is not looked at", path)
	}
	pkg, _ := checked(o.dir, only{})
	return pkg, nil
}

// source is a package's parsed files and the types in them.
type source struct {
	files []*ast.File
	fset  *token.FileSet
	types map[ast.Expr]typecheck.TypeAndValue
}

// checked finds the types of a package as far as they follow from its own files
// and from the one package that imports knows.
func checked(dir string, imports typecheck.Importer, more ...string) (*typecheck.Package, source) {
	s := source{fset: token.NewFileSet(), types: map[ast.Expr]typecheck.TypeAndValue{}}
	parse := func(name string, text any) {
		f, err := parser.ParseFile(s.fset, name, text, 0)
		if err != nil {
			panic(err)
		}
		s.files = append(s.files, f)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			parse(name, nil)
		}
	}
	for _, text := range more {
		parse("example.go", text)
	}
	config := typecheck.Config{Importer: imports, Error: func(error) {}}
	pkg, _ := config.Check("till/domain/grant", s.fset, s.files, &typecheck.Info{Types: s.types})
	return pkg, s
}

// leaks are the places where secrets are compared until the first byte that
// differs, and how many hashes were seen at all.
func (s source) leaks() (found []string, seen int) {
	hash := func(e ast.Expr) bool {
		of := s.types[e]
		return of.Value == nil && of.Type != nil && strings.HasSuffix(of.Type.String(), "grant.Hash")
	}
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			leak := false
			switch n := n.(type) {
			case *ast.BinaryExpr:
				// Whether there is a hash at all may be asked: one side is a constant.
				leak = (n.Op == token.EQL || n.Op == token.NEQ) && hash(n.X) && hash(n.Y)
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				leak = ok && x.Name == "bytes" && n.Sel.Name == "Equal"
			}
			if leak {
				found = append(found, s.fset.Position(n.Pos()).String())
			}
			if e, ok := n.(ast.Expr); ok && hash(e) {
				seen++
			}
			return true
		})
	}
	return found, seen
}

// 59: what is secret is compared in constant time, after a lookup by what is
// public. BenchmarkCheck shows that a forged token costs no search.
func TestAttackTiming(t *testing.T) {
	const at = "../domain/grant"
	imports := only{"till/domain/grant", at}
	for name, c := range map[string]struct {
		dir     string
		imports typecheck.Importer
	}{"the tokens": {".", imports}, "the grants": {at, only{}}} {
		t.Run(name, func(t *testing.T) {
			_, files := checked(c.dir, c.imports)
			found, seen := files.leaks()
			if seen < 5 {
				t.Fatalf("only %d hashes were seen: the test is blind", seen)
			}
			for _, place := range found {
				t.Errorf("%s compares secrets with == or bytes.Equal; use Hash.Is or subtle.ConstantTimeCompare", place)
			}
		})
	}
	t.Run("it would be seen", func(t *testing.T) {
		for text, want := range map[string]int{
			`package a; import "till/domain/grant"; func f(g grant.State, h grant.Hash) bool { return g.Code == h }`:           1,
			`package a; import "till/domain/grant"; func f(g grant.State, h grant.Hash) bool { return h != g.Access[0].Hash }`: 1,
			`package a; import "bytes"; func f(a, b []byte) bool { return bytes.Equal(a, b) }`:                                 1,
			`package a; import "till/domain/grant"; func f(g grant.State) bool { return g.Code != "" }`:                        0,
			`package a; import "till/domain/grant"; func f(g grant.State, h grant.Hash) bool { return g.Code.Is(h) }`:          0,
		} {
			_, files := checked(filepath.Join(at, "none"), imports, text)
			if found, _ := files.leaks(); len(found) != want {
				t.Errorf("%s: found %q", text, found)
			}
		}
	})
}
