package projections

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"till/domain/decider"
	"till/domain/eventlog"
)

// fact is an event with its decoded value.
type fact struct {
	*eventlog.Envelope
	value any
}

// column is a part of a state that a row also holds by itself, to be indexed.
type column[S any] struct {
	// decl is the name, type and constraints in SQL; the name comes first.
	decl  string
	value func(id string, s S) any
}

// aggregate is the view of one kind of aggregate: a row for each holds the
// folded state as JSON, the number and the position of its last event. The
// commands take their states from here.
//
// Between two writes the rows that were touched are kept decoded, so that a
// batch of events writes each row once.
type aggregate[S, E any] struct {
	table    string
	category string
	version  int
	evolve   func(S, E) S
	columns  []column[S]
	indexes  []string

	// noticed, if there is one, is told each state before and after an event.
	noticed func(id string, before, after S, at eventlog.Position)

	seen *cache

	rows         map[string]*row[S]
	touched      []*row[S]
	names        []string
	load, loadAt string
	add, up      string
}

// row is an aggregate as the projector knows it.
type row[S any] struct {
	id    string
	state S
	decider.Version
	dirty bool
	fresh bool            // not in the file yet
	since decider.Version // that of the first event that the file does not include
}

// working bounds how many decoded rows the projector keeps between two writes.
const working = 50_000

func newAggregate[S, C, E any](table string, d decider.Decider[S, C, E], cached int, columns ...column[S]) *aggregate[S, E] {
	a := &aggregate[S, E]{
		table: table, category: d.Category, version: 1, evolve: d.Evolve, columns: columns,
		seen: newCache(cached), rows: map[string]*row[S]{},
	}
	a.names = []string{"id", "number", "position", "state"}
	for _, c := range columns {
		name, _, _ := strings.Cut(c.decl, " ")
		a.names = append(a.names, name)
	}
	sets := make([]string, 0, len(a.names))
	for _, n := range a.names[1:] {
		sets = append(sets, n+" = excluded."+n)
	}
	a.load = "SELECT number, position, state FROM " + table + " WHERE id = ?"
	a.loadAt = "SELECT meta.position, coalesce(a.number, 0), coalesce(a.position, 0), a.state FROM meta LEFT JOIN " + table + " AS a ON a.id = ?"
	a.add = fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(a.names, ", "),
		strings.TrimSuffix(strings.Repeat("?, ", len(a.names)), ", "))
	a.up = a.add + " ON CONFLICT (id) DO UPDATE SET " + strings.Join(sets, ", ")
	return a
}

func (a *aggregate[S, E]) about() about { return about{a.table, a.version, []string{a.table}} }

// schema is the table in SQL.
func (a *aggregate[S, E]) schema() []string {
	decls := []string{"id TEXT PRIMARY KEY", "number INTEGER NOT NULL", "position INTEGER NOT NULL", "state TEXT NOT NULL"}
	for _, c := range a.columns {
		decls = append(decls, c.decl)
	}
	return []string{fmt.Sprintf("CREATE TABLE %s (%s) WITHOUT ROWID", a.table, strings.Join(decls, ", "))}
}

// later is what is created once the table has been filled.
func (a *aggregate[S, E]) later() []string { return a.indexes }

func (a *aggregate[S, E]) rowsAt() string { return a.table }

// fold applies an event to its row and returns the row. A hole in the
// aggregate's own count is a *eventlog.Gap.
func (a *aggregate[S, E]) fold(c *conn, f fact) (*row[S], error) {
	event, ok := f.value.(E)
	if !ok {
		return nil, fmt.Errorf("%w: %s (%T) at position %d is no event of %s", eventlog.ErrUnknownType, f.Type, f.value, f.Position, f.Stream)
	}
	r := a.rows[f.Stream.ID]
	if r == nil {
		r = &row[S]{id: strings.Clone(f.Stream.ID)} // not a piece of a whole message
		if f.Number == 1 {
			r.fresh = true // a second first event fails when the row is written
		} else if err := a.read(c, r); err != nil {
			return nil, err
		}
	}
	if f.Number != r.Number+1 {
		return nil, hole(f, r.Number)
	}
	after := a.evolve(r.state, event) // which may panic: nothing has changed yet
	if a.noticed != nil {
		a.noticed(r.id, r.state, after, f.Position)
	}
	r.state = after
	r.Version = decider.Version{Number: f.Number, Position: f.Position}
	a.rows[r.id] = r
	if !r.dirty {
		r.dirty, r.since = true, r.Version
		a.touched = append(a.touched, r)
	}
	return r, nil
}

