package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// folderFormat is the version of what a data folder holds and where. It rises
// when an older till could no longer use a folder of a newer one.
const folderFormat = 1

// The names in a data folder that this file knows.
const (
	lockName   = "till.lock"
	formatName = "till.json"
	secretName = "secret.key"
	natsName   = "nats"
)

var (
	// ErrFolderLocked: another process has the data folder open.
	ErrFolderLocked = errors.New("is in use by another till")
	// ErrFolderNewer: a newer till wrote the data folder.
	ErrFolderNewer = errors.New("was written by a newer till")
	// ErrFolderUnusable: the path cannot be a data folder.
	ErrFolderUnusable = errors.New("cannot be used")
	// ErrNoShop: there is no data folder at the path.
	ErrNoShop = errors.New("holds no shop yet")
)

// Folder is a data folder that this process has locked.
type Folder struct {
	path string
	lock *os.File
}

// DefaultFolder is the user's own data folder: $XDG_DATA_HOME/till or
// ~/.local/share/till, on macOS ~/Library/Application Support/till, on Windows
// %LocalAppData%\till.
func DefaultFolder() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil && os.Getenv("XDG_DATA_HOME") == "" && os.Getenv("LocalAppData") == "" {
		return "", errors.New("the user has no home folder; choose a data folder with --data")
	}
	return defaultFolder(runtime.GOOS, home, os.Getenv), nil
}

func defaultFolder(goos, home string, env func(string) string) string {
	switch goos {
	case "windows":
		if dir := env("LocalAppData"); dir != "" {
			return filepath.Join(dir, "till")
		}
		return filepath.Join(home, "AppData", "Local", "till")
	case "darwin", "ios":
		return filepath.Join(home, "Library", "Application Support", "till")
	}
	// The XDG base directory specification: a relative path is to be ignored.
	if dir := env("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "till")
	}
	return filepath.Join(home, ".local", "share", "till")
}

// OpenFolder locks the data folder at the path and makes it if it is not there.
// Its errors are one sentence that says what is wrong and what to do:
// ErrFolderLocked, ErrFolderNewer, ErrFolderUnusable.
func OpenFolder(path string) (*Folder, error) { return openFolder(path, true) }

// OpenExistingFolder locks the data folder at the path, or returns ErrNoShop
// (and leaves everything as it is) when no shop was ever started there.
func OpenExistingFolder(path string) (*Folder, error) { return openFolder(path, false) }

func openFolder(path string, create bool) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	if err := whole(path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(path, formatName)); !create && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder %s %w; start one with till serve --data %s, or name the right folder", path, ErrNoShop, path)
	}
	if root := sourceTree(path); root != "" {
		return nil, fmt.Errorf("the data folder %s %w because it lies in till's own source tree %s; choose a folder outside with --data", path, ErrFolderUnusable, root)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, unusable(path, err)
	}
	if err := onlyOurs(path); err != nil {
		return nil, err
	}
	f := &Folder{path: path}
	if err := f.takeLock(); err != nil {
		return nil, err
	}
	if err := f.claim(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// onlyOurs refuses a folder that is full of something else: its permissions
// are about to be narrowed, which must not happen to /tmp.
func onlyOurs(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return unusable(path, err)
	}
	foreign := ""
	for _, e := range entries {
		switch e.Name() {
		case formatName:
			return nil
		case lockName, "lost+found":
		default:
			foreign = e.Name()
		}
	}
	if foreign != "" {
		return fmt.Errorf("the data folder %s %w because it holds other things (%s) and no shop; choose an empty or a new folder with --data", path, ErrFolderUnusable, foreign)
	}
	return nil
}

// takeLock locks the folder for this process, for as long as it lives.
func (f *Folder) takeLock() error {
	file, err := os.OpenFile(filepath.Join(f.path, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return unusable(f.path, err)
	}
	ok, err := tryLock(file)
	if err == nil && ok {
		f.lock = file
		// For whoever is refused: best effort, the lock itself is the guard.
		if err := file.Truncate(0); err == nil {
			_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
		return nil
	}
	defer file.Close()
	if err != nil {
		return unusable(f.path, err)
	}
	holder := ""
	if pid, err := io.ReadAll(io.LimitReader(file, 20)); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
			holder = fmt.Sprintf(" (process %d)", n)
		}
	}
	return fmt.Errorf("the data folder %s %w%s; stop that one, or choose another folder with --data", f.path, ErrFolderLocked, holder)
}

// claim checks the folder's format, or writes it into a new folder.
func (f *Folder) claim() error {
	if info, err := os.Stat(f.path); err != nil {
		return unusable(f.path, err)
	} else if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(f.path, 0o700); err != nil {
			return unusable(f.path, err)
		}
	}
	var about struct {
		Format int       `json:"format"`
		Made   time.Time `json:"made"`
	}
	name := filepath.Join(f.path, formatName)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		about.Format, about.Made = folderFormat, time.Now().UTC().Truncate(time.Second)
		data, err := json.Marshal(about)
		if err != nil {
			return unusable(f.path, err)
		}
		if err := writeFile(name, append(data, '\n')); err != nil {
			return unusable(f.path, err)
		}
		return nil
	}
	if err != nil {
		return unusable(f.path, err)
	}
	if err := json.Unmarshal(bytes.TrimSpace(data), &about); err != nil || about.Format < 1 {
		return fmt.Errorf("the data folder %s %w because its %s cannot be read; restore the folder from a backup, or choose another with --data", f.path, ErrFolderUnusable, formatName)
	}
	if about.Format > folderFormat {
		return fmt.Errorf("the data folder %s %w (format %d, this one knows %d); start that version, or choose another folder with --data", f.path, ErrFolderNewer, about.Format, folderFormat)
	}
	return nil
}

// Path is the folder's absolute path.
func (f *Folder) Path() string { return f.path }

// File is the path of a file in the folder.
func (f *Folder) File(name string) string { return filepath.Join(f.path, name) }

// NATSDir is where the embedded server keeps its files.
func (f *Folder) NATSDir() string { return f.File(natsName) }

// Close gives the lock back. The lock file stays: removing it would let two
// processes hold a lock on two files of one name.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	lock := f.lock
	f.lock = nil
	_ = lock.Truncate(0) // only the process number
	return errors.Join(unlock(lock), lock.Close())
}

// sourceTree returns the root of till's own source tree if the path lies in it.
func sourceTree(path string) string {
	// What is there of the path, with links resolved.
	for dir := path; ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			path = real
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			first, _, _ := strings.Cut(string(mod), "\n")
			if strings.TrimSpace(first) == "module till" {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// unusable words an error of the file system in one sentence.
func unusable(path string, err error) error {
	var what *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the data folder %s %w because this user may not write there; change its owner, or choose another folder with --data (%w)", path, ErrFolderUnusable, err)
	case errors.As(err, &what) && isNotDir(err):
		return fmt.Errorf("the data folder %s %w because it is not a folder; choose another path with --data", path, ErrFolderUnusable)
	}
	return fmt.Errorf("the data folder %s %w; choose another folder with --data (%w)", path, ErrFolderUnusable, err)
}
