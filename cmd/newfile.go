package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// newFile is a file (0600) that gets its name only once it is whole, and never
// takes that of another.
type newFile struct {
	*os.File
	path string
}

// ErrExists: a file of that name is there.
var ErrExists = errors.New("exists already")

func createNew(path string) (*newFile, error) {
	if err := isFree(path); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	return &newFile{f, path}, nil
}

func isFree(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	return fmt.Errorf("%s %w; choose another name, or remove it first", path, ErrExists)
}

// keep gives the file its name, so that it outlives a loss of power.
func (f *newFile) keep() (err error) {
	defer func() {
		if err != nil && !errors.Is(err, ErrExists) {
			err = fmt.Errorf("the file %s cannot be written: %w", f.path, err)
		}
	}()
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link never replaces a file, as renaming does; not every file system has
	// links.
	switch err := os.Link(f.Name(), f.path); {
	case err == nil:
		_ = os.Remove(f.Name()) // only a second name for the same file
	case errors.Is(err, fs.ErrExist):
		return isFree(f.path)
	default:
		if err := isFree(f.path); err != nil {
			return err
		}
		if err := os.Rename(f.Name(), f.path); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(f.path))
}

// drop removes a file that was not kept; on one that was it does nothing.
func (f *newFile) drop() {
	_ = f.Close()
	_ = os.Remove(f.Name())
}
