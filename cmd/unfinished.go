package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// unfinishedName marks a folder that is being filled and no shop until all of it
// is there.
const unfinishedName = "unfinished"

var (
	// ErrUnfinished: filling the folder was cut off.
	ErrUnfinished = errors.New("is no whole shop")
	// ErrHoldsShop: there is a shop where one is to be brought.
	ErrHoldsShop = errors.New("holds a shop already")
)

// whole refuses a folder whose filling was cut off.
func whole(path string) error {
	_, err := os.Lstat(filepath.Join(path, unfinishedName))
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil
	}
	if err != nil {
		return unusable(path, err)
	}
	return fmt.Errorf("the folder %s %w, since a restore or an import into it was cut off; run that again, or remove the folder", path, ErrUnfinished)
}

// beginFolder locks a folder that is new, empty, or left by an earlier try that
// was cut off, and marks it as unfinished. A secret.key that lies there stays.
func beginFolder(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	if err := mayBegin(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, unusable(path, err)
	}
	f := &Folder{path: path}
	if err := f.takeLock(); err != nil {
		return nil, err
	}
	if err := f.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) begin() error {
	if err := mayBegin(f.path); err != nil { // now that nobody else can
		return err
	}
	// Named for the person who finds it.
	mark := "A restore or an import was cut off here, or is under way: this is no shop. Run it again, or remove the folder.\n"
	if err := writeFile(f.File(unfinishedName), []byte(mark)); err != nil {
		return unusable(f.path, err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(f.path, 0o700); err != nil {
			return unusable(f.path, err)
		}
	}
	return f.clear()
}

// mayBegin refuses a folder that holds a shop or anything else, in a sentence
// that says so, and changes nothing.
func mayBegin(path string) error {
	if root := sourceTree(path); root != "" {
		return fmt.Errorf("the folder %s %w because it lies in till's own source tree %s; choose a folder outside with --data", path, ErrFolderUnusable, root)
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unusable(path, err)
	}
	unfinished, shop, foreign := false, false, ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == unfinishedName:
			unfinished = true
		case name == formatName:
			shop = true
		case name == lockName, name == secretName, name == "lost+found":
		default:
			foreign = name
		}
	}
	switch {
	case unfinished:
		return nil
	case shop:
		return fmt.Errorf("the folder %s %w; choose a new or an empty one with --data", path, ErrHoldsShop)
	case foreign != "":
		return fmt.Errorf("the folder %s %w because it holds other things (%s); choose a new or an empty one with --data", path, ErrFolderUnusable, foreign)
	}
	return nil
}

// clear removes what filling the folder has put there, but for the mark and the
// secret. Only a folder that is marked as unfinished is cleared.
func (f *Folder) clear() error {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return unusable(f.path, err)
	}
	for _, e := range entries {
		name := e.Name()
		if name == formatName || name == natsName || name == "past" || strings.HasPrefix(name, "views.") || slices.Contains(archived, name) {
			if err := os.RemoveAll(f.File(name)); err != nil {
				return unusable(f.path, err)
			}
		}
	}
	return nil
}

// finish makes a shop of the folder: taking the mark away is the one step after
// which it is one.
func (f *Folder) finish() error {
	if err := f.claim(); err != nil {
		return err
	}
	if err := errors.Join(os.Remove(f.File(unfinishedName)), syncDir(f.path)); err != nil {
		return unusable(f.path, err)
	}
	return nil
}

// abandon leaves the folder as beginFolder found it, as far as that can be done.
func (f *Folder) abandon() error {
	return errors.Join(f.clear(), os.Remove(f.File(unfinishedName)), f.Close())
}
