package projections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"till/domain/eventlog"
)

// store is one file of views with all that is known of it in memory. One
// goroutine, the projector, folds and writes; any number read.
type store struct {
	*tables
	path string

	files   []*sql.DB
	writer  *conn
	reading *sql.DB
	idle    chan *conn    // connections for reading that nobody uses now
	places  chan struct{} // one for each connection for reading in use
	gate    gate
	words   atomic.Pointer[vocabulary]
	shelf   atomic.Pointer[shelf]
	fresh   bool // built from the very first event, so that it cannot lack any
	inUse   bool // trusted and open for writing
	// stale are the views that an older fold filled.
	stale []string
	// strict makes an event that cannot be folded an error; otherwise its stream
	// is set aside, and alarm is told.
	strict bool
	alarm  func(*Quarantined)
	// quarantine are the streams that are set aside, pending those of them that
	// are not in the file yet.
	quarantine atomic.Pointer[map[eventlog.Stream]*Quarantined]
	pending    []*Quarantined
	// published is closed once the store may be read for the first time.
	published chan struct{}
	first     sync.Once
	// gone is closed once the store is closed for good, and its file is gone if
	// another has replaced it.
	gone chan struct{}
	// skips are the categories, and "commands" and "trail", whose events are
	// passed over.
	skips map[string]bool
	// distrust is told what a reader found broken; condemned says that it was.
	distrust  func(error)
	condemned atomic.Bool

	position eventlog.Position // of the last event folded
	// shown is the newest moment that was published or that a reader found in
	// the file: a later one must not answer from memory as of an earlier moment.
	shown   atomic.Uint64
	written eventlog.Position // of the last event in the file
	last    *eventlog.Envelope
	bytes   int // of event data folded since the last write
}

// While a file is built nobody reads it and a crash throws it away: it needs no
// journal. In use it has a write-ahead log, so that reading and writing do not
// wait for each other; nothing is ever synced, since what a power loss takes is
// folded again.
var (
	building = []string{"page_size(8192)", "journal_mode(OFF)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", "cache_size(-65536)", "temp_store(MEMORY)"}
	writing  = []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(OFF)", "cache_size(-16384)", "temp_store(MEMORY)"}
	reading  = []string{"busy_timeout(10000)", "synchronous(OFF)", "query_only(ON)", "cache_size(-2048)", "temp_store(MEMORY)"}
)

// create makes a new file to be built.
func create(ctx context.Context, path, epoch string) (*store, error) {
	s := &store{tables: newTables(), path: path, fresh: true}
	if err := s.connect(ctx, building); err != nil {
		return nil, err
	}
	err := s.run(ground)
	if err == nil {
		err = s.each(func(v view) error { return s.run(v.schema()) })
	}
	if err == nil {
		err = s.writer.exec("INSERT INTO meta VALUES (1, 0, ?, ?, '', 0)", epoch, shape(ground...))
	}
	if err == nil {
		err = s.note()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.trail.begin(epoch, 0)
	return s, nil
}

// index gives filled views the indexes that they still need; chosen are those
// that were filled.
func (s *store) index(chosen map[string]bool) error {
	return s.each(func(v view) error {
		if !chosen[v.about().name] {
			return nil
		}
		return s.run(v.later())
	})
}

// finish gives a filled file its indexes, closes it and seals it.
func (s *store) finish(chosen map[string]bool) error {
	err := errors.Join(s.index(chosen), s.note())
	s.close()
	if err != nil {
		return err
	}
	return seal(s.path)
}

func (s *store) connect(ctx context.Context, pragmas []string) error {
	db, err := open(s.path, pragmas...)
	if err != nil {
		return err
	}
	s.files = append(s.files, db)
	if s.writer, err = dial(ctx, db); err != nil {
		s.close()
	}
	return err
}

// close waits for those who read and gives the file up.
func (s *store) close() {
	s.gate.shut()
	if s.writer != nil {
		s.writer.close()
	}
	for range len(s.idle) {
		(<-s.idle).close()
	}
	for _, db := range s.files {
		_ = db.Close()
	}
	s.files, s.writer = nil, nil
	// The last connection has put SQLite's log into the file and deleted it;
	// unless somebody else has the file open, or it could not.
	if _, err := os.Stat(s.path + "-wal"); s.inUse && errors.Is(err, os.ErrNotExist) {
		_ = seal(s.path) // without one, the next start looks closer
	}
	s.inUse = false
}

// show notes that the file was seen at the moment.
func (s *store) show(at eventlog.Position) {
	for {
		shown := s.shown.Load()
		if shown >= uint64(at) || s.shown.CompareAndSwap(shown, uint64(at)) {
			return
		}
	}
}

// look passes on an error and sees to it that a broken file is replaced.
func (s *store) look(err error) error {
	if err == nil || !isBroken(err) {
		return err
	}
	if s.distrust != nil {
		s.distrust(err)
	}
	return fmt.Errorf("%w: %w", ErrCatchingUp, err)
}

// fold takes the events into memory. A stream whose event makes a fold panic is
// set aside.
func (s *store) fold(facts []fact) error {
	for {
		done, err := s.foldSome(facts)
		var p *poisoned
		if !errors.As(err, &p) {
			return err
		}
		if err := s.isolate(p); err != nil {
			return err
		}
		facts = facts[done:] // from the very event on, which is passed over now
	}
}

func (s *store) foldSome(facts []fact) (done int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = poisonOf(facts[done].Envelope, p)
		}
	}()
	aside := s.aside()
	for ; done < len(facts); done++ {
		f := facts[done]
		if f.Position != s.position+1 {
			return done, &eventlog.Gap{Where: "the log", From: uint64(s.position + 1), To: uint64(f.Position - 1)}
		}
		v := s.byCategory[f.Stream.Category]
		if v == nil {
			return done, fmt.Errorf("%w: no view folds %s at position %d", eventlog.ErrUnknownType, f.Stream, f.Position)
		}
		if err := s.take(v, f, aside); err != nil {
			return done, err
		}
		if !s.skips[s.trail.about().name] {
			if err := s.trail.take(s.writer, f); err != nil {
				return done, err
			}
		}
		s.position, s.last = f.Position, f.Envelope
		s.bytes += len(f.Data)
	}
	return done, nil
}

