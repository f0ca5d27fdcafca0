// Package golden holds every version of every event against a stored file. It
// is for tests only.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"till/domain/eventlog"
)

var update = flag.Bool("update", false, "write missing golden files")

// Was is how the golden file of an older version reads today, where that is not
// as the newest version's sample: what the old version did not hold is missing.
type Was struct {
	Version int
	Event   any
}

// Check holds one sample of each registered event against its golden files in
// testdata: the newest version must encode to exactly the file's bytes, and
// every version, however old, must decode to the sample. With -update it writes
// the files that are missing; a file that exists is never changed, since an
// event that was stored once stays as it is. The list testdata/events/SUMS
// notices a file, of whatever version, that was changed or deleted. Samples may
// hold a [Was] for an older version.
func Check(t *testing.T, types *eventlog.Types, samples ...any) {
	t.Helper()
	sampled := map[string]bool{}
	older := map[string]any{}
	samples = slices.DeleteFunc(slices.Clone(samples), func(sample any) bool {
		was, ok := sample.(Was)
		if ok {
			name, newest, _, err := types.Encode(was.Event)
			if err != nil || was.Version < 1 || was.Version >= newest {
				t.Fatalf("%+v is no older version of a registered event (%v)", was, err)
			}
			older[file(name, was.Version)] = was.Event
		}
		return ok
	})
	for _, sample := range samples {
		name, newest, data, err := types.Encode(sample)
		if err != nil {
			t.Fatal(err)
		}
		sampled[name] = true
		t.Run(name, func(t *testing.T) {
			encodes(t, file(name, newest), data)
			for v := 1; v <= newest; v++ {
				want := sample
				if was, ok := older[file(name, v)]; ok {
					want = was
				}
				decodes(t, types, name, v, want)
			}
		})
	}
	for _, name := range types.Names() {
		if !sampled[name] {
			t.Errorf("%s has no sample: every registered event needs one and a golden file for each version", name)
		}
	}
	wrong, err := sealed(filepath.Join("testdata", "events"), types, *update)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

func file(name string, version int) string {
	return filepath.Join("testdata", "events", fmt.Sprintf("%s.v%d.json", name, version))
}

func encodes(t *testing.T, path string, data []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	want, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if !bytes.Equal(want, pretty.Bytes()) {
		t.Errorf("%s no longer is what the program writes:\n%s\nA stored event never changes: make a new version with an upcaster.", path, pretty.Bytes())
	}
}

func decodes(t *testing.T, types *eventlog.Types, name string, version int, sample any) {
	t.Helper()
	data, err := os.ReadFile(file(name, version))
	if err != nil {
		t.Fatal(err)
	}
	got, err := types.Decode(eventlog.Envelope{Type: name, Version: version, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sample) {
		t.Errorf("version %d reads as\n\t%+v\nwant\n\t%+v", version, got, sample)
	}
}
