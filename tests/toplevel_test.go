package tests

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// usual is all that may stand at the top, besides files and folders that begin
// with a dot.
var usual = []string{
	"cmd", "domain", "projections", "mcp", "authz", "tests", "docs",
	"go.mod", "go.sum", "README.md", "Makefile", "LICENSE", "SECURITY.md", "CHANGELOG.md",
}

// strays returns what stands at the top and should not.
func strays(entries []string) []string {
	return slices.DeleteFunc(slices.Clone(entries), func(name string) bool {
		return strings.HasPrefix(name, ".") || slices.Contains(usual, name)
	})
}

func TestTopLevel(t *testing.T) {
	entries := tracked(t)
	if !slices.Contains(entries, "go.mod") || !slices.Contains(entries, "domain") {
		t.Fatalf("this is not the module's top level: %q", entries)
	}
	for _, name := range strays(entries) {
		t.Errorf("%s stands at the top: put it into one of the design's folders, which are all that a newcomer should have to learn", name)
	}
}

// tracked is what stands at the top: as git has it, since a working copy holds
// built binaries too; without git what the folder holds.
func tracked(t *testing.T) []string {
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	list.Dir = ".."
	if out, err := list.Output(); err == nil && len(out) > 0 {
		var entries []string
		for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			if top, _, _ := strings.Cut(path, "/"); !slices.Contains(entries, top) {
				entries = append(entries, top)
			}
		}
		return entries
	}
	held, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for _, e := range held {
		entries = append(entries, e.Name())
	}
	return entries
}

func TestTopLevelIsReallyChecked(t *testing.T) {
	got := strays([]string{"cmd", ".ci", ".gitignore", "Makefile", "pkg", "notes.txt", "internal"})
	if !slices.Equal(got, []string{"pkg", "notes.txt", "internal"}) {
		t.Errorf("strays %q", got)
	}
}
