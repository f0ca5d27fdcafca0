package jslog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"till/domain/eventlog"
)

// onDisk counts the files below dir that hold the text.
func onDisk(t *testing.T, dir, text string) (found int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			found++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestABucketDestroysWhatItForgets(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	log := open(t, connect(t, s))
	b, err := log.Bucket(t.Context(), "passwords", 0)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const first, second, third, other = "first-value-c0ffee", "second-value-c0ffee", "third-value-c0ffee", "other-value-c0ffee"
	must(b.Put(t.Context(), "ada", []byte(first)))
	must(b.Put(t.Context(), "bob", []byte(other)))
	if onDisk(t, dir, first) == 0 {
		t.Fatal("the value is not found on the disk while it is stored: the test would prove nothing")
	}
	must(b.Put(t.Context(), "ada", []byte(second)))
	if n := onDisk(t, dir, first); n > 0 {
		t.Fatalf("Put left the old value in %d files", n)
	}
	_, revision, err := b.Get(t.Context(), "ada")
	must(err)
	must(b.Update(t.Context(), "ada", []byte(third), revision))
	if n := onDisk(t, dir, second); n > 0 {
		t.Fatalf("Update left the old value in %d files", n)
	}
	must(b.Delete(t.Context(), "ada"))
	if n := onDisk(t, dir, third); n > 0 {
		t.Fatalf("Delete left the value in %d files", n)
	}
	if onDisk(t, dir, other) == 0 {
		t.Fatal("another key's value is gone")
	}
	// After a clean stop too, and the bucket is as it was.
	s.Shutdown()
	s.WaitForShutdown()
	for _, text := range []string{first, second, third} {
		if n := onDisk(t, dir, text); n > 0 {
			t.Fatalf("the stop brought %q back in %d files", text, n)
		}
	}
	b, err = open(t, connect(t, startServer(t, dir))).Bucket(t.Context(), "passwords", 0)
	must(err)
	value, _, err := b.Get(t.Context(), "bob")
	if err != nil || string(value) != other {
		t.Fatalf("bob = %q, %v", value, err)
	}
	if _, _, err := b.Get(t.Context(), "ada"); !errors.Is(err, eventlog.ErrNoKey) {
		t.Fatalf("ada: %v", err)
	}
}

// A Put that is killed between its two steps leaves two values. The next open
// destroys the old one.
func TestABucketSweepsWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	nc := connect(t, startServer(t, dir))
	log := open(t, nc)
	b, err := log.Bucket(t.Context(), "keys", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "ada", []byte("left-behind-c0ffee")); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Request("$KV.keys.ada", []byte("newer"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if onDisk(t, dir, "left-behind-c0ffee") == 0 {
		t.Fatal("the old value is gone before the sweep: the test would prove nothing")
	}
	if b, err = log.Bucket(t.Context(), "keys", 0); err != nil {
		t.Fatal(err)
	}
	if n := onDisk(t, dir, "left-behind-c0ffee"); n > 0 {
		t.Fatalf("the old value is still in %d files", n)
	}
	if value, _, err := b.Get(t.Context(), "ada"); err != nil || string(value) != "newer" {
		t.Fatalf("ada = %q, %v", value, err)
	}
}

func TestABucketsEntriesExpire(t *testing.T) {
	log := newLog(t)
	b, err := log.Bucket(t.Context(), "soon", 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; {
		_, _, err := b.Get(t.Context(), "a")
		if errors.Is(err, eventlog.ErrNoKey) {
			break
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("the entry is still there: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	// Another lifetime is taken over, and so is none.
	for _, ttl := range []time.Duration{time.Hour, 0, time.Minute} {
		if _, err := log.Bucket(t.Context(), "soon", ttl); err != nil {
			t.Fatalf("ttl %v: %v", ttl, err)
		}
	}
}

func TestBucketNames(t *testing.T) {
	log := newLog(t)
	for _, name := range []string{"", "a b", "a.b", "a/b", "*", ">"} {
		if _, err := log.Bucket(t.Context(), name, 0); !errors.Is(err, eventlog.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for i := range 3 { // buckets do not see each other's keys
		b, err := log.Bucket(t.Context(), fmt.Sprint("b", i), 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Create(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
	}
}
