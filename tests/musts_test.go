package tests

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Everything that the protocol asks of a server, in sections as its versions have
// them: each rule says for which era it holds, how strong it is, who sees to it, and
// the tests that would fail if nobody did.
func TestEveryMustHasItsTest(t *testing.T) {
	data, err := os.ReadFile("testdata/musts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	table, faults := mustsOf(string(data))
	for _, fault := range append(faults, answered(table, strings.Count(table, "\n"), testSources(t))...) {
		t.Error(fault)
	}
	if n := strings.Count(table, "\n"); n < 60 {
		t.Errorf("there are only %d rules", n)
	}
	if strings.Contains(table, "\tn/a: ") {
		t.Error("a rule has no test")
	}
}

// mustsOf takes a table of rules to number, rule and tests, and says what else is
// wrong with it.
func mustsOf(data string) (table string, faults []string) {
	seen := map[string]bool{}
	for line := range strings.Lines(data) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case len(columns) != 6:
			faults = append(faults, "a line is not number, era, level, who, rule, tests: "+line)
			continue
		case !slices.Contains([]string{"modern", "legacy", "both"}, columns[1]):
			faults = append(faults, columns[0]+" is of no era")
		case !slices.Contains([]string{"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"}, columns[2]):
			faults = append(faults, columns[0]+" has no level")
		case !slices.Contains([]string{"us", "SDK", "client"}, columns[3]):
			faults = append(faults, columns[0]+" is nobody's")
		case seen[columns[4]]:
			faults = append(faults, columns[0]+" stands there twice")
		}
		seen[columns[4]] = true
		table += columns[0] + "\t" + columns[4] + "\t" + columns[5] + "\n"
	}
	return table, faults
}

func TestMustsAreReallyChecked(t *testing.T) {
	const good = "1\tboth\tMUST\tus\tx\t`mcp: TestA`\n2\tmodern\tMAY\tSDK\ty\t`mcp: TestA`\n"
	for _, c := range []struct{ table, want string }{
		{good, ""},
		{strings.Replace(good, "both", "1999", 1), "1 is of no era"},
		{strings.Replace(good, "MUST", "WILL", 1), "1 has no level"},
		{strings.Replace(good, "\tus", "\tthem", 1), "1 is nobody's"},
		{strings.Replace(good, "\ty\t", "\tx\t", 1), "2 stands there twice"},
		{strings.Replace(good, "\tus", "", 1), "a line is not"},
	} {
		_, faults := mustsOf(c.table)
		expectBreach(t, faults, c.want)
	}
}
