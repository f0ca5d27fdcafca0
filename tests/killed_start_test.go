package tests

import (
	"os"
	"path/filepath"
	"testing"
)

// A shop that was killed while its log tried whether it can write leaves the file of
// that trial behind; the next one starts all the same.
func TestKilledWhileTheLogTriesItsFolder(t *testing.T) {
	dir := t.TempDir()
	shop := spawn(t, dir, "127.0.0.1:0")
	shop.kill()
	left := filepath.Join(dir, "nats", "jetstream", "_test_2326973257")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	spawn(t, dir, address(t, shop.endpoint))
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
