package tests

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"till/cmd"
)

// pages are the pages of the documentation, by name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../docs/*.md")
	if err != nil || len(names) < 5 {
		t.Fatalf("the pages are %v: %v", names, err)
	}
	all := map[string]string{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = string(data)
	}
	return all
}

// typed finds command lines of till: at a line's beginning, behind -- and inside
// $( ) in blocks, and between backticks in text.
var typed = regexp.MustCompile("(?m)(?:^|-- |\\$\\(|`)till ([a-z][^)\\n`]*)")

// commandsOn returns what a page tells its reader to run as till.
func commandsOn(page string) (all [][]string) {
	page = strings.ReplaceAll(page, "\\\n", "")
	for _, m := range typed.FindAllStringSubmatch(page, -1) {
		all = append(all, words(m[1]))
	}
	for _, block := range blocksOf(page, "json") {
		var settings map[string]map[string]struct {
			Command string
			Args    []string
		}
		if err := json.Unmarshal([]byte(block), &settings); err != nil {
			all = append(all, []string{"broken JSON:", block})
		}
		for _, servers := range settings {
			for _, s := range servers {
				if s.Command == "till" {
					all = append(all, s.Args)
				}
			}
		}
	}
	return all
}

// words splits a command line as a shell does: what stands in quotes is one.
func words(line string) (all []string) {
	for _, word := range regexp.MustCompile(`(?:"[^"]*"|\S)+`).FindAllString(line, -1) {
		all = append(all, strings.ReplaceAll(word, `"`, ""))
	}
	return all
}

// blocksOf returns the page's blocks of code in a language.
func blocksOf(page, language string) (blocks []string) {
	for {
		_, rest, ok := strings.Cut(page, "\n```"+language+"\n")
		block, after, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			return blocks
		}
		blocks, page = append(blocks, block), after
	}
}

func TestTheDocsCommandsExist(t *testing.T) {
	found := 0
	for name, page := range pages(t) {
		for _, args := range commandsOn(page) {
			found++
			if err := cmd.Understood(args); err != nil {
				t.Errorf("%s: till %s: %v", name, strings.Join(args, " "), err)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d commands are found", found)
	}
}

func TestDocsCommandsAreFound(t *testing.T) {
	page := "Run `till doctor --quick` and `till code end \"A B\"`.\n```\ntill serve \\\n --stdio\nnpx x -- till events\ncurl $(till login)\n```\n```json\n{\"mcpServers\": {\"a\": {\"command\": \"till\", \"args\": [\"serve\", \"--nonsense\"]}}}\n```\n"
	var got []string
	for _, args := range commandsOn(page) {
		got = append(got, strings.Join(args, " "))
	}
	if want := []string{"doctor --quick", "code end A B", "serve --stdio", "events", "login", "serve --nonsense"}; !slices.Equal(got, want) {
		t.Errorf("found %q", got)
	}
	if got := commandsOn(page)[1]; len(got) != 3 || got[2] != "A B" {
		t.Errorf("words in quotes are %q", got)
	}
	if cmd.Understood([]string{"serve", "--nonsense"}) == nil {
		t.Error("a flag that does not exist is understood")
	}
}

var link = regexp.MustCompile(`\]\(([^)]+)\)`)

// A page is short, the index leads to it, and its links lead somewhere.
func TestTheDocsLeadOn(t *testing.T) {
	all := pages(t)
	for name, page := range all {
		if n := strings.Count(page, "\n"); n > 70 {
			t.Errorf("%s has %d lines", name, n)
		}
		if name != "README.md" && !strings.Contains(all["README.md"], "("+name+")") {
			t.Errorf("the index does not lead to %s", name)
		}
		if !strings.Contains(page, "## When it does not work") {
			t.Errorf("%s does not say what to do when it does not work", name)
		}
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join("../docs", m[1])); err != nil {
				t.Errorf("%s leads to %s: %v", name, m[1], err)
			}
		}
	}
}

// othersSay are messages of the clients.
var othersSay = []string{"spawn till ENOENT"}

var quoted = regexp.MustCompile("`([^`]+)`")

// What the pages quote as the shop's words is what it says, and code is a file that
// is run.
func TestTheDocsQuote(t *testing.T) {
	sources, others := map[string]string{}, ""
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".go", ".py", ".mjs":
			data, err := os.ReadFile(path)
			if strings.HasSuffix(path, "_test.go") || filepath.Ext(path) != ".go" {
				others += string(data)
			} else {
				sources[path] = string(data)
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	said := func(text string) bool {
		for _, s := range sources {
			// Over stdio it is the line that over HTTP is the body.
			if strings.Contains(s, text) || strings.Contains(s, strings.Replace(text, "the line", "the body", 1)) {
				return true
			}
		}
		return false
	}
	n := 0
	for name, page := range pages(t) {
		for _, language := range []string{"go", "js", "python"} {
			for _, block := range blocksOf(page, language) {
				if !strings.Contains(others, block) {
					t.Errorf("%s: no file holds this code:\n%s", name, block)
				}
			}
		}
		_, wrong, _ := strings.Cut(page, "## When it does not work")
		for line := range strings.SplitSeq(wrong, "\n") {
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				text := m[1]
				if !strings.HasPrefix(line, "- ") || strings.Count(text, " ") < 2 || strings.HasPrefix(text, "till ") || strings.HasPrefix(text, "claude ") || slices.Contains(othersSay, text) {
					continue
				}
				n++
				if !said(text) {
					t.Errorf("%s quotes %q, which the shop never says", name, text)
				}
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d quotations are found", n)
	}
}

// The pages say how many tools a client lists, which is how people see that it works.
func TestTheDocsCountTheTools(t *testing.T) {
	shop := serve(t, t.TempDir())
	listed, err := shopper(t, shop, "alice").ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	counts, found := regexp.MustCompile(`(\d+) tools`), 0
	for name, text := range pages(t) {
		for _, n := range counts.FindAllStringSubmatch(text, -1) {
			if found++; n[1] != strconv.Itoa(len(listed.Tools)) {
				t.Errorf("%s says %s, there are %d", name, n[0], len(listed.Tools))
			}
		}
	}
	if found == 0 {
		t.Error("no page says how many")
	}
}
