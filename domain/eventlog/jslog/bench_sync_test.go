package jslog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"till/domain/eventlog"
)

// BenchmarkSync tells what the fsync of each event costs, in time and in the
// processor's time of this process: a bare publish with it and without, our append,
// and a publish without it whose caller waits for one fsync of the log's newest file
// for all who wait (which no shop does; see tests/benchmarks.md). They take turns.
func BenchmarkSync(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			synced := connect(b, startServer(b, b.TempDir()))
			log := open(b, synced)
			dir := b.TempDir()
			loose := connect(b, startServer(b, dir, noSync))
			open(b, loose)
			group := &grouped{dir: filepath.Join(dir, "jetstream", "$G", "streams", "till", "msgs")}
			sides := []struct {
				name    string
				publish func(*eventlog.Envelope, eventlog.Position) (eventlog.Position, error)
			}{
				{"raw", func(e *eventlog.Envelope, at eventlog.Position) (eventlog.Position, error) {
					return rawPublish(synced, e, at)
				}},
				{"append", func(e *eventlog.Envelope, at eventlog.Position) (eventlog.Position, error) {
					return log.Append(context.Background(), eventlog.Change{Stream: e.Stream, Expected: at, Events: []eventlog.Envelope{*e}})
				}},
				{"unsynced", func(e *eventlog.Envelope, at eventlog.Position) (eventlog.Position, error) {
					return rawPublish(loose, e, at)
				}},
				{"grouped", func(e *eventlog.Envelope, at eventlog.Position) (eventlog.Position, error) {
					at, err := rawPublish(loose, e, at)
					return at, errors.Join(err, group.sync())
				}},
			}
			const turn = 512
			took, used := make([]time.Duration, len(sides)), make([]time.Duration, len(sides))
			rounds := 0
			for ; b.Loop(); rounds++ {
				for i, side := range sides {
					started, cpu := time.Now(), cpuTime(b)
					if err := appendAll(callers, turn, fmt.Sprintf("s%d-%d", rounds, i), side.publish); err != nil {
						b.Fatal(err)
					}
					took[i], used[i] = took[i]+time.Since(started), used[i]+cpuTime(b)-cpu
				}
			}
			for i, side := range sides {
				b.ReportMetric(float64(turn*rounds)/took[i].Seconds(), side.name+"/s")
				b.ReportMetric(float64(used[i].Microseconds())/float64(turn*rounds), side.name+"-cpu-µs")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// grouped syncs the newest block for all who came before the sync began.
type grouped struct {
	dir  string
	mu   sync.Mutex
	busy bool
	next []chan error
}

func (g *grouped) sync() error {
	done := make(chan error, 1)
	g.mu.Lock()
	g.next = append(g.next, done)
	lead := !g.busy
	g.busy = true
	g.mu.Unlock()
	for lead {
		g.mu.Lock()
		waiting := g.next
		g.next = nil
		if g.busy = len(waiting) > 0; !g.busy {
			g.mu.Unlock()
			break
		}
		g.mu.Unlock()
		err := g.newest()
		for _, w := range waiting {
			w <- err
		}
	}
	return <-done
}

func (g *grouped) newest() error {
	blocks, err := filepath.Glob(filepath.Join(g.dir, "*.blk"))
	if err != nil || len(blocks) == 0 {
		return fmt.Errorf("no blocks in %s: %w", g.dir, err)
	}
	slices.SortStableFunc(blocks, func(a, b string) int { return len(a) - len(b) })
	f, err := os.OpenFile(blocks[len(blocks)-1], os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