// counted is a fault in the count of a stream's events.
type counted struct {
	stream eventlog.Stream
	error
}

func (c *counted) Unwrap() error { return c.error }

func hole(f fact, last uint64) error {
	if f.Number <= last {
		return again(f.Stream, f.Number, f.Position)
	}
	return &counted{f.Stream, &eventlog.Gap{Where: f.Stream.String(), From: last + 1, To: f.Number - 1}}
}

func again(s eventlog.Stream, number uint64, at eventlog.Position) error {
	return &counted{s, fmt.Errorf("%w: event %d of %s comes a second time, at or before position %d; stop the shop and restore its data folder from a backup",
		eventlog.ErrDamaged, number, s, at)}
}

// read fills the row from the file, if the file has it.
func (a *aggregate[S, E]) read(c *conn, r *row[S]) error {
	var state []byte
	ok, err := c.row(a.load, []any{r.id}, &r.Number, &r.Position, &state)
	if err != nil || !ok {
		return err
	}
	return a.decode(r, state)
}

// readAt is read outside a transaction; it tells the file's position too, as of the
// same moment.
func (a *aggregate[S, E]) readAt(c *conn, r *row[S]) (at eventlog.Position, err error) {
	var state []byte
	_, err = c.row(a.loadAt, []any{r.id}, &at, &r.Number, &r.Position, &state)
	if err != nil || r.Number == 0 {
		return at, err
	}
	return at, a.decode(r, state)
}

func (a *aggregate[S, E]) decode(r *row[S], state []byte) error {
	if err := json.Unmarshal(state, &r.state); err != nil {
		return &unreadable{fmt.Errorf("projections: the row %s of %s cannot be read: %w", r.id, a.table, err)}
	}
	return nil
}

func (a *aggregate[S, E]) take(c *conn, f fact) error {
	_, err := a.fold(c, f)
	return err
}

// dirty is how many rows wait to be written.
func (a *aggregate[S, E]) dirty() int { return len(a.touched) }

// write puts the touched rows into the file and, before that, into the readers'
// cache.
func (a *aggregate[S, E]) write(c *conn, at eventlog.Position, live bool) error {
	if len(a.touched) == 0 {
		return nil
	}
	a.seen.replace(at, live, func(yield func(string, held) bool) {
		for _, r := range a.touched {
			if !yield(r.id, held{r.state, r.Version}) {
				return
			}
		}
	})
	args := make([]any, len(a.names))
	for _, r := range a.touched {
		if err := a.put(c, r, args); err != nil {
			return err
		}
	}
	return nil
}

// put writes one row. That it cannot be made is its stream's fault.
func (a *aggregate[S, E]) put(c *conn, r *row[S], args []any) (err error) {
	defer a.guard(r, &err)
	state, err := json.Marshal(r.state)
	if err != nil {
		panic(err)
	}
	args[0], args[1], args[2], args[3] = r.id, int64(r.Number), int64(r.Position), string(state)
	for i, col := range a.columns {
		args[4+i] = col.value(r.id, r.state)
	}
	query := a.up
	if r.fresh {
		query = a.add
	}
	if err := c.exec(query, args...); r.fresh && isTaken(err) {
		return again(eventlog.Stream{Category: a.category, ID: r.id}, 1, r.Position)
	} else if err != nil {
		return fmt.Errorf("projections: write %s: %w", a.table, err)
	}
	return nil
}

// guard turns a panic in the making of the row into an error that names the
// stream.
func (a *aggregate[S, E]) guard(r *row[S], err *error) {
	if p := recover(); p != nil {
		*err = poison(eventlog.Stream{Category: a.category, ID: r.id}, "", r.since, p)
	}
}

// drop implements view: what the file holds of the row stands again.
func (a *aggregate[S, E]) drop(id string, at eventlog.Position) {
	delete(a.rows, id)
	a.touched = slices.DeleteFunc(a.touched, func(r *row[S]) bool { return r.id == id })
	a.seen.forget(at)
}

// settle is called once what was written is committed.
func (a *aggregate[S, E]) settle() {
	for _, r := range a.touched {
		r.dirty, r.fresh = false, false
	}
	clear(a.touched)
	a.touched = a.touched[:0]
	for id := range a.rows {
		if len(a.rows) <= working {
			break
		}
		delete(a.rows, id)
	}
}
