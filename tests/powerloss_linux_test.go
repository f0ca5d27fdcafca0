package tests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"till/cmd"
	"till/domain/eventlog"
	js "till/domain/eventlog/jslog" // jslog is a name of arrows_test.go
)

// machine is a log on a disk of its own, whose power can fail.
type machine struct {
	t        *testing.T
	dir      string
	interval time.Duration
	log      *js.Log
	keys     eventlog.Bucket
	off      []func()

	mu    sync.Mutex
	acked map[string]uint64 // the number of the last event acknowledged, by stream
	held  map[string]bool   // whether a key was put or destroyed last, acknowledged
	begun map[string]int    // how often that was begun
}

// on starts the machine on the disk.
func (m *machine) on(d *disk) error {
	m.off = []func(){mount(m.t, d, m.dir)}
	m.t.Cleanup(m.shut)
	data := filepath.Join(m.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		m.t.Fatal(err)
	}
	nats, err := cmd.StartNATS(m.t.Context(), cmd.NATSOptions{Dir: filepath.Join(data, "nats"), SyncInterval: m.interval})
	if err != nil {
		return err
	}
	m.off = append(m.off, nats.Stop)
	nc, err := js.ConnectInProcess(m.t.Context(), nats)
	if err != nil {
		return err
	}
	m.off = append(m.off, nc.Close)
	if m.log, err = js.Open(m.t.Context(), nc, js.Options{Keeper: nats, Timeout: 20 * time.Second}); err != nil {
		return err
	}
	m.keys, err = m.log.Bucket(m.t.Context(), "keys", 0)
	return err
}

func (m *machine) shut() {
	for i := len(m.off) - 1; i >= 0; i-- {
		m.off[i]()
	}
	m.off = nil
}

// noted is event number i of a stream: large, so that many blocks are filled.
func noted(s eventlog.Stream, i uint64) eventlog.Envelope {
	size := 1 + int(i*7919%90_000)
	return eventlog.Envelope{
		Stream: s, Number: i, Type: "noted", Version: 1,
		Meta: eventlog.Meta{Command: fmt.Sprintf("%s-%d", s.ID, i), Time: time.Unix(int64(i), 0).UTC()},
		Data: fmt.Appendf(nil, `{"i":%d,"of":%q,"pad":%q}`, i, s.ID, strings.Repeat("x", size)),
	}
}

// stored reads the whole log and holds it against what must stand there. It
// returns where each stream ends.
func (m *machine) stored() (ends map[string]eventlog.Envelope, err error) {
	head, err := m.log.Head(m.t.Context())
	if err != nil {
		return nil, err
	}
	ends = map[string]eventlog.Envelope{}
	if head == 0 {
		return ends, nil
	}
	at := eventlog.Position(0)
	for batch, err := range m.log.Follow(m.t.Context(), 0, 100) {
		if err != nil {
			return ends, err
		}
		for _, e := range batch {
			want := noted(e.Stream, ends[e.Stream.ID].Number+1)
			if at++; e.Position != at || e.Number != want.Number || e.Command != want.Command || string(e.Data) != string(want.Data) {
				m.t.Fatalf("at %d stands event %d of %s (%s), want %d", e.Position, e.Number, e.Stream, e.Command, want.Number)
			}
			e.Data = nil
			ends[e.Stream.ID] = e
		}
		if at >= head {
			break
		}
	}
	return ends, nil
}

// work writes until stop is closed: singles, batches over three streams, and
// keys that are put and destroyed.
func (m *machine) work(ends map[string]eventlog.Envelope, stop <-chan struct{}) (done func()) {
	var wg sync.WaitGroup
	write := func(ids ...string) {
		wg.Go(func() {
			last := map[string]eventlog.Envelope{}
			for _, id := range ids {
				last[id] = ends[id]
			}
			for going(stop) {
				var changes []eventlog.Change
				for _, id := range ids {
					s := eventlog.Stream{Category: "note", ID: id}
					e := noted(s, last[id].Number+1)
					changes = append(changes, eventlog.Change{Stream: s, Expected: last[id].Position, Events: []eventlog.Envelope{e}})
				}
				at, err := m.log.Append(m.t.Context(), changes...)
				if err != nil {
					return // the power is gone
				}
				m.mu.Lock()
				for i, c := range changes {
					e := c.Events[0]
					e.Position = at - eventlog.Position(len(changes)-1-i)
					last[e.Stream.ID], m.acked[e.Stream.ID] = e, e.Number
				}
				m.mu.Unlock()
			}
		})
	}
	write("a")
	write("b")
	write("x", "y", "z")
	wg.Go(func() {
		for i := 0; going(stop); i = (i + 1) % 5 {
			key := fmt.Sprint("key", i)
			m.mu.Lock()
			there := m.held[key]
			delete(m.held, key) // nobody knows, until it is acknowledged
			m.begun[key]++
			m.mu.Unlock()
			var err error
			if there {
				err = m.keys.Delete(context.WithoutCancel(m.t.Context()), key)
			} else {
				err = m.keys.Put(context.WithoutCancel(m.t.Context()), key, []byte(key))
			}
			if err != nil {
				return
			}
			m.mu.Lock()
			m.held[key] = !there
			m.mu.Unlock()
		}
	})
	return wg.Wait
}

