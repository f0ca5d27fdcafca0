package tests

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"till/cmd"
)

// Told to stop under writers of every kind, the shop finishes the calls under
// way and exits well; what it has acknowledged is there at the next start, which
// goes on from the views as they were left.
func TestStoppedUnderEveryWriter(t *testing.T) {
	s := flood(t)
	stop := func() {
		t.Helper()
		code := s.shop.terminate(t, syscall.SIGTERM)
		said := s.shop.errs.String()
		if code != 0 || strings.Contains(said, "the views are built") || strings.Contains(said, "level=ERROR") {
			t.Errorf("started after a clean stop, it exits with %d and has said: %s", code, said)
		}
	}
	for range 4 {
		s.write(func() {
			s.pause(100, 600)
			stop()
		})
		s.shop = spawn(t, s.dir, address(t, s.shop.endpoint), serveFlags...)
		s.stillRefused()
		s.check()
	}
	s.write(func() {
		s.pause(1000, 1500)
		s.heard(1, kinds...)
	})
	s.stillAccepted()
	log := s.rest()
	stop()
	s.charged(log)
	asRebuilt(t, s.dir)
	t.Logf("acknowledged %s; %d events on the log", s.account(), log.head)
}

// Two processes on one folder would both write its log: the second is told who
// is there, whether it is a shop or a command that finds no socket to ask at.
func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := spawn(t, dir, "127.0.0.1:0")
	refused := func(args ...string) {
		t.Helper()
		var out, errs strings.Builder
		code := cmd.Main(append(args, "--data", dir), strings.NewReader(""), &out, &errs)
		if says := errs.String(); code != 1 || !strings.Contains(says, "is in use by another till (process ") || strings.Count(says, "\n") != 1 {
			t.Errorf("till %v beside a running shop exits %d: %s", args, code, says)
		}
	}
	refused("serve", "--addr", "127.0.0.1:0")
	if err := os.Remove(filepath.Join(dir, "till.sock")); err != nil {
		t.Skipf("SKIPPED: the command socket lies elsewhere, the temporary folder's path is long: %v", err)
	}
	refused("events")
	refused("rebuild", "--verify")
	first.kill()
	var out strings.Builder
	if code := cmd.Main([]string{"events", "--data", dir}, strings.NewReader(""), &out, &out); code != 0 {
		t.Errorf("after the shop was killed, till events exits %d: %s", code, &out)
	}
}
