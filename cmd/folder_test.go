package cmd

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestDefaultFolder(t *testing.T) {
	home := filepath.Join("/", "home", "ada")
	for name, c := range map[string]struct {
		goos string
		env  map[string]string
		want string
	}{
		"Linux":       {"linux", nil, filepath.Join(home, ".local/share/till")},
		"XDG":         {"linux", map[string]string{"XDG_DATA_HOME": "/srv/ada"}, filepath.Join("/srv/ada", "till")},
		"XDGRelative": {"linux", map[string]string{"XDG_DATA_HOME": "data"}, filepath.Join(home, ".local/share/till")},
		"Mac":         {"darwin", map[string]string{"XDG_DATA_HOME": "/srv/ada"}, filepath.Join(home, "Library/Application Support/till")},
		"Windows":     {"windows", map[string]string{"LocalAppData": "L"}, filepath.Join("L", "till")},
		"WindowsBare": {"windows", nil, filepath.Join(home, "AppData/Local/till")},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defaultFolder(c.goos, home, func(k string) string { return c.env[k] }); got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
}

func mustOpen(t *testing.T, path string) *Folder {
	t.Helper()
	f, err := OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestOpenFolderMakesAPrivateFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	f := mustOpen(t, path)
	if f.Path() != path || f.NATSDir() != filepath.Join(path, "nats") {
		t.Fatalf("paths %s, %s", f.Path(), f.NATSDir())
	}
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Fatalf("mode %v, %v; want 0700", info.Mode(), err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// Opened again, with permissions that someone has widened.
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
	if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v after the second start, want 0700", info.Mode())
	}
}

// refused checks that an error is the one named and reads as one sentence that
// says what to do.
func refused(t *testing.T, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Fatalf("error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), ". ") || !strings.Contains(err.Error(), ";") {
		t.Fatalf("error %q is not one sentence of what is wrong and what to do", err)
	}
}

func TestOpenFolderRefuses(t *testing.T) {
	t.Run("LockedByThisProcess", func(t *testing.T) {
		path := t.TempDir()
		mustOpen(t, path)
		_, err := OpenFolder(path)
		refused(t, err, ErrFolderLocked, fmt.Sprintf("process %d", os.Getpid()))
	})
	t.Run("FreeAgainAfterClose", func(t *testing.T) {
		path := t.TempDir()
		mustOpen(t, path).Close()
		mustOpen(t, path)
	})
	t.Run("AFile", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		write(t, path, "x")
		_, err := OpenFolder(path)
		refused(t, err, ErrFolderUnusable, "not a folder")
		_, err = OpenFolder(filepath.Join(path, "below"))
		refused(t, err, ErrFolderUnusable, "not a folder")
	})
	t.Run("FullOfOtherThings", func(t *testing.T) {
		path := t.TempDir()
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(path, "thesis.txt"), "x")
		_, err := OpenFolder(path)
		refused(t, err, ErrFolderUnusable, "thesis.txt")
		if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode().Perm() != 0o755 {
			t.Fatalf("the refused folder has mode %v now", info.Mode())
		}
		if _, err := os.Stat(filepath.Join(path, lockName)); err == nil {
			t.Fatal("the refused folder has a lock file now")
		}
	})
	t.Run("Newer", func(t *testing.T) {
		path := t.TempDir()
		write(t, filepath.Join(path, formatName), `{"format":2}`)
		_, err := OpenFolder(path)
		refused(t, err, ErrFolderNewer)
		// The lock went back: the newer till can start.
		write(t, filepath.Join(path, formatName), `{"format":1}`)
		mustOpen(t, path)
	})
	t.Run("Unreadable", func(t *testing.T) {
		for _, text := range []string{"", "{", `{"format":0}`, `{"format":"1"}`, "null"} {
			path := t.TempDir()
			write(t, filepath.Join(path, formatName), text)
			_, err := OpenFolder(path)
			refused(t, err, ErrFolderUnusable, formatName)
		}
	})
	t.Run("InTheSourceTree", func(t *testing.T) {
		root := t.TempDir()
		write(t, filepath.Join(root, "go.mod"), "module till\n\ngo 1.26\n")
		_, err := OpenFolder(filepath.Join(root, "data", "here"))
		refused(t, err, ErrFolderUnusable, "source tree")
		if _, err := os.Stat(filepath.Join(root, "data")); err == nil {
			t.Fatal("the refused folder was made")
		}
		// Through a link too.
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(root, link); err != nil {
			t.Skip("SKIPPED: this system makes no symbolic links: ", err)
		}
		_, err = OpenFolder(filepath.Join(link, "data"))
		refused(t, err, ErrFolderUnusable, "source tree")
	})
	t.Run("InAnotherModule", func(t *testing.T) {
		root := t.TempDir()
		write(t, filepath.Join(root, "go.mod"), "module tiller\n")
		mustOpen(t, filepath.Join(root, "data"))
	})
	t.Run("NoShop", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none")
		_, err := OpenExistingFolder(path)
		refused(t, err, ErrNoShop)
		if _, err := os.Stat(path); err == nil {
			t.Fatal("asking made the folder")
		}
		mustOpen(t, path).Close()
		f, err := OpenExistingFolder(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	})
	t.Run("Unwritable", func(t *testing.T) {
		if os.Geteuid() == 0 || runtime.GOOS == "windows" {
			t.Skip("SKIPPED: the superuser may write everywhere, and Windows knows no mode bits: run as an ordinary user")
		}
		path := t.TempDir()
		if err := os.Chmod(path, 0o500); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, filepath.Join(path, "below")} {
			_, err := OpenFolder(p)
			refused(t, err, ErrFolderUnusable, "may not write")
		}
	})
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSecret(t *testing.T) {
	t.Setenv("TILL_SECRET", "")
	path := t.TempDir()
	f := mustOpen(t, path)
	first, err := f.Secret()
	if err != nil || len(first) != 32 || bytes.Equal(first, make([]byte, 32)) {
		t.Fatalf("secret of %d bytes, %v", len(first), err)
	}
	if info, err := os.Stat(filepath.Join(path, secretName)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatalf("secret.key: %v %v", info.Mode(), err)
	}
	f.Close()
	f = mustOpen(t, path)
	again, err := f.Secret()
	if err != nil || !bytes.Equal(first, again) {
		t.Fatalf("another secret after a restart: %v", err)
	}
	other, err := mustOpen(t, t.TempDir()).Secret()
	if err != nil || bytes.Equal(first, other) {
		t.Fatalf("two shops have one secret: %v", err)
	}
	// No leftovers of the atomic write.
	names, _ := filepath.Glob(filepath.Join(path, ".*"))
	if len(names) > 0 {
		t.Fatalf("left behind: %v", names)
	}
	write(t, filepath.Join(path, secretName), "short")
	_, err = f.Secret()
	refused(t, err, ErrSecret, "5 bytes")
}

func TestSecretFromTheEnvironment(t *testing.T) {
	want := bytes.Repeat([]byte{0xfb, 0xef, 0x01, 0x7f}, 8)
	f := mustOpen(t, t.TempDir())
	for name, text := range map[string]string{
		"Hex":       hex.EncodeToString(want),
		"UpperHex":  strings.ToUpper(hex.EncodeToString(want)),
		"Base64":    base64.StdEncoding.EncodeToString(want),
		"RawBase64": base64.RawStdEncoding.EncodeToString(want),
		"URLBase64": base64.RawURLEncoding.EncodeToString(want) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TILL_SECRET", text)
			got, err := f.Secret()
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%x, %v", got, err)
			}
		})
	}
	for name, text := range map[string]string{
		"Short": "00ff", "NoCode": "correct horse battery staple, and some more of it!", "Long": strings.Repeat("00", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TILL_SECRET", text)
			_, err := f.Secret()
			refused(t, err, ErrSecret)
			if strings.Contains(err.Error(), text) {
				t.Fatal("the error shows the secret")
			}
		})
	}
	if _, err := os.Stat(f.File(secretName)); err == nil {
		t.Fatal("a secret.key was made although the environment has the secret")
	}
}
