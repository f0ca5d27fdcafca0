package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"till/domain/eventlog"
)

// reuse opens the file if it can be trusted; otherwise it says why not. An error
// is the log's: nobody can tell now.
func (v *Views) reuse(ctx context.Context, path string) (s *store, why string, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, "there are none yet", nil
	}
	s = &store{tables: newTables(), path: path, alarm: v.alarm, published: make(chan struct{}), gone: make(chan struct{})}
	s.distrust = func(err error) {
		s.condemned.Store(true)
		if !v.store.CompareAndSwap(s, nil) && v.store.Load() != nil {
			return // a rebuilt one has taken its place, about which this says nothing
		}
		select {
		case v.broken <- err:
		default:
		}
	}
	why, err = v.examine(ctx, s)
	if err == nil && why == "" {
		err = s.trail.recall(ctx, v, s)
	}
	if err == nil && why == "" {
		err = s.serve(ctx)
	}
	if err == nil && why == "" {
		return s, "", nil
	}
	s.close()
	if errors.Is(err, eventlog.ErrUnavailable) || ctx.Err() != nil {
		return nil, "", err
	}
	if err != nil {
		why = fmt.Sprintf("the file cannot be read: %v", err)
	}
	return nil, why, nil
}

func (v *Views) examine(ctx context.Context, s *store) (why string, err error) {
	has, whole, err := sealed(s.path)
	switch {
	case err != nil:
		return "", err
	case has && !whole:
		return "the file is not as it was closed", nil
	case !has:
		// Opening the file makes SQLite write to its log, so that is looked at first.
		if why, err := examineWAL(s.path + "-wal"); why != "" || err != nil {
			return "the file was not closed, and " + why, err
		}
	}
	if err := s.connect(ctx, writing); err != nil {
		return "", err
	}
	var epoch, layout, lastMark string
	ok, err := s.writer.row("SELECT position, epoch, layout, mark FROM meta", nil, &s.position, &epoch, &layout, &lastMark)
	switch {
	case err != nil && strings.Contains(err.Error(), "no such column"):
		return "the file was written by another version of till", nil
	case err != nil:
		return "", err
	case !ok:
		return "the file does not say what it holds", nil
	case layout != shape(ground...):
		return "the file was written by another version of till", nil
	case epoch != v.log.Epoch():
		return "the file belongs to another log", nil
	}
	s.written = s.position
	if s.stale, why, err = s.outdated(ctx); why != "" || err != nil {
		return why, err
	}
	if !has {
		if why, err := s.sound(); why != "" || err != nil {
			return why, err
		}
	}
	if why, err := v.compare(ctx, s.position, lastMark); why != "" || err != nil {
		return why, err
	}
	if err := s.recallAside(ctx); err != nil {
		return "", err
	}
	// The first write goes before the seal: without a seal there is always
	// something in SQLite's log, and an empty one has lost something.
	if err := s.writer.exec("UPDATE meta SET opened = opened + 1"); err != nil {
		return "", err
	}
	s.inUse = true
	return "", unseal(s.path)
}

// sound looks through a file that was not closed.
func (s *store) sound() (why string, err error) {
	var found string
	if _, err := s.writer.row("PRAGMA quick_check(1)", nil, &found); err != nil {
		return "", err
	}
	if found != "ok" {
		return "the file is damaged: " + found, nil
	}
	return s.ahead()
}

// compare looks whether the log holds at the position what the file has folded
// there.
func (v *Views) compare(ctx context.Context, at eventlog.Position, lastMark string) (why string, err error) {
	if at == 0 {
		return "", nil
	}
	head, err := v.log.Head(ctx)
	if err != nil {
		return "", err
	}
	if at > head {
		return fmt.Sprintf("the file includes position %d, but the log ends at %d", at, head), nil
	}
	e, err := v.log.Get(ctx, at)
	if err == nil && mark(&e) != lastMark {
		why = fmt.Sprintf("the log holds another event at position %d", at)
	}
	return why, err
}
