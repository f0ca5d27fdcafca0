//go:build unix

package cmd

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// A process that is being started beside holds, until it is its own, every file of
// this one: the lock must not last as long as that.
func TestTheLockEndsWithTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	held, err := syscall.Dup(int(f.lock.Fd())) // as after a fork
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(again.Close(), syscall.Close(held)); err != nil {
		t.Fatal(err)
	}
}
