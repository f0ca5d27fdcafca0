package jslog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// folder is a keeper that only tells where the server keeps its messages.
type folder string

func (folder) Down() error         { return nil }
func (folder) Stored(string) error { return nil }
func (f folder) Blocks(stream string) string {
	return filepath.Join(string(f), "jetstream", "$G", "streams", stream, "msgs")
}

// long is how many events fill some blocks.
const long = 50_000

// longLog is a folder with a log of some blocks, and the connection to its server.
func longLog(t *testing.T) (dir string, nc *nats.Conn, stop func()) {
	t.Helper()
	dir = t.TempDir()
	s := startServer(t, dir, noSync)
	nc = connect(t, s)
	open(t, nc)
	fillFast(t, nc, long, func(i int, e *eventlog.Envelope) {
		if i/3000%2 == 0 { // in every block some are much longer than others
			e.Data = fmt.Appendf(nil, `{"text":"%0*d"}`, 1000, i)
		}
	})
	if n := len(blocks(t, dir)); n < 4 {
		t.Fatalf("%d blocks", n)
	}
	return dir, nc, func() { s.Shutdown(); s.WaitForShutdown() }
}

func opened(t *testing.T, nc *nats.Conn, k jslog.Keeper) *jslog.Log {
	t.Helper()
	l, err := jslog.Open(t.Context(), nc, jslog.Options{Keeper: k, Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What is read from the files is what the server sends, from wherever one begins.
func TestBlocksHoldWhatTheServerSends(t *testing.T) {
	dir, nc, _ := longLog(t)
	fast, slow := opened(t, nc, folder(dir)), opened(t, nc, nil)
	want := follow(t, slow, 0)
	for _, after := range []uint64{0, 1, 12_345, 30_000, long - 9_000, long - 1} {
		got := follow(t, fast, after)
		if !reflect.DeepEqual(got, want[after:]) {
			t.Fatalf("behind %d the files hold something else", after)
		}
	}
}

// One event is found without reading all of its block, and never another.
func TestBlocksFindOneEvent(t *testing.T) {
	dir, nc, stop := longLog(t)
	want := follow(t, opened(t, nc, nil), 0)
	fast := opened(t, nc, folder(dir))
	positions := []eventlog.Position{1, 2, long - 1, long}
	for at := eventlog.Position(17); at < long; at += 271 {
		positions = append(positions, at)
	}
	slices.Sort(positions)
	n := 0
	for e, err := range fast.GetMany(t.Context(), positions) {
		if err != nil || !reflect.DeepEqual(e, want[positions[n]-1]) {
			t.Fatalf("position %d is %+v, %v", positions[n], e, err)
		}
		n++
	}
	if n != len(positions) {
		t.Fatalf("%d of %d", n, len(positions))
	}
	stop()
	files := blocks(t, dir)
	last := int(binary.LittleEndian.Uint64(must(os.ReadFile(files[len(files)-1]))[4:])) // where the newest begins
	get := func(at int) bool {
		e, ok := jslog.GetFromBlocks(filepath.Dir(files[0]), uint64(at))
		if ok && !reflect.DeepEqual(e, want[at-1]) {
			t.Fatalf("position %d is %+v", at, e)
		}
		return ok
	}
	for at := 1; at <= long; at += 97 {
		if get(at) != (at < last) {
			t.Errorf("position %d of %d: found or not", at, last)
		}
	}
	if get(long + 1) {
		t.Error("an event behind the end")
	}
	for _, at := range []int{5, 3_000, 12_500} {
		flip(t, dir, string(want[at-1].Data[2:]))
		if get(at) {
			t.Errorf("position %d is found although it is damaged", at)
		}
	}
}

// follow returns all events behind a position.
func follow(t *testing.T, log *jslog.Log, after uint64) (events []eventlog.Envelope) {
	t.Helper()
	for batch, err := range log.Follow(t.Context(), eventlog.Position(after), 1000) {
		if err != nil {
			t.Fatal(err)
		}
		if events = append(events, batch...); len(events) == long-int(after) {
			return events
		}
	}
	return nil
}

// The files are read without the server, and what they do not hold is not there.
func TestBlocksNeedNoServer(t *testing.T) {
	dir, nc, stop := longLog(t)
	var last eventlog.Position
	for batch, err := range opened(t, nc, folder(dir)).Follow(t.Context(), 0, 100) {
		if last == 0 {
			stop()
		}
		if err != nil {
			if !errors.Is(err, eventlog.ErrUnavailable) || last < long/2 || last == long {
				t.Errorf("after %d: %v", last, err)
			}
			return
		}
		last = batch[len(batch)-1].Position
	}
}

// A damaged block yields what stands before the damage and never anything else.
func TestBlocksThatAreDamaged(t *testing.T) {
	dir, nc, stop := longLog(t)
	want := follow(t, opened(t, nc, nil), 0)
	stop()
	events := func(block []byte) int { return bytes.Count(block, []byte("NATS/1.0\r\n")) }
	files := blocks(t, dir)
	before, victim := must(os.ReadFile(files[0])), files[1]
	data := must(os.ReadFile(victim))
	first := events(before) // is how many stand in the block before
	begin, end := first-100, first+events(data)
	check := func(what string, damage func() error, least, most int) {
		t.Helper()
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		n := begin
		for batch := range jslog.ReadBlocks(filepath.Dir(victim), uint64(begin), uint64(end)) {
			if !reflect.DeepEqual(batch, want[n:n+len(batch)]) {
				t.Fatalf("%s: other events behind %d", what, n)
			}
			n += len(batch)
		}
		if n < least || n > most {
			t.Errorf("%s: up to %d, want %d to %d", what, n, least, most)
		}
	}
	write := func(d []byte) func() error { return func() error { return os.WriteFile(victim, d, 0o600) } }
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		at := random.IntN(len(data))
		flipped := bytes.Clone(data)
		flipped[at] ^= 1 << random.IntN(8)
		// The record that holds the byte, or one beside it.
		least, most := first+max(events(data[:at])-2, 0), first+events(data[:at])
		check("a flipped bit", write(flipped), least, most)
		check("cut short", write(data[:at]), least, most)
	}
	check("gone", func() error { return os.Remove(victim) }, first, first)
	check("another block", write(before), begin, first)
	check("empty", write(nil), begin, first)
	check("with a tail", write(append(bytes.Clone(data), make([]byte, 100)...)), end, end)
	check("whole", write(data), end, end)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