func (s *store) take(v view, f fact, aside map[eventlog.Stream]*Quarantined) error {
	if _, out := aside[f.Stream]; !out && !s.skips[f.Stream.Category] {
		if p, bad := f.value.(*poisoned); bad {
			return p
		}
		if err := v.take(s.writer, f); err != nil {
			return err
		}
	}
	if s.skips[s.commands.about().name] {
		return nil
	}
	return s.commands.take(s.writer, f)
}

// restrict lets only the views of those names take events, all for nil. It
// returns which categories are of use then.
func (s *store) restrict(only map[string]bool) (wanted func(category string) bool) {
	if s.skips = nil; only == nil {
		return nil
	}
	s.skips = map[string]bool{}
	for category, v := range s.byCategory {
		s.skips[category] = !only[v.about().name]
	}
	s.skips[s.commands.about().name] = !only[s.commands.about().name]
	s.skips[s.trail.about().name] = !only[s.trail.about().name]
	skips := s.skips
	// The trail is of all events.
	return func(category string) bool { return !skips[category] || !skips[s.trail.about().name] }
}

// Bounds of what is folded before it is written while nobody waits for it.
const (
	manyRows  = 10_000
	manyBytes = 96 << 20
)

// heavy is whether so much has been folded that it should be written.
func (s *store) heavy() bool {
	n := 0
	_ = s.each(func(v view) error {
		n += v.dirty()
		return nil
	})
	return n >= manyRows || s.bytes >= manyBytes
}

// flush writes every touched row once, and the position, in one transaction. A
// stream whose row cannot be made is set aside, and the rest is written.
func (s *store) flush(live bool) error {
	for {
		err := s.write(live)
		var p *poisoned
		if !errors.As(err, &p) {
			return err
		}
		if err := s.isolate(p); err != nil {
			return err
		}
		s.byCategory[p.Stream.Category].drop(p.Stream.ID, s.position)
	}
}

func (s *store) write(live bool) (err error) {
	if s.written == s.position {
		return nil
	}
	if err := s.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = s.writer.exec("ROLLBACK")
		}
	}()
	if err := s.each(func(v view) error { return v.write(s.writer, s.position, live) }); err != nil {
		return err
	}
	if err := s.writeAside(); err != nil {
		return err
	}
	if err := s.writer.exec("UPDATE meta SET position = ?, mark = ?", int64(s.position), mark(s.last)); err != nil {
		return err
	}
	if err := s.writer.exec("COMMIT"); err != nil {
		return err
	}
	s.written, s.bytes, s.pending = s.position, 0, nil
	return s.each(func(v view) error { v.settle(); return nil })
}

// mark is a hash by which an event is known again: a log that was put back from
// a backup and then grew may hold another one at the same position.
func mark(e *eventlog.Envelope) string {
	if e == nil {
		return ""
	}
	h := sha256.New()
	_ = json.NewEncoder(h).Encode([]any{e.Stream.Category, e.Stream.ID, e.Number, e.Type, e.Version, e.Command})
	h.Write(e.Data)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
