package tests

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// answered returns what is wrong with a table of troubles: a line for each number
// up to the last, with the trouble and either the tests that show it cannot be had
// here or why there is none.
func answered(table string, last int, tests func(folder string) string) (found []string) {
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	for i, line := range lines {
		columns := strings.Split(line, "\t")
		if len(columns) != 3 || columns[0] != fmt.Sprint(i+1) || columns[1] == "" {
			found = append(found, fmt.Sprintf("line %d is not number, trouble, answer: %q", i+1, line))
			continue
		}
		why, none := strings.CutPrefix(columns[2], "n/a: ")
		switch {
		case none && len(why) < 12:
			found = append(found, columns[0]+" has no reason")
		case !none && named.ReplaceAllString(strings.ReplaceAll(columns[2], "`, `", "``"), "") != "":
			found = append(found, columns[0]+" has neither tests nor a reason")
		case !none:
			found = append(found, unheld(columns[2], tests)...)
		}
	}
	if len(lines) != last {
		found = append(found, fmt.Sprintf("there are %d lines, not %d", len(lines), last))
	}
	return found
}

// What users of other shops suffer, and what the shop that this one grew from did
// wrong: each has a test that would fail here, or a reason why it has none.
func TestTroublesOfOthersAreAnswered(t *testing.T) {
	for file, last := range map[string]int{"symptoms.tsv": 40, "defects.tsv": 38} {
		table, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range answered(string(table), last, testSources(t)) {
			t.Errorf("%s: %s", file, l)
		}
		if n := strings.Count(string(table), "\tn/a: "); n > 3 {
			t.Errorf("%s: %d troubles have no test", file, n)
		}
	}
}

func TestTroublesAreReallyChecked(t *testing.T) {
	tests := func(folder string) string {
		return map[string]string{"authz": "\nfunc TestA(t *testing.T) {\n\tt.Run(\"one\", nil)\n}\n"}[folder]
	}
	const good = "1\tx\t`authz: TestA/one`, `authz: TestA`\n2\ty\tn/a: nobody can do that\n"
	for _, c := range []struct{ table, want string }{
		{good, ""},
		{good[:strings.Index(good, "2")], "there are 1 lines"},
		{strings.Replace(good, "2\ty", "3\ty", 1), "line 2 is not"},
		{strings.Replace(good, "\ty\t", "\t\t", 1), "line 2 is not"},
		{strings.Replace(good, "nobody can do that", "no", 1), "2 has no reason"},
		{strings.Replace(good, "`authz: TestA`", "soon", 1), "1 has neither"},
		{strings.Replace(good, "TestA/one", "TestA/two", 1), "TestA has no part two"},
		{strings.Replace(good, "TestA/one", "TestB", 1), "authz has no TestB"},
	} {
		expectBreach(t, answered(c.table, 2, tests), c.want)
	}
}

// Row 31: the first thing that a person reads says who can reach the address.
func TestTheBannerSaysWhoCanConnect(t *testing.T) {
	for flags, want := range map[string]bool{"": true, "--public-url=https://shop.mydomain.net": false} {
		p := begin(t, t.TempDir(), "127.0.0.1:0", strings.Fields(flags)...)
		t.Cleanup(p.kill)
		var banner string
		for lines := bufio.NewScanner(p.out); lines.Scan(); {
			if banner += lines.Text() + "\n"; lines.Text() == "" && strings.Contains(banner, "Ctrl-C stops the shop") {
				break
			}
		}
		p.kill()
		if !regexp.MustCompile(`MCP URL +http`).MatchString(banner) {
			t.Fatalf("it says %s", banner)
		}
		if got := strings.Contains(banner, "Only programs on this machine reach this URL; for claude.ai or ChatGPT put it behind"); got != want {
			t.Errorf("with %q it says\n%s", flags, banner)
		}
	}
}
