package cmd

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"till/domain/eventlog"
)

// child runs the named test of this binary in a process of its own.
func child(t *testing.T, test, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=2m")
	c.Env = append(os.Environ(), "TILL_TEST_CHILD="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c, bufio.NewScanner(out)
}

// killed kills the child and waits until it is gone.
func killed(t *testing.T, c *exec.Cmd, out *bufio.Scanner) (said []string) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for out.Scan() {
		said = append(said, out.Text())
	}
	_ = c.Wait() // killed
	return said
}

// writes is what the child process does, round after round, until it is
// killed: it says each round once it is acknowledged.
func writes(t *testing.T, perRound uint64, changes func(round uint64) []eventlog.Change) {
	dir := os.Getenv("TILL_TEST_CHILD")
	if dir == "" {
		return // not the child: the tests below start it
	}
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log := openLog(t, f.NATSDir())
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("open")
	for round := uint64(head)/perRound + 1; ; round++ {
		if _, err := log.Append(t.Context(), changes(round)...); err != nil {
			t.Fatal(err)
		}
		fmt.Println("acknowledged", round)
	}
}

func TestChildWritesOne(t *testing.T) { writes(t, 1, one) }

func TestChildWritesThree(t *testing.T) { writes(t, 3, three) }

// one is round i of single events.
func one(i uint64) []eventlog.Change { return []eventlog.Change{note("a", i, i-1)} }

// three is round i of three events that belong together, each in its stream.
func three(i uint64) (changes []eventlog.Change) {
	for k, id := range []string{"a", "b", "c"} {
		last := uint64(0)
		if i > 1 {
			last = 3*(i-2) + uint64(k) + 1
		}
		changes = append(changes, note(id, i, last))
	}
	return changes
}

func TestKillLosesNothing(t *testing.T) { killLosesNothing(t, "TestChildWritesOne", one(1), 50) }

// What was appended together is there together or not at all.
func TestKillTearsNothing(t *testing.T) { killLosesNothing(t, "TestChildWritesThree", three(1), 15) }

func killLosesNothing(t *testing.T, test string, streams []eventlog.Change, rounds int) {
	dir := t.TempDir()
	acknowledged := uint64(0)
	hear := func(line string) bool {
		word, round, _ := strings.Cut(line, " ")
		if word != "acknowledged" {
			return false
		}
		i, err := strconv.ParseUint(round, 10, 64)
		if err != nil || i <= acknowledged {
			t.Fatalf("the child said %q after %d", line, acknowledged)
		}
		acknowledged = i
		return true
	}
	for kill := range 4 {
		c, out := child(t, test, dir)
		for n := 0; n < rounds+7*kill && out.Scan(); {
			if hear(out.Text()) {
				n++
			}
		}
		for _, line := range killed(t, c, out) { // what it still said counts too
			hear(line)
		}
		f := mustOpen(t, dir) // the dead process's lock is gone
		t.Run(fmt.Sprint("Kill", kill), func(t *testing.T) {
			log := openLog(t, f.NATSDir())
			stored := uint64(0)
			for n, c := range streams {
				count := uint64(0)
				for e, err := range log.Read(t.Context(), c.Stream) {
					if err != nil {
						t.Fatal(err)
					}
					if count++; e.Number != count || string(e.Data) != fmt.Sprintf(`{"i":%d}`, count) {
						t.Fatalf("event %d of %s is %d %s", count, c.Stream, e.Number, e.Data)
					}
				}
				if n > 0 && count != stored {
					t.Fatalf("%s has %d events, %s has %d: the append is torn", c.Stream, count, streams[0].Stream, stored)
				}
				stored = count
			}
			if stored < acknowledged {
				t.Fatalf("%d rounds are there, %d were acknowledged", stored, acknowledged)
			}
			acknowledged = stored
		})
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoProcessesOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	c, out := child(t, "TestChildWritesOne", dir)
	for out.Scan() && out.Text() != "open" {
	}
	_, err := OpenFolder(dir)
	refused(t, err, ErrFolderLocked, fmt.Sprintf("process %d", c.Process.Pid))
	killed(t, c, out)
	mustOpen(t, dir)
}
