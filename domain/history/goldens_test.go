package history_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
)

// A package that registers its events and holds them against no golden file
// would go unnoticed by its own tests.
func TestEveryVersionOfEveryEventHasItsGoldenFile(t *testing.T) {
	there := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		there[filepath.Base(path)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	known := types()
	for _, name := range known.Names() {
		for v := 1; v <= known.Newest(name); v++ {
			if file := fmt.Sprintf("%s.v%d.json", name, v); !there[file] {
				t.Errorf("no package of the domain holds %s", file)
			}
		}
	}
}
