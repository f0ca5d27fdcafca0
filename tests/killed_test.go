package tests

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// stream is a shop under writers of every kind, and all that it has
// acknowledged to them.
type stream struct {
	*plain
	t      *testing.T
	dir    string
	shop   *process
	random *rand.Rand
	// writers go on over the shop's lives: each knows what it last heard.
	writers []writer
	hands   []*hand
	quiet   atomic.Bool
	// cut counts the calls that a kill took the answer from, starts the starts
	// that were killed.
	cut    atomic.Int64
	starts int
	// parcels are orders to be sent off, cutAfter counts the calls cut off that
	// were about what follows on an order.
	parcels  chan parcel
	cutAfter atomic.Int64

	mu     sync.Mutex
	acked  map[string]int
	checks []func(*record) string // of what was acknowledged: what is missing
	live   []*family
	ended  []*family
	told   int // of those ended, how many were tried in a later life
}

// writer does one thing at a time. Its error is errGone when the shop was killed
// under it.
type writer interface{ act() error }

// person is a customer and an agent's token of theirs.
type person struct{ name, id, password, token string }

func (s *stream) wrong(format string, args ...any) { s.t.Errorf(format, args...) }

// acknowledge notes that the shop has said that something is done. The check
// says what the log lacks of it.
func (s *stream) acknowledge(kind string, missing func(*record) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[kind]++
	s.checks = append(s.checks, missing)
}

// offer and take hand grants from those who log in to those who revoke.
func (s *stream) offer(f *family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = append(s.live, f)
}

func (s *stream) take() *family {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.live) < 3 {
		return nil // some stay good
	}
	f := s.live[0]
	s.live = s.live[1:]
	return f
}

func (s *stream) revoked(f *family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, f)
}

// leeway is wide: a slow machine must not make a lost refresh a theft.
var serveFlags = []string{"--refresh-leeway", "10m"}

// flood starts a shop and prepares its writers.
func flood(t *testing.T) *stream {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("TILL_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("TILL_SEED: %v", err)
		}
	}
	t.Logf("TILL_SEED=%d", seed)
	// A short name: the command socket lies in it.
	dir, err := os.MkdirTemp("", "till-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var people []*person
	opening := serve(t, dir)
	for i := range 12 {
		p := &person{name: fmt.Sprintf("shopper%d", i), password: fmt.Sprintf("correct horse battery %d", i)}
		if err := opening.AddUser(t.Context(), p.name, p.password); err != nil {
			t.Fatal(err)
		}
		people = append(people, p)
	}
	if err := opening.Stop(); err != nil {
		t.Fatal(err)
	}
	s := &stream{t: t, dir: dir, random: rand.New(rand.NewPCG(seed, 0)), acked: map[string]int{}, parcels: make(chan parcel, 100)}
	s.shop = spawn(t, dir, "127.0.0.1:0", serveFlags...)
	s.plain = newPlain(s.shop.endpoint)
	if out, code := till("code", "create", "SCARCE-10", "--percent", "10", "--limit", "60", "--per-person", "12", "--data", dir); code != 0 {
		t.Fatal(out)
	}
	bring(t, dir, plenty("A1", "A2", "A3", "B1", "B2", "C1", "C2")+buyable(0))

	var held []*family
	for _, p := range people {
		f := s.connected(p)
		held = append(held, f)
		p.token = f.newest().access
	}
	for i, p := range people {
		if i >= 7 { // their agents have limits, wide enough to buy
			browse(t, s.shop.endpoint, p.name, p.password).limit("", "1000000", "")
		}
	}
	log := read(t, dir)
	for _, p := range people {
		p.id = log.streams["grant/"+grantOf(p.token)][0].Data.User
	}

	one, two := people[0], people[1] // two agents are at the cart of the second
	s.hands = []*hand{
		{person: one, alone: true, products: []string{"A1", "A2", "A3"}},
		{person: two, products: []string{"B1", "B2"}}, {person: two, products: []string{"C1", "C2"}},
	}
	n := uint64(0)
	own := func() *rand.Rand { n++; return rand.New(rand.NewPCG(seed, n)) }
	for _, h := range s.hands {
		h.stream, h.random, h.lines = s, own(), map[string]int{}
		s.writers = append(s.writers, h)
	}
	for _, p := range slices.Concat(people[7:], people[2:5], people[2:3]) {
		s.writers = append(s.writers, &buyer{stream: s, person: p, random: own()})
	}
	for _, p := range []*person{people[5], people[6]} {
		s.writers = append(s.writers, &visitor{stream: s, person: p, random: own()}, &revoker{stream: s, random: own()})
	}
	for _, i := range []int{5, 6, 6} { // two processes of one agent share a token
		s.writers = append(s.writers, &refresher{stream: s, client: held[i].client, held: held[i].newest()})
	}
	for range 2 {
		s.writers = append(s.writers, &depot{stream: s, dir: dir, random: own()})
	}
	s.writers = append(s.writers, &keeper{stream: s, dir: dir})
	return s
}

// connected goes through a first login, with nobody to kill it.
func (s *stream) connected(p *person) *family {
	s.t.Helper()
	v := &visitor{stream: s, person: p, random: s.random}
	if err := v.act(); err != nil {
		s.t.Fatal(err)
	}
	f := s.live[len(s.live)-1]
	s.live = s.live[:len(s.live)-1]
	return f
}

