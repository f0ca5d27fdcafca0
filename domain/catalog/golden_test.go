package catalog_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"till/domain/catalog"
	"till/domain/eventlog"
	"till/domain/money"
)

var update = flag.Bool("update", false, "write the golden files of the newest versions")

// TestGoldenEvents holds every event in every version it was ever stored in: a
// file testdata/golden/NAME.vN.json. The newest must be written byte by byte as
// the file says; each older one must still decode to the newest Go value. Never
// change a file of a released version: it is what stands in people's logs.
func TestGoldenEvents(t *testing.T) {
	types := eventlog.NewTypes()
	catalog.Register(types)
	samples := map[string]catalog.Event{
		"product.added":     catalog.ProductAdded{Product: mouse()},
		"product.changed":   catalog.ProductChanged{Product: mended(func(p *catalog.Product) { p.Variants[1].Price = money.Of(599, "USD") })},
		"product.withdrawn": catalog.ProductWithdrawn{},
	}
	for name, newest := range types.Newest() {
		event, ok := samples[name]
		if !ok {
			t.Errorf("%s has no sample in this test", name)
			continue
		}
		_, _, data, err := types.Encode(event)
		if err != nil {
			t.Fatal(err)
		}
		for version := 1; version <= newest; version++ {
			file := golden(name, version)
			if *update && version == newest {
				if err := os.WriteFile(file, indented(t, data), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			held, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s version %d has no golden file; run with -update: %v", name, version, err)
				continue
			}
			if version == newest && !bytes.Equal(held, indented(t, data)) {
				t.Errorf("%s is written as\n%sbut its golden file says\n%s", name, indented(t, data), held)
			}
			back, err := types.Decode(eventlog.Envelope{Type: name, Version: version, Data: held})
			if err != nil || !reflect.DeepEqual(back, any(event)) {
				t.Errorf("%s version %d decodes to %+v, %v", name, version, back, err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), ".v")
		if n, err := strconv.Atoi(version); err != nil || n < 1 || n > types.Newest()[name] {
			t.Errorf("%s belongs to no registered event", file)
		}
	}
}

func golden(name string, version int) string {
	return filepath.Join("testdata", "golden", fmt.Sprintf("%s.v%d.json", name, version))
}

func indented(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}
