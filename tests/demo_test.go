package tests

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"till/cmd"
)

var update = flag.Bool("update", false, "rewrite golden files")

// The demo is the whole main road, told: its transcript is kept so that a
// change of any answer is seen. What differs between two runs is masked.
func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs strings.Builder
	if code := cmd.Main([]string{"demo"}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("till demo exits %d: %s\n%s", code, &errs, &out)
	}
	got := out.String()
	for _, mask := range [][2]string{
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`in /\S+till-demo-\d+`, "in FOLDER"},
		{`CS-[0-9A-Z]{5}-[0-9A-Z]{5}`, "CS-XXXXX-XXXXX"},
		{`q_[A-Za-z0-9_-]{50,}`, "q_QUOTE"},
		{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z| UTC)?`, "TIME"},
		{`position \d+`, "position N"},
		{`reference test_[0-9a-f]+`, "reference REFERENCE"},
	} {
		got = regexp.MustCompile(mask[0]).ReplaceAllString(got, mask[1])
	}
	file := filepath.Join("testdata", "demo.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the transcript changed (see it with -update and git diff):\n%s", got)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "till-demo-*")); len(left) > 0 {
		t.Errorf("the demo left %v behind", left)
	}
}
