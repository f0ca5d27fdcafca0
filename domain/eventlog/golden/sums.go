package golden

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"till/domain/eventlog"
)

// sumsFile lists the SHA-256 of every golden file. It only ever grows: a line
// that is changed or missing shows in a review, as the change of one golden
// file among many might not.
const sumsFile = "SUMS"

// sealed holds the golden files of a folder against the list of their sums and
// against the registered types, and returns what is wrong. With add, files that
// the list lacks are appended to it.
func sealed(dir string, types *eventlog.Types, add bool) (wrong []string, err error) {
	list, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "  ")
		if !ok || listed[name] || name != filepath.Base(name) {
			wrong = append(wrong, fmt.Sprintf("%s holds a line that is no sum and name, or a name twice: %q", sumsFile, line))
			continue
		}
		listed[name] = true
		data, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case os.IsNotExist(err):
			wrong = append(wrong, name+" is gone: there are logs that hold such events, so it must always be read")
		case err != nil:
			return nil, err
		case sum != sumOf(data):
			wrong = append(wrong, name+" has changed: a stored event never does; put it back and make a new version with an upcaster")
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var fresh bytes.Buffer
	for _, f := range files {
		name := f.Name()
		if name == sumsFile {
			continue
		}
		if !known(types, name) {
			wrong = append(wrong, name+" is of no registered type and version: register it, for there may be logs that hold it")
			continue
		}
		if listed[name] {
			continue
		}
		if !add {
			wrong = append(wrong, name+" is not in "+sumsFile+": run the test with -update")
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&fresh, "%s  %s\n", sumOf(data), name)
	}
	if fresh.Len() > 0 {
		err = os.WriteFile(filepath.Join(dir, sumsFile), append(list, fresh.Bytes()...), 0o644)
	}
	return wrong, err
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// known is whether a golden file is that of a registered type in a version that
// it has or had.
func known(types *eventlog.Types, file string) bool {
	return slices.ContainsFunc(types.Names(), func(name string) bool {
		rest, ok := strings.CutPrefix(file, name+".v")
		version, isJSON := strings.CutSuffix(rest, ".json")
		if !ok || !isJSON {
			return false
		}
		for v := 1; v <= types.Newest(name); v++ {
			if fmt.Sprint(v) == version {
				return true
			}
		}
		return false
	})
}
