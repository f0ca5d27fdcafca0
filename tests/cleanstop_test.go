package tests

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// end sends the process a signal and waits until it is gone.
func (p *process) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		t.Fatalf("%v does not end it", signal)
	}
}

// A shop that is told to end, as a service is, leaves an index of its log: the
// next start need not look through all of it. One that is killed does not.
func TestACleanStopIsQuickToStartFrom(t *testing.T) {
	const looks = "will rebuild" // what the log's server says when it looks through all
	dir := t.TempDir()
	first := spawn(t, dir, "127.0.0.1:0")
	token := login(t, first.endpoint, "alice", password(t, dir, "alice"), scopes)
	connect(t, first.endpoint, token).call("add_to_cart", args{"product": 2})
	first.end(t, syscall.SIGTERM)
	if code := first.ProcessState.ExitCode(); code != 0 {
		t.Errorf("SIGTERM: it exits with %d: %s", code, first.errs.String())
	}

	second := spawn(t, dir, address(t, first.endpoint))
	connect(t, second.endpoint, token).call("add_to_cart", args{"product": 3})
	second.kill()
	if strings.Contains(second.errs.String(), looks) {
		t.Errorf("after a clean stop: %s", second.errs.String())
	}

	third := spawn(t, dir, address(t, first.endpoint))
	if n := len(connect(t, third.endpoint, token).call("view_cart", nil).at("lines").([]any)); n != 2 {
		t.Errorf("%d lines are in the cart, want 2", n)
	}
	third.end(t, syscall.SIGTERM)
	if !strings.Contains(third.errs.String(), looks) {
		t.Errorf("after a kill nothing was said of looking through the log, so its absence above proves nothing: %s", third.errs.String())
	}
}
