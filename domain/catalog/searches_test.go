package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSearchesNameRealProducts keeps the list of searches true to the cat shop;
// the views' own test runs them.
func TestSearchesNameRealProducts(t *testing.T) {
	handles := map[string]bool{}
	for _, row := range catShop(t) {
		handles[row.Product.Handle] = true
	}
	text, err := os.ReadFile(filepath.Join("testdata", "searches.txt"))
	if err != nil {
		t.Fatal(err)
	}
	searches := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		query, hits, ok := strings.Cut(line, " => ")
		if !ok || query == "" || searches[query] {
			t.Errorf("%q is no search, or there twice", line)
		}
		searches[query] = true
		for handle := range strings.SplitSeq(hits, ",") {
			if handle = strings.TrimSpace(handle); !handles[handle] {
				t.Errorf("%q: the cat shop has no %q", query, handle)
			}
		}
	}
	if len(searches) < 40 {
		t.Errorf("only %d searches", len(searches))
	}
}
