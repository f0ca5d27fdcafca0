package tests

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"till/cmd"
	"till/domain/eventlog"
)

// logFile is a file of the log's JetStream stream.
func logFile(dir, name string) string {
	return filepath.Join(dir, "nats", "jetstream", "$G", "streams", "till", filepath.FromSlash(name))
}

// changeFile changes what a file holds.
func changeFile(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	for _, f := range files {
		if err := os.RemoveAll(f); err != nil {
			t.Fatal(err)
		}
	}
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// flipped turns one bit of the event in the middle of the block.
func flipped(data []byte) []byte {
	i := len(data)/2 + bytes.Index(data[len(data)/2:], []byte(`"}`))
	data[i-3] ^= 1
	return data
}

// sell starts a shop in the folder, sells something, and stops it.
func sell(t *testing.T, dir string) {
	t.Helper()
	shop := serve(t, dir)
	alice := shopper(t, shop, "alice")
	alice.call("add_to_cart", args{"product": "catnip-mouse"})
	alice.call("checkout", nil)
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
}

// Whatever happens to the files of the log: the shop either has all its events
// or does not open, and says what is missing and what to do. Every command says
// the same.
func TestADamagedLog(t *testing.T) {
	source, earlier, other := t.TempDir(), t.TempDir(), t.TempDir()
	sell(t, source)
	copyDir(t, source, earlier)
	sell(t, source)
	sell(t, other)
	sell(t, other)
	sell(t, other) // longer than ours
	index := func(t *testing.T, dir string) { remove(t, logFile(dir, "msgs/index.db")) }

	for _, c := range []struct {
		name string
		harm func(t *testing.T, dir string)
		says string // empty: the shop opens, with all its events
	}{
		{"Nothing", func(*testing.T, string) {}, ""},
		{"IndexLost", index, ""},
		{"IndexNoise", func(t *testing.T, dir string) {
			changeFile(t, logFile(dir, "msgs/index.db"), func(b []byte) []byte { return bytes.Repeat([]byte{7}, len(b)) })
		}, ""},
		{"IndexOld", func(t *testing.T, dir string) {
			old, err := os.ReadFile(logFile(earlier, "msgs/index.db"))
			if err != nil {
				t.Fatal(err)
			}
			changeFile(t, logFile(dir, "msgs/index.db"), func([]byte) []byte { return old })
		}, ""},
		{"ABitAndTheIndexLost", func(t *testing.T, dir string) {
			changeFile(t, logFile(dir, "msgs/1.blk"), flipped)
			index(t, dir)
		}, "are missing; stop the shop and restore"},
		{"ABitAndTheViewsLost", func(t *testing.T, dir string) {
			changeFile(t, logFile(dir, "msgs/1.blk"), flipped)
			remove(t, filepath.Join(dir, "views.db*"))
		}, "are missing; stop the shop and restore"},
		{"TheBlockCutShort", func(t *testing.T, dir string) {
			changeFile(t, logFile(dir, "msgs/1.blk"), func(b []byte) []byte { return b[:len(b)*2/3] })
		}, "are missing; stop the shop and restore"},
		{"TheBlockCutShortAndTheIndexLost", func(t *testing.T, dir string) {
			changeFile(t, logFile(dir, "msgs/1.blk"), func(b []byte) []byte { return b[:len(b)*2/3] })
			index(t, dir)
		}, "are missing; stop the shop and restore"},
		{"TheBlockGone", func(t *testing.T, dir string) { remove(t, logFile(dir, "msgs/*.blk")) }, "are missing; stop the shop and restore"},
		{"AllMessagesGone", func(t *testing.T, dir string) { remove(t, logFile(dir, "msgs/*")) }, "are missing; stop the shop and restore"},
		{"TheStreamGone", func(t *testing.T, dir string) { remove(t, logFile(dir, ".")) }, "all of it is gone"},
		{"EverythingGone", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "nats")) }, "all of it is gone"},
		{"ItsDescriptionDamaged", func(t *testing.T, dir string) {
			changeFile(t, logFile(dir, "meta.inf"), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		}, "the stream till cannot be read; stop the shop and restore"},
		{"PutBackFromAnEarlierDay", func(t *testing.T, dir string) {
			copyDir(t, filepath.Join(earlier, "nats"), filepath.Join(dir, "nats"))
		}, "are missing; stop the shop and restore"},
		{"TheLogOfAnotherShop", func(t *testing.T, dir string) {
			copyDir(t, filepath.Join(other, "nats"), filepath.Join(dir, "nats"))
		}, "it is the log of another shop"},
		{"ABlockOfAnotherShop", func(t *testing.T, dir string) {
			copyDir(t, logFile(other, "msgs"), logFile(dir, "msgs"))
		}, "another event stands at position"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			copyDir(t, source, dir)
			c.harm(t, dir)
			shop, err := cmd.Serve(context.Background(), cmd.ServeOptions{Options: cmd.Options{Dir: dir}, Addr: "127.0.0.1:0", Demo: true})
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer shop.Stop()
				alice := shopper(t, shop, "alice")
				if n := len(alice.call("get_order_history", nil).at("orders").([]any)); n != 2 {
					t.Errorf("%d orders are there, want 2", n)
				}
				return
			}
			if err == nil {
				_ = shop.Stop()
				t.Fatal("the shop opens on a damaged log")
			}
			if !errors.Is(err, eventlog.ErrDamaged) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %q, want %q", err, c.says)
			}
			var out, errs strings.Builder
			code := cmd.Main([]string{"events", "--data", dir}, strings.NewReader(""), &out, &errs)
			if code != 1 || !strings.Contains(errs.String(), c.says) || strings.Count(errs.String(), "\n") != 1 {
				t.Errorf("till events exits %d and says %q", code, errs.String())
			}
			t.Log(strings.TrimSpace(errs.String()))
		})
	}
}
