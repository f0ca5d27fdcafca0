//go:build !linux

package cmd

import "errors"

// diskOf is told on Linux only.
func diskOf(string) (uint64, string, error) { return 0, "", errors.ErrUnsupported }