// write lets all writers write until end has returned and each has heard or
// missed its answer.
func (s *stream) write(end func()) {
	s.quiet.Store(false)
	var wg sync.WaitGroup
	for _, w := range s.writers {
		wg.Go(func() {
			for !s.quiet.Load() {
				if err := w.act(); errors.Is(err, errGone) {
					s.cut.Add(1)
					return
				} else if err != nil {
					s.t.Errorf("%T: %v", w, err)
					return
				}
			}
		})
	}
	end()
	s.quiet.Store(true)
	wg.Wait()
	s.http.CloseIdleConnections()
}

// pause is a random time.
func (s *stream) pause(least, most int) {
	time.Sleep(time.Duration(least+s.random.IntN(most-least)) * time.Millisecond)
}

// restart starts the shop again; now and then it is killed while it starts.
func (s *stream) restart() {
	s.t.Helper()
	addr := address(s.t, s.shop.endpoint)
	for s.random.IntN(4) == 0 {
		p := begin(s.t, s.dir, addr, serveFlags...)
		s.pause(0, 250)
		p.kill()
		s.starts++
	}
	s.shop = spawn(s.t, s.dir, addr, serveFlags...)
}

// stillRefused tries the tokens of grants that ended in an earlier life: all of
// the last one, some from before.
func (s *stream) stillRefused() {
	s.t.Helper()
	try := slices.Clone(s.ended[s.told:])
	for range min(s.told, 5) {
		try = append(try, s.ended[s.random.IntN(s.told)])
	}
	for _, f := range try {
		if err := s.refuses(f); err != nil {
			s.t.Fatal(err)
		}
	}
	s.told = len(s.ended)
}

// stillAccepted tries the tokens of grants that nobody has ended.
func (s *stream) stillAccepted() {
	s.t.Helper()
	for _, f := range s.live {
		good, err := s.accepted(f.newest().access)
		if err != nil {
			s.t.Fatal(err)
		}
		if !good {
			s.t.Errorf("the token of grant %s, which nobody has ended, is refused", grantOf(f.newest().access))
		}
	}
}

// check reads the log and looks for all that was acknowledged.
func (s *stream) check() *record {
	s.t.Helper()
	log, lost := read(s.t, s.dir), 0
	for _, missing := range s.checks {
		if what := missing(log); what != "" {
			s.t.Errorf("it was acknowledged and is not on the log: %s", what)
			if lost++; lost == 20 {
				s.t.Fatal("there may be more")
			}
		}
	}
	return log
}

// rest lets the shop bring every interrupted purchase to its end and checks
// that nothing is left over.
func (s *stream) rest() *record {
	s.t.Helper()
	log := s.check()
	for deadline := time.Now().Add(2 * time.Minute); len(log.open()) > 0; log = read(s.t, s.dir) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it never comes to rest:\n%s", strings.Join(log.open(), "\n"))
		}
		time.Sleep(300 * time.Millisecond)
	}
	log.settled(s.t)
	log.shelved(s.t, s.dir)
	changes := map[string]int{}
	for _, h := range s.hands {
		changes[h.id] += h.version
	}
	for id, n := range changes {
		if stored := len(log.streams["cart/"+id]); stored != n {
			s.t.Errorf("the cart %s was changed %d times, %d changes are on the log", id, n, stored)
		}
	}
	return log
}

// account is what was acknowledged, by kind.
func (s *stream) account() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(s.acked)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.acked[kind], kind))
	}
	return strings.Join(parts, ", ")
}

// kinds are all that can be acknowledged.
var kinds = []string{"cart writes", "orders", "declined payments", "pending payments", "logins", "refreshes", "revocations", "imports",
	"cancellations", "dispatches", "deliveries", "return requests", "approvals", "receipts"}

// heard waits until the shop has acknowledged so many things of each kind, as
// slow as the machine may be.
func (s *stream) heard(each int, of ...string) {
	enough := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !slices.ContainsFunc(of, func(kind string) bool { return s.acked[kind] < each })
	}
	for deadline := time.Now().Add(time.Minute); !enough(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Errorf("after a minute the shop has acknowledged only %s", s.account())
			return
		}
	}
}

// kills is how often the shop is killed: TILL_CRASHES, or a few times.
func kills(t *testing.T) int {
	t.Helper()
	given := os.Getenv("TILL_CRASHES")
	if given == "" {
		return manyKills
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 {
		t.Fatalf("TILL_CRASHES is %q and not a number of rounds", given)
	}
	return n
}

// Killed at random moments under writers of every kind, again and again: what
// was acknowledged is on the log, nothing is done twice, nothing stays half
// done, the views are what the log says, and no token comes back to life.
func TestKilledUnderEveryWriter(t *testing.T) {
	rounds := kills(t)
	s := flood(t)
	for round := 1; round <= rounds; round++ {
		wanted := s.acked["cart writes"] + 1
		s.write(func() {
			s.heard(wanted, "cart writes") // it is under way
			s.pause(0, 450)
			s.shop.kill()
		})
		s.restart()
		s.stillRefused()
		if round%10 == 0 {
			log := s.check()
			asRebuilt(t, s.dir)
			t.Logf("round %d: %s; %d events", round, s.account(), log.head)
		}
		if t.Failed() {
			break
		}
	}
	s.write(func() { // each finds out what became of its last
		s.pause(1000, 1500)
		s.heard(1, kinds...)
	})
	s.stillAccepted()
	log := s.rest()
	s.told = 0
	s.stillRefused()
	if code := s.shop.terminate(t, os.Interrupt); code != 0 {
		t.Errorf("it exits with %d: %s", code, s.shop.errs.String())
	}
	s.charged(log)
	asRebuilt(t, s.dir)
	t.Logf("%d rounds: acknowledged %s; %d calls were cut off, %d of them after an order was placed, and %d starts; %d events on the log",
		rounds, s.account(), s.cut.Load(), s.cutAfter.Load(), s.starts, log.head)
}