func going(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return false
	default:
		return true
	}
}

// live writes for a while and takes the power away in the middle. It returns
// the disk as it is found then, and what had been acknowledged before.
func (m *machine) live(d *disk, ends map[string]eventlog.Envelope, die *rand.Rand, torn bool) (found *disk, acked map[string]uint64, held map[string]bool) {
	stop := make(chan struct{})
	done := m.work(ends, stop)
	time.Sleep(time.Duration(20+die.IntN(200)) * time.Millisecond)
	m.mu.Lock()
	acked, held = maps.Clone(m.acked), maps.Clone(m.held)
	before := maps.Clone(m.begun)
	m.mu.Unlock()
	if torn {
		found = d.afterPowerLoss(die)
	} else {
		found = d.afterPowerLoss(nil)
	}
	m.mu.Lock()
	// What was begun while the disk was being looked at may be on it or not.
	maps.DeleteFunc(held, func(key string, _ bool) bool { return m.begun[key] != before[key] })
	m.mu.Unlock()
	close(stop)
	done()
	m.shut()
	return found, acked, held
}

// lost counts the acknowledged events that are not there.
func lost(acked map[string]uint64, ends map[string]eventlog.Envelope) (n uint64) {
	for id, number := range acked {
		n += number - min(number, ends[id].Number)
	}
	return n
}

// What was acknowledged is there after every loss of power, and the log opens
// without a gap: on a file system that keeps what was synced and nothing else,
// and on one that keeps any part of the rest.
func TestPowerLossTakesNothingAcknowledged(t *testing.T) {
	needDisk(t)
	for _, c := range []struct {
		name          string
		journal, torn bool
	}{
		{"OnlyWhatWasSynced", false, false},
		{"WithAJournal", true, false},
		{"AnyPartOfTheRest", false, true},
		{"AnyPartOfTheRestWithAJournal", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			die := rand.New(rand.NewPCG(seed, 1))
			m := &machine{t: t, dir: t.TempDir(), acked: map[string]uint64{}, held: map[string]bool{}, begun: map[string]int{}}
			d := newDisk(c.journal)
			total := uint64(0)
			for round := range 8 {
				if err := m.on(d); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				ends, err := m.stored()
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				if n := lost(m.acked, ends); n > 0 {
					t.Fatalf("round %d: %d acknowledged events are lost", round, n)
				}
				for key, there := range m.held {
					if _, _, err := m.keys.Get(t.Context(), key); there != (err == nil) || !there && !errors.Is(err, eventlog.ErrNoKey) {
						t.Fatalf("round %d: %s: %v, want it there: %v", round, key, err, there)
					}
				}
				m.acked = map[string]uint64{}
				for id, e := range ends {
					m.acked[id], total = e.Number, total+e.Number
				}
				d, m.acked, m.held = m.live(d, ends, die, c.torn)
			}
			if total == 0 {
				t.Fatal("nothing was written: the test proves nothing")
			}
			t.Logf("%v acknowledged", m.acked)
		})
	}
}

// The interval mode loses what it says it may lose, which also shows that the
// disk of these tests really forgets; what is left is a whole log.
func TestPowerLossInTheIntervalMode(t *testing.T) {
	needDisk(t)
	die := rand.New(rand.NewPCG(7, 1))
	for _, interval := range []time.Duration{time.Hour, 50 * time.Millisecond} {
		m := &machine{t: t, dir: t.TempDir(), interval: interval, acked: map[string]uint64{}, held: map[string]bool{}, begun: map[string]int{}}
		d := newDisk(true)
		gone, kept := uint64(0), uint64(0)
		for round := range 4 {
			if err := m.on(d); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			ends, err := m.stored()
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			gone += lost(m.acked, ends)
			m.acked, m.held = map[string]uint64{}, map[string]bool{}
			for id, e := range ends {
				m.acked[id], kept = e.Number, kept+e.Number
			}
			d, m.acked, m.held = m.live(d, ends, die, false)
		}
		if gone == 0 && interval == time.Hour {
			t.Fatal("no acknowledged event was lost: this disk forgets nothing, and the other tests prove nothing")
		}
		t.Logf("synced each %v: %d acknowledged events were lost, %d were kept", interval, gone, kept)
	}
}
