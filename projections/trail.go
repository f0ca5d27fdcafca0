package projections

import (
	"math/bits"
	"slices"
	"strings"
	"sync"

	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/order"
	"till/domain/spending"
)

// trail is an index into the log: at which positions there is something about a
// user, an order, a command, a request, a grant or a client.
//
// A row for each of some five keys of each event would take longer to write than
// all other views together. So the log is cut into chunks of 16,384 positions,
// and a chunk is written at its end, in one row for each of 64 parts of the
// keys. What follows the last whole chunk is in memory only: it is read from the
// log when the file is opened. So the rows follow from the log alone, whether
// they were written live or in a rebuild, and never change.
type trail struct {
	seed   uint64
	owners func(*conn, eventlog.Stream) (user, client string, err error)

	mu sync.Mutex // guards what follows against readers; one goroutine writes
	// open is the chunk that is being filled, by part: each entry is a hash and,
	// in its last bits, the place in the chunk.
	open   [parts][]uint64
	number uint64 // of the open chunk
	// whole are the chunks before it that are not in the file yet.
	whole []chunk
}

// chunk is one that is complete: its entries by part, packed.
type chunk struct {
	number uint64
	parts  [parts][]byte
}

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
	partBits  = 6
	parts     = 1 << partBits
	placeMask = chunkSize - 1
)

// chunkOf is the chunk that a position stands in.
func chunkOf(at eventlog.Position) uint64 { return uint64(at-1) >> chunkBits }

// begin ties the hashes to the log: nobody can choose an id that shares the hash
// of another without knowing the log's epoch.
func (t *trail) begin(epoch string, after eventlog.Position) {
	t.seed = fnv(fnvOffset, epoch)
	t.number = uint64(after) >> chunkBits
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func fnv(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * fnvPrime
	}
	return h
}

// hash is the key's hash without the bits that hold the place in a chunk. 50
// bits are left: among ten million events one look-up in ten million finds an
// event that only shares the hash.
func (t *trail) hash(k history.Key) uint64 {
	h := fnv((t.seed^uint64(k.Kind))*fnvPrime, k.ID)
	hi, lo := bits.Mul64(h^h>>32, 0x9E3779B97F4A7C15) // all bits of the id reach the first ones
	return (hi ^ lo) &^ placeMask
}

// take notes what the event concerns. Its owners are looked up after the view
// of its category has folded it.
func (t *trail) take(c *conn, f fact) error {
	var user, client string
	if history.Owned(f.Stream.Category) {
		var err error
		if user, client, err = t.owners(c, f.Stream); err != nil {
			return err
		}
	}
	place := uint64(f.Position-1) & placeMask
	t.mu.Lock()
	defer t.mu.Unlock()
	note := func(k history.Key) {
		h := t.hash(k)
		part := &t.open[h>>(64-partBits)]
		if n := len(*part); n == 0 || (*part)[n-1] != h|place {
			*part = append(*part, h|place)
		}
	}
	history.Concerns(f.Envelope, f.value, note)
	if user != "" {
		note(history.Key{Kind: history.User, ID: user})
	}
	if client != "" {
		note(history.Key{Kind: history.Client, ID: client})
	}
	if place == placeMask {
		t.complete()
	}
	return nil
}

// complete packs the open chunk and opens the next.
func (t *trail) complete() {
	done := chunk{number: t.number}
	for i := range t.open {
		slices.Sort(t.open[i])
		done.parts[i] = pack(uint64(i), t.number, t.open[i])
		t.open[i] = t.open[i][:0]
	}
	t.whole = append(t.whole, done)
	t.number++
}

// resume goes on where another one stands, which has written all that is whole.
func (t *trail) resume(other *trail) {
	t.seed, t.number = other.seed, other.number
	for i := range other.open {
		t.open[i] = slices.Clone(other.open[i])
	}
}

func (*trail) about() about { return about{"trail", 1, []string{"trail"}} }

func (*trail) schema() []string {
	return []string{"CREATE TABLE trail (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, entries BLOB NOT NULL)"}
}

func (*trail) later() []string { return nil }

func (*trail) rowsAt() string { return "trail" }

func (t *trail) dirty() int { return parts * len(t.whole) }

// rowOf is the key of a row: those of one part lie one after the other.
func rowOf(part, number uint64) int64 { return int64(part<<40 | number) }

func (t *trail) write(c *conn, _ eventlog.Position, _ bool) error {
	for _, done := range t.whole {
		for i, entries := range done.parts {
			if err := c.exec("INSERT INTO trail VALUES (?, ?, ?)",
				rowOf(uint64(i), done.number), int64((done.number+1)<<chunkBits), entries); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop forgets nothing: the log says what an event concerns, whether or not it
// can be folded.
func (*trail) drop(string, eventlog.Position) {}

func (t *trail) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.whole = nil
}

// owners are the user and the client of an order, a session, a grant or what an
// agent may spend, as its folded state names them; they never change.
func (t *tables) owners(c *conn, s eventlog.Stream) (user, client string, err error) {
	switch s.Category {
	case order.Category:
		state, err := t.orders.peek(c, s.ID)
		return state.User, "", err
	case grant.Category:
		state, err := t.grants.peek(c, s.ID)
		return state.User, state.Client, err
	}
	if s.Category == spending.Category {
		state, err := t.spending.peek(c, s.ID)
		return state.User, state.Client, err
	}
	state, err := t.sessions.peek(c, s.ID)
	return state.User, "", err
}

// peek returns the state of an aggregate as the projector knows it.
func (a *aggregate[S, E]) peek(c *conn, id string) (S, error) {
	if r := a.rows[id]; r != nil {
		return r.state, nil
	}
	r := row[S]{id: strings.Clone(id)}
	err := a.read(c, &r)
	if err == nil && r.Number > 0 {
		a.rows[r.id] = &r // the next event of the stream needs it too
	}
	return r.state, err
}
