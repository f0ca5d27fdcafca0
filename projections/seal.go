package projections

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// A file that was closed in order has a seal beside it: its checksum. The next
// start then need not look through every page, and even a single flipped bit
// shows. While the file is in use there is no seal.

func sealOf(path string) string { return path + ".seal" }

// seal writes the seal of a closed file.
func seal(path string) error {
	sum, err := checksum(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(sealOf(path), []byte(sum), 0o600); err != nil {
		return fmt.Errorf("projections: %w", err)
	}
	return nil
}

// sealed says whether the file has a seal, and whether it is whole.
func sealed(path string) (has, whole bool, err error) {
	want, err := os.ReadFile(sealOf(path))
	if errors.Is(err, os.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	got, err := checksum(path)
	return true, got == string(want), err
}

func unseal(path string) error {
	if err := os.Remove(sealOf(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("projections: %w", err)
	}
	return nil
}

// checksum is the file's size and CRC-32C: it guards against accidents, not
// against somebody who may write to the folder.
func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("projections: %w", err)
	}
	defer f.Close()
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	n, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	if err != nil {
		return "", fmt.Errorf("projections: %w", err)
	}
	return fmt.Sprintf("%d %08x\n", n, h.Sum32()), nil
}
