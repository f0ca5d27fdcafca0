package projections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"till/domain/eventlog"
)

// version is raised by hand whenever the same events lead to other rows.
const version = 2

// code is a hash over the version and the tables: a file of another code is
// built anew.
func code() string {
	h := sha256.New()
	fmt.Fprintln(h, version)
	_ = newTables().each(func(v view) error {
		for _, s := range append(v.schema(), v.later()...) {
			io.WriteString(h, s)
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// reuse opens the file if it can be trusted; otherwise it says why not. An error
// is the log's: nobody can tell now.
func (v *Views) reuse(ctx context.Context) (s *store, why string, err error) {
	if _, err := os.Stat(v.path); errors.Is(err, os.ErrNotExist) {
		return nil, "there are none yet", nil
	}
	s = &store{tables: newTables(), path: v.path}
	s.distrust = func(err error) {
		s.condemned.Store(true)
		v.store.CompareAndSwap(s, nil) // nobody else reads from it
		select {
		case v.broken <- err:
		default:
		}
	}
	why, err = v.examine(ctx, s)
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
	var epoch, written, lastMark string
	ok, err := s.writer.row("SELECT position, epoch, code, mark FROM meta", nil, &s.position, &epoch, &written, &lastMark)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "the file does not say what it holds", nil
	case written != code():
		return "the file was written by another version of till", nil
	case epoch != v.log.Epoch():
		return "the file belongs to another log", nil
	}
	s.written = s.position
	if !has {
		if why, err := s.sound(); why != "" || err != nil {
			return why, err
		}
	}
	if why, err := v.compare(ctx, s.position, lastMark); why != "" || err != nil {
		return why, err
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
	for batch, err := range v.log.Follow(ctx, at-1, 1) {
		if err != nil {
			return "", err
		}
		if mark(&batch[0]) != lastMark {
			return fmt.Sprintf("the log holds another event at position %d", at), nil
		}
		break
	}
	return "", nil
}
