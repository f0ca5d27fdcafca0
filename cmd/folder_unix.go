//go:build unix

package cmd

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the file's lock if nobody has it. The system gives it back when
// the process ends, however it ends.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}

// unlock gives the lock back at once. Closing alone would leave it, for a moment, to
// a process that was being started just then and holds all files until it is its own.
func unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// syncDir makes a rename in the folder outlive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}
