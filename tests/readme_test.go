package tests

import (
	"os"
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
