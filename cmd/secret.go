package cmd

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// secretSize is the length of the shop's secret in bytes.
const secretSize = 32

// ErrSecret: the shop's secret cannot be used.
var ErrSecret = errors.New("the shop's secret cannot be used")

// Secret returns the shop's secret, from which every key is derived that must
// outlive a restart: 32 random bytes in secret.key (0600), made at the first
// start; or what TILL_SECRET holds in hex or base64, at least 32 bytes, for
// several machines that are one shop.
func (f *Folder) Secret() ([]byte, error) {
	if text := os.Getenv("TILL_SECRET"); text != "" {
		return parseSecret(text)
	}
	name := f.File(secretName)
	secret, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, secretSize)
		rand.Read(secret) // never fails
		if err := writeFile(name, secret); err != nil {
			return nil, unusable(f.path, err)
		}
		return secret, nil
	}
	if err != nil {
		return nil, unusable(f.path, err)
	}
	if len(secret) != secretSize {
		return nil, fmt.Errorf("%w: %s has %d bytes instead of %d; restore it from a backup, or remove it, after which everyone must log in again", ErrSecret, name, len(secret), secretSize)
	}
	if info, err := os.Stat(name); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(name, 0o600); err != nil {
			return nil, unusable(f.path, err)
		}
	}
	return secret, nil
}

// parseSecret reads hex or any kind of base64; of more than is needed all counts. Its errors never show the text.
func parseSecret(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	secret, err := hex.DecodeString(text)
	if err != nil {
		text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		secret, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil || len(secret) < secretSize || len(secret) > 1024 {
		return nil, fmt.Errorf("%w: TILL_SECRET must be at least %d bytes in hex or base64; make one with: openssl rand -hex %d", ErrSecret, secretSize, secretSize)
	}
	if len(secret) > secretSize {
		sum := sha256.Sum256(secret)
		return sum[:], nil
	}
	return secret, nil
}

// writeFile writes a small file (0600) so that it is there whole or not at all,
// also after a loss of power.
func writeFile(name string, data []byte) (err error) {
	dir := filepath.Dir(name)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(name)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err == nil {
		err = syncDir(dir)
	}
	return err
}
