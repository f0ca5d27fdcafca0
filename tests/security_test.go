package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named is a test as SECURITY.md names it: `authz: TestX/a part of it`.
var named = regexp.MustCompile("`([a-z/]+): ((?:Test|Benchmark)\\w+)(?:/([^`]+))?`")

// numbered is a row of the table of attacks.
var numbered = regexp.MustCompile(`(?m)^\| (\d+) \| [^|]+ \| ([^|]+) \|$`)

// unheld returns the tests that a text names and that are not there. tests is the
// source of a folder's tests.
func unheld(text string, tests func(folder string) string) (found []string) {
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		source := tests(m[1])
		_, body, ok := strings.Cut(source, "\nfunc "+m[2]+"(")
		if !ok {
			found = append(found, m[1]+" has no "+m[2])
			continue
		}
		body, _, _ = strings.Cut(body, "\n}\n")
		if m[3] != "" && !strings.Contains(body, `"`+m[3]+`"`) {
			found = append(found, m[2]+" has no part "+m[3])
		}
	}
	return found
}

// testSources reads the tests of a folder.
func testSources(t *testing.T) func(folder string) string {
	sources := map[string]string{}
	return func(folder string) string {
		if _, ok := sources[folder]; !ok {
			files, _ := filepath.Glob(filepath.Join("..", filepath.FromSlash(folder), "*_test.go"))
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				sources[folder] += string(data)
			}
		}
		return sources[folder]
	}
}

// lacks returns what a text on security claims and the tests do not hold.
func lacks(text string, tests func(folder string) string) (found []string) {
	found = unheld(text, tests)
	_, attacks, _ := strings.Cut(text, "## A hundred attacks\n")
	attacks, _, _ = strings.Cut(attacks, "\n## ")
	next := 1
	for _, row := range numbered.FindAllStringSubmatch(attacks, -1) {
		if row[1] != fmt.Sprint(next) {
			found = append(found, fmt.Sprintf("attack %d is missing before %s", next, row[1]))
		}
		if !named.MatchString(row[2]) && !strings.HasPrefix(row[2], "none: ") {
			found = append(found, "attack "+row[1]+" has neither a test nor a reason")
		}
		fmt.Sscan(row[1], &next)
		next++
	}
	if next != 101 {
		found = append(found, fmt.Sprintf("the attacks end before %d", next))
	}
	return found
}

func TestSecurityTellsTheTruth(t *testing.T) {
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n >= 320 {
		t.Errorf("it has %d lines", n)
	}
	for _, l := range lacks(string(text), testSources(t)) {
		t.Error(l)
	}
	if n := len(named.FindAllString(string(text), -1)); n < 150 {
		t.Errorf("only %d tests are named", n)
	}
}

func TestSecurityIsReallyChecked(t *testing.T) {
	tests := func(folder string) string {
		return map[string]string{"authz": "package a\n\nfunc TestA(t *testing.T) {\n\tt.Run(\"1 one\", nil)\n}\n\nfunc TestB(t *testing.T) {\n\tt.Run(\"2 two\", nil)\n}\n"}[folder]
	}
	whole := func(first string) string {
		b := "## A hundred attacks\n" + first
		for i := 2; i <= 100; i++ {
			b += fmt.Sprintf("| %d | x | `authz: TestA` |\n", i)
		}
		return b
	}
	for _, c := range []struct{ text, want string }{
		{whole("| 1 | x | `authz: TestA/1 one` |\n"), ""},
		{whole("| 1 | x | none: a reason |\n"), ""},
		{whole("| 1 | x | `authz: TestC` |\n"), "authz has no TestC"},
		{whole("| 1 | x | `mcp: TestA` |\n"), "mcp has no TestA"},
		{whole("| 1 | x | `authz: TestA/2 two` |\n"), "TestA has no part 2 two"},
		{whole("| 1 | x | soon |\n"), "attack 1 has neither"},
		{whole(""), "attack 1 is missing"},
		{whole("| 1 | x | `authz: TestA` |\n")[:2000], "the attacks end before"},
	} {
		expectBreach(t, lacks(c.text, tests), c.want)
	}
}
