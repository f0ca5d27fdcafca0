package projections

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"till/domain/eventlog"
)

// Past is all views as they stood at one position, folded by the same code into
// a file of their own that nothing follows. One reader at a time reads it.
type Past struct {
	origin
	dir string
	mu  sync.Mutex // over all below
	s   *store
	// chosen are all views.
	chosen map[string]bool
}

// OpenPast folds the log up to the position into a new file in a new folder
// inside dir ("" is the system's for temporary files), and tells how far it is.
// It returns eventlog.ErrBeyond for a position behind the end, and an error that
// names the event if one cannot be folded.
func OpenPast(ctx context.Context, dir string, log eventlog.Log, types *eventlog.Types, at eventlog.Position, tell func(at, of eventlog.Position)) (_ *Past, err error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	if at > head {
		return nil, fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, at, head)
	}
	p := &Past{origin: origin{log, types}}
	if p.dir, err = os.MkdirTemp(dir, "past-"); err != nil {
		return nil, fmt.Errorf("projections: %w", err)
	}
	p.s, err = create(ctx, filepath.Join(p.dir, "views.db"), log.Epoch())
	if err == nil {
		p.s.strict = true
		p.chosen, err = p.s.chosen(nil)
	}
	if err == nil {
		err = p.fill(ctx, p.s, at, nil, func(done eventlog.Position) { tell(done, at) })
	}
	if err == nil {
		err = p.s.index(p.chosen)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.s.show(at)
	return p, nil
}

// At is the position that it includes.
func (p *Past) At() eventlog.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.s.position
}

// Read calls fn with a reader of that moment.
func (p *Past) Read(_ context.Context, fn func(*Reader) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &Reader{store: p.s, conn: p.s.writer, at: p.s.position}
	defer r.end()
	return fn(r)
}

// Advance folds on up to the position, or returns eventlog.ErrBeyond.
func (p *Past) Advance(ctx context.Context, to eventlog.Position, tell func(at, of eventlog.Position)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	head, err := p.log.Head(ctx)
	if err != nil {
		return err
	}
	if to > head {
		return fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, to, head)
	}
	if err := p.fill(ctx, p.s, to, nil, func(done eventlog.Position) { tell(done, to) }); err != nil {
		return err
	}
	p.s.show(p.s.position)
	return nil
}

// Fork is a second one at the same position, which can be advanced by itself:
// along another log with the same events so far, or nil for the same log.
func (p *Past) Fork(ctx context.Context, log eventlog.Log) (_ *Past, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &Past{origin: p.origin, chosen: p.chosen}
	if log != nil {
		f.log = log
	}
	if f.dir, err = os.MkdirTemp(filepath.Dir(p.dir), "past-"); err != nil {
		return nil, fmt.Errorf("projections: %w", err)
	}
	path := filepath.Join(f.dir, "views.db")
	f.s = &store{tables: newTables(), path: path, strict: true, position: p.s.position, written: p.s.written}
	f.s.trail.resume(p.s.trail)
	// All is written, and SQLite keeps no journal of this file.
	if err = copyFile(p.s.path, path); err == nil {
		err = f.s.connect(ctx, building)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.s.show(f.s.position)
	return f, nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("projections: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("projections: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("projections: %w", err)
	}
	return nil
}

// Diff hands out the rows in which the other differs, view by view; After is the
// other's row.
func (p *Past) Diff(ctx context.Context, other *Past, each func(Difference) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	other.mu.Lock()
	defer other.mu.Unlock()
	return differ(ctx, p.s.writer, other.s.writer, p.chosen, each)
}

// Close takes the file away.
func (p *Past) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != nil {
		p.s.close()
	}
	return os.RemoveAll(p.dir)
}
