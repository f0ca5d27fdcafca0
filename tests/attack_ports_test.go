package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// 100: the log's server is inside the program and opens no port: the one that
// the shop is reached by is all that listens.
func TestAttackPorts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("NOT CHECKED: which ports a process opens is read from /proc, which only Linux has")
	}
	p := spawn(t, t.TempDir(), "127.0.0.1:0")
	var port int
	if _, err := fmt.Sscanf(address(t, p.endpoint), "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{} // the sockets that the process holds
	handles, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.Process.Pid))
	if err != nil || len(handles) == 0 {
		t.Fatalf("no open files of the shop: %v", err)
	}
	for _, handle := range handles {
		if to, err := os.Readlink(handle); err == nil && strings.HasPrefix(to, "socket:[") {
			open[strings.Trim(to, "socket:[]")] = true
		}
	}
	// A socket that listens is in state 0A; one of UDP that is bound is in 07.
	var listening []string
	for kind, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", p.Process.Pid, kind))
		if err != nil && strings.HasSuffix(kind, "6") {
			continue // a machine without IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(table), "\n")[1:] {
			if f := strings.Fields(line); len(f) > 9 && f[3] == state && open[f[9]] {
				listening = append(listening, kind+" "+f[1])
			}
		}
	}
	if want := fmt.Sprintf("tcp 0100007F:%04X", port); len(listening) != 1 || listening[0] != want {
		t.Errorf("the shop listens on %q, want only %q", listening, want)
	}
}
