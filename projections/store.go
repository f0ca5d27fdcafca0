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
	fresh   bool // built from the very first event, so that it cannot lack any
	inUse   bool // trusted and open for writing
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
	statements := []string{"CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, epoch TEXT NOT NULL, code TEXT NOT NULL, mark TEXT NOT NULL, opened INTEGER NOT NULL)"}
	_ = s.each(func(v view) error {
		statements = append(statements, v.schema()...)
		return nil
	})
	for _, statement := range statements {
		if err := s.writer.exec(statement); err != nil {
			s.close()
			return nil, fmt.Errorf("projections: %s: %w", statement, err)
		}
	}
	if err := s.writer.exec("INSERT INTO meta VALUES (1, 0, ?, ?, '', 0)", epoch, code()); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// finish gives a filled file its indexes, closes it and seals it.
func (s *store) finish() error {
	err := s.each(func(v view) error {
		for _, statement := range v.later() {
			if err := s.writer.exec(statement); err != nil {
				return fmt.Errorf("projections: %s: %w", statement, err)
			}
		}
		return nil
	})
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

// fold takes the events into memory.
func (s *store) fold(facts []fact) error {
	for _, f := range facts {
		if f.Position != s.position+1 {
			return &eventlog.Gap{Where: "the log", From: uint64(s.position + 1), To: uint64(f.Position - 1)}
		}
		v := s.byCategory[f.Stream.Category]
		if v == nil {
			return fmt.Errorf("%w: no view folds %s at position %d", eventlog.ErrUnknownType, f.Stream, f.Position)
		}
		if err := v.take(s.writer, f); err != nil {
			return err
		}
		if err := s.commands.take(s.writer, f); err != nil {
			return err
		}
		s.position, s.last = f.Position, f.Envelope
		s.bytes += len(f.Data)
	}
	return nil
}

// Bounds of what is folded before it is written while nobody waits for it.
const (
	manyRows  = 60_000
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

// flush writes every touched row once, and the position, in one transaction.
func (s *store) flush(live bool) (err error) {
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
	if err := s.writer.exec("UPDATE meta SET position = ?, mark = ?", int64(s.position), mark(s.last)); err != nil {
		return err
	}
	if err := s.writer.exec("COMMIT"); err != nil {
		return err
	}
	s.written, s.bytes = s.position, 0
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
