package cmd

import (
	"errors"

	"golang.org/x/sys/unix"
)

// diskOf is how much room a folder's disk has for this user, in bytes, and what
// kind it is if that is none for a log: its name, or nothing.
func diskOf(path string) (free uint64, kind string, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, "", err
	}
	if s.Blocks == 0 { // some file systems do not say
		return 0, "", errors.ErrUnsupported
	}
	switch s.Type {
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		kind = "a file system in memory (tmpfs), which forgets everything at a restart of the machine"
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		kind = "a file system of another machine, whose locks and syncs may not hold what they promise"
	}
	return s.Bavail * uint64(s.Bsize), kind, nil
}
