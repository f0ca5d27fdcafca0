//go:build unix

package cmd

import (
	"io/fs"
	"os"
	"syscall"
)

// isMine is whether this user owns the file.
func isMine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
