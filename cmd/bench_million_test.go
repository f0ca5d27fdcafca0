package cmd

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// BenchmarkRebuild folds all views from a log of a million events on the disk: at
// the start of a shop that has none, with all that a start does beside, and as till
// rebuild does. Beside them it reads the same log bare: from its files, and as the
// server sends it to a consumer.
func BenchmarkRebuild(b *testing.B) {
	ctx := context.Background()
	dir := big.shop(b, asked(b))
	var spent [4]time.Duration
	var events eventlog.Position
	for b.Loop() {
		removeViews(b, dir)
		start := time.Now()
		lap := func(i int) {
			spent[i] += time.Since(start)
			start = time.Now()
		}
		a, err := Open(ctx, Options{Dir: dir}) // returns when the views are at the head
		if err != nil {
			b.Fatal(err)
		}
		lap(0)
		if err := a.views.Rebuild(ctx, nil, func(eventlog.Position, eventlog.Position) {}); err != nil {
			b.Fatal(err)
		}
		lap(1)
		events = readAll(b, a.log)
		lap(2)
		sent, err := jslog.Open(ctx, a.conns[1].(*jslog.Conn), jslog.Options{}) // which knows of no files
		if err != nil {
			b.Fatal(err)
		}
		readAll(b, sent)
		lap(3)
		if err := a.close(); err != nil {
			b.Fatal(err)
		}
	}
	for i, name := range []string{"start-events/s", "rebuild-events/s", "files-events/s", "consumer-events/s"} {
		b.ReportMetric(float64(b.N)*float64(events)/spent[i].Seconds(), name)
	}
	b.ReportMetric(0, "ns/op")
}

// readAll reads a log to its end.
func readAll(b *testing.B, log eventlog.Log) eventlog.Position {
	b.Helper()
	head, err := log.Head(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	for batch, err := range log.Follow(context.Background(), 0, 10_000) {
		if err != nil {
			b.Fatal(err)
		}
		if batch[len(batch)-1].Position >= head {
			break
		}
	}
	return head
}

func removeViews(b *testing.B, dir string) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "views*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRestart starts the built program on a million events with current
// views, and reads how long it takes to be ready and how much memory it holds:
// after a stop, after a kill, and after a kill that took the log's index with it,
// so that the server has to scan all of the log. TILL_BENCH_EVENTS chooses another
// number of events.
func BenchmarkRestart(b *testing.B) {
	dir := big.shop(b, asked(b))
	program := build(b)
	start(b, program, dir).stop(b) // brings the views up to date
	after := func(end func(started)) func(*testing.B) {
		return func(b *testing.B) {
			var took, longest time.Duration
			var resident int
			for b.Loop() {
				end(start(b, program, dir))
				p := start(b, program, dir)
				took, longest = took+p.took, max(longest, p.took)
				resident = max(resident, p.resident(b))
				p.stop(b)
			}
			b.ReportMetric(took.Seconds()*1000/float64(b.N), "ready-ms")
			b.ReportMetric(longest.Seconds()*1000, "ready-max-ms")
			b.ReportMetric(float64(resident)/1024, "resident-MB")
			b.ReportMetric(0, "ns/op")
		}
	}
	kill := func(p started) {
		_ = p.Process.Kill()
		_ = p.Wait() // it says that it was killed
	}
	b.Run("stopped", after(func(p started) { p.stop(b) }))
	b.Run("killed", after(kill))
	b.Run("unindexed", after(func(p started) {
		kill(p)
		found, err := filepath.Glob(filepath.Join(dir, "nats/jetstream/*/streams/till/msgs/index.db"))
		if err != nil || len(found) != 1 {
			b.Fatalf("the log's index is not where it was: %v, %v", found, err)
		}
		if err := os.Remove(found[0]); err != nil {
			b.Fatal(err)
		}
	}))
}

type started struct {
	*exec.Cmd
	addr string
	took time.Duration
}

// build builds the program.
func build(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "till")
	if out, err := exec.Command("go", "build", "-o", program, "./till").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return program
}

// start returns when the shop is ready.
func start(b *testing.B, program, dir string) started {
	b.Helper()
	addr := freeAddr(b)
	p := started{addr: addr, Cmd: exec.Command(program, "serve", "--data", dir, "--addr", addr)}
	p.Stderr = os.Stderr
	if testing.Verbose() {
		p.Stdout = os.Stdout
	}
	begin := time.Now()
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	for time.Since(begin) < 20*time.Minute { // the first start builds the views
		resp, err := http.Get("http://" + addr + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				p.took = time.Since(begin)
				return p
			}
		}
		// Often for a quick start, and seldom enough not to slow a long one.
		time.Sleep(2*time.Millisecond + time.Since(begin)/100)
	}
	_ = p.Process.Kill()
	b.Fatal("the shop did not get ready")
	return p
}

// freeAddr is an address that nobody listens on.
func freeAddr(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p started) stop(b *testing.B) {
	b.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		b.Fatal(err)
	}
}

// resident is the process's resident memory in KiB, where the system tells.
func (p started) resident(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(kb), " kB"))
			return n
		}
	}
	return 0
}
