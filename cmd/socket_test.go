package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A socket beside a data folder with a long path stands where nobody else can
// put one first.
func TestTheSocketOfALongPathIsOurs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED LOUDLY: Windows has no owner and mode bits to check")
	}
	// Not t.TempDir: its name alone is nearly as long as a socket's may be.
	tmp, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	t.Setenv("TMPDIR", tmp)
	long := filepath.Join(tmp, strings.Repeat("x", 100))
	if _, err := socketPath(long, false); err == nil {
		t.Error("a socket was looked for where nobody has made its folder")
	}
	path, err := socketPath(long, true)
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Dir(path)
	if info, err := os.Stat(ours); err != nil || ours == tmp || info.Mode().Perm() != 0o700 {
		t.Fatalf("the socket is to be %s: %v %v", path, info, err)
	}
	again, err := socketPath(long, false)
	if err != nil || again != path {
		t.Errorf("found again as %q: %v", again, err)
	}
	var a App
	stop, err := a.listen(long)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := dial(t.Context(), long); !ok {
		t.Error("the socket is not reached")
	}
	stop()

	wrong := map[string]func() error{
		"open to others": func() error { return os.Chmod(ours, 0o777) },
		"a link": func() error {
			return errors.Join(os.Chmod(ours, 0o700), os.Rename(ours, ours+"-moved"), os.Symlink(ours+"-moved", ours))
		},
	}
	for _, name := range []string{"open to others", "a link"} {
		if err := wrong[name](); err != nil {
			t.Fatal(err)
		}
		if _, err := socketPath(long, true); !errors.Is(err, ErrSocketFolder) {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := dial(t.Context(), long); ok {
			t.Errorf("%s: it was dialled", name)
		}
	}
}
