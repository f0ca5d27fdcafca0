package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The README's transcript is the demo's, shortened but not embellished.
func TestTheReadmeTellsTheDemo(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := os.ReadFile("testdata/demo.txt")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(readme), "\n"); n >= 200 {
		t.Errorf("the README has %d lines", n)
	}
	_, rest, ok := strings.Cut(string(readme), "```\nA shop of its own")
	transcript, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the README holds no transcript of the demo")
	}
	told := map[string]bool{}
	for _, line := range strings.Split(string(demo), "\n") {
		told[line] = true
	}
	for _, line := range strings.Split("A shop of its own"+transcript, "\n") {
		if !told[line] {
			t.Errorf("the demo does not say %q", line)
		}
	}
}

// Go code in the README stands so, line by line, in a file of the project: what
// is explained there is compiled and tested here.
func TestTheReadmesCodeIsReal(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		data, err := os.ReadFile(path)
		sources = append(sources, string(data))
		return err
	})
	if err != nil || len(sources) < 100 {
		t.Fatalf("found %d files of Go: %v", len(sources), err)
	}
	for _, block := range codeIn(string(readme)) {
		if !slices.ContainsFunc(sources, func(s string) bool { return strings.Contains(s, block) }) {
			t.Errorf("no file holds this code of the README:\n%s", block)
		}
	}
}

// codeIn returns the blocks of Go in a text.
func codeIn(text string) (blocks []string) {
	for {
		_, rest, ok := strings.Cut(text, "\n```go\n")
		block, after, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			return blocks
		}
		blocks, text = append(blocks, block), after
	}
}

func TestCodeIsFound(t *testing.T) {
	got := codeIn("# A\n\n```go\ntype a int\n```\n\n```\nno code\n```\n\n```go\ntype b int\n```\n")
	if !slices.Equal(got, []string{"type a int\n", "type b int\n"}) {
		t.Errorf("found %q", got)
	}
}
