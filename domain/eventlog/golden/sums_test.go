package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"till/domain/eventlog"
)

type thing struct {
	Name string `json:"name"`
}

func madeTwice() *eventlog.Types {
	types := eventlog.NewTypes()
	eventlog.Register[thing](types, "thing.made", 2, func(old json.RawMessage) (json.RawMessage, error) { return old, nil })
	return types
}

func TestGoldenFilesAreSealed(t *testing.T) {
	write := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		harm func(dir string)
		want string // empty: nothing is wrong
	}{
		{"as they are", func(string) {}, ""},
		{"an old one is changed", func(dir string) { write(dir, "thing.made.v1.json", `{"name":"b"}`) }, "thing.made.v1.json has changed"},
		{"an old one is deleted", func(dir string) { _ = os.Remove(filepath.Join(dir, "thing.made.v1.json")) }, "thing.made.v1.json is gone"},
		{"one is not listed", func(dir string) {
			list, _ := os.ReadFile(filepath.Join(dir, sumsFile))
			first, _, _ := strings.Cut(string(list), "\n")
			write(dir, sumsFile, first+"\n")
		}, "thing.made.v2.json is not in SUMS"},
		{"the list is gone", func(dir string) { _ = os.Remove(filepath.Join(dir, sumsFile)) }, "is not in SUMS"},
		{"the list is broken", func(dir string) { write(dir, sumsFile, "nonsense\n") }, "no sum and name"},
		{"a version to come", func(dir string) { write(dir, "thing.made.v3.json", "{}") }, "thing.made.v3.json is of no registered type"},
		{"a type that is gone", func(dir string) { write(dir, "thing.lost.v1.json", "{}") }, "thing.lost.v1.json is of no registered type"},
		{"something else", func(dir string) { write(dir, "notes.txt", "") }, "notes.txt is of no registered type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(dir, "thing.made.v1.json", `{"name":"a"}`)
			write(dir, "thing.made.v2.json", `{"name":"a"}`)
			if wrong, err := sealed(dir, madeTwice(), true); err != nil || len(wrong) > 0 {
				t.Fatal(wrong, err)
			}
			test.harm(dir)
			wrong, err := sealed(dir, madeTwice(), false)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(wrong, "\n")
			if test.want == "" && said != "" || !strings.Contains(said, test.want) {
				t.Errorf("it says %q, want %q", said, test.want)
			}
		})
	}
}

// The list only grows: what was listed once is never written over.
func TestTheListOnlyGrows(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "thing.made.v1.json")
	if err := os.WriteFile(file, []byte(`{"name":"a"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sealed(dir, madeTwice(), true); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, sumsFile))
	if err := os.WriteFile(file, []byte(`{"name":"b"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	wrong, err := sealed(dir, madeTwice(), true)
	if err != nil || len(wrong) != 1 {
		t.Errorf("with -update, of a changed file: %v, %v", wrong, err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, sumsFile)); string(after) != string(before) {
		t.Errorf("the list was\n%s\nand is\n%s", before, after)
	}
}
