package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// reserve is what must be free on the disk for the log to be written. It holds
// the newest block of the log, which is written anew after a failure, and what
// the views need to follow it to its end.
const reserve = 16 << 20

// probe finds out whether the folder's disk takes what is written to it. Asking
// for free space would not do: a quota, a read-only or a failing disk do not
// show there.
func probe(dir string) (err error) {
	name := filepath.Join(dir, ".room")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(name)) }()
	piece := make([]byte, 1<<20)
	for range reserve / len(piece) {
		if _, err := f.Write(piece); err != nil {
			return err
		}
	}
	return f.Sync()
}

// ailing words what is wrong with the folder's disk, from what the system said.
func ailing(dir, said string) string {
	says := func(no syscall.Errno) bool { return strings.Contains(said, no.Error()) }
	switch {
	case says(syscall.ENOSPC):
		return fmt.Sprintf("the disk of %s is full; free some space, and the shop goes on by itself", dir)
	case says(syscall.EDQUOT):
		return fmt.Sprintf("the quota on the disk of %s is used up; free some space, and the shop goes on by itself", dir)
	case says(syscall.EROFS), says(syscall.EACCES), says(syscall.EPERM):
		return fmt.Sprintf("%s cannot be written; make it writable, and the shop goes on by itself", dir)
	}
	said = said[strings.LastIndex(": "+said, ": "):] // without the paths
	return fmt.Sprintf("the disk of %s fails (%s); look after it, the shop goes on by itself once it can write", dir, said)
}

// blockFiles are the files of a JetStream stream's messages, oldest first.
func blockFiles(store string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(store, "*.blk"))
	if err != nil {
		return nil, err
	}
	number := func(file string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), ".blk"))
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return number(a) - number(b) })
	return files, nil
}

// eachStore calls do for the folder of each JetStream stream's messages.
func eachStore(dir string, do func(store string) error) error {
	stores, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs"))
	for _, store := range stores {
		if err == nil {
			err = do(store)
		}
	}
	return err
}

// eachRecent calls do for the newest block of a stream and for those that were
// written since.
func eachRecent(store string, since time.Time, do func(block string) error) error {
	blocks, err := blockFiles(store)
	if err != nil {
		return err
	}
	for i, block := range blocks {
		info, err := os.Stat(block)
		if err == nil && (i == len(blocks)-1 || info.ModTime().After(since)) {
			err = do(block)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// syncFile makes what a file holds outlive a loss of power.
func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// rewrite replaces a file by a copy that is on the disk for certain.
func rewrite(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	tmp := name + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640) // as the server makes them
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	return err
}

// syncNames makes the names of all folders and files below outlive a loss of
// power, and what the small files hold. Syncing a new file does the former for
// its own name on the usual file systems, but none has to; the latter the server
// does not do when it syncs at intervals.
func syncNames(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case d.IsDir():
			err = syncDir(path)
		case filepath.Ext(path) != ".blk":
			err = syncFile(path)
		}
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil // the server tidies up
		}
		return err
	})
}
