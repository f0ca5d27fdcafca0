package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"till/domain/eventlog"
)

// run keeps the views going until ctx ends or the log proves to be damaged.
func (v *Views) run(ctx context.Context) {
	for _, path := range []string{v.path, v.spare} {
		_ = remove(path + ".verify")                  // likewise, and in nobody's way
		if err := remove(path + ".new"); err != nil { // of a build that was cut off
			v.logger.Warn("an unfinished file of views is in the way", "because", err)
		}
	}
	var s *store
	why := "" // empty while no file has been looked at
	for pause := time.Duration(0); ctx.Err() == nil; {
		var err error
		if s == nil && why == "" {
			s, why, err = v.pick(ctx)
		}
		if s == nil && err == nil {
			v.logger.Info("the views are built from the log", "because", why)
			s, err = v.build(ctx)
		}
		if err == nil {
			v.renew(ctx, s)
			err = v.follow(ctx, s)
		}
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errNext):
			s, v.next = v.next, nil // its publishing takes the other out of use
		case s != nil && (isBroken(err) || errors.Is(err, eventlog.ErrBeyond)):
			s.inUse = false // it must not call itself closed in order
			v.retire(s)
			s, why = nil, err.Error()
		case errors.Is(err, eventlog.ErrDamaged), errors.Is(err, eventlog.ErrUnknownType), errors.Is(err, ErrUnfoldable):
			v.logger.Error("the views have stopped", "because", err)
			v.halt(err)
			<-ctx.Done()
		default:
			// The log or the disk will be back.
			pause = min(max(2*pause, 50*time.Millisecond), 5*time.Second)
			v.logger.Warn("the views do not go on for now", "because", err, "again_in", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			continue
		}
		pause = 0
	}
	v.retire(s)
	v.leaving.Wait()
}

// pick opens the file that a start goes on with. There may be two: a process
// was killed right after a rebuilt one took the place of another.
func (v *Views) pick(ctx context.Context) (s *store, why string, err error) {
	s, why, err = v.reuse(ctx, v.path)
	if err != nil {
		return nil, "", err
	}
	if _, missing := os.Stat(v.spare); missing != nil {
		return s, why, nil
	}
	if s != nil {
		return s, "", remove(v.spare)
	}
	if err := errors.Join(remove(v.path), move(v.spare, v.path)); err != nil {
		return nil, "", err
	}
	return v.reuse(ctx, v.path)
}

// renew rebuilds, while the store serves, what an older fold has filled.
func (v *Views) renew(ctx context.Context, s *store) {
	if len(s.stale) == 0 {
		return
	}
	stale := s.stale
	s.stale = nil
	v.leaving.Go(func() {
		v.logger.Info("views are rebuilt beside, since this till folds them otherwise", "views", stale)
		err := v.Rebuild(ctx, stale, func(eventlog.Position, eventlog.Position) {})
		switch {
		case ctx.Err() != nil:
		case err != nil:
			v.logger.Error("the views of an older till go on, since they cannot be rebuilt", "views", stale, "because", err)
		default:
			v.logger.Info("the views are rebuilt", "views", stale)
		}
	})
}

// alarm tells of a stream that was set aside.
func (v *Views) alarm(q *Quarantined) {
	v.logger.Error("a stream is set aside, since an event of it cannot be folded; the rest goes on",
		"stream", q.Stream.String(), "position", uint64(q.Position), "because", q.Reason)
}

// retire takes a store out of use and closes it, and the one that it was to take
// the place of.
func (v *Views) retire(s *store) {
	if old := v.store.Swap(nil); old != nil && old != s {
		old.inUse = false
		old.close()
		close(old.gone)
	}
	v.position.Store(0)
	if s != nil {
		s.close()
		close(s.gone)
	}
	select {
	case <-v.broken: // what was found in this one says nothing about the next
	default:
	}
}

// publish lets the store be read up to what has been written.
func (v *Views) publish(s *store) {
	s.show(s.written)
	// The store before the position: who has waited must not be given an older one.
	old := v.store.Swap(s)
	v.position.Store(uint64(s.written))
	if s.condemned.Load() {
		v.store.CompareAndSwap(s, nil)
	}
	v.turns.wake()
	if old != s && old != nil {
		v.leaving.Go(func() {
			old.inUse = false // it is given up, not closed to be opened again
			old.close()
			if err := remove(old.path); err != nil {
				v.logger.Warn("the file of the old views is still there", "because", err)
			}
			close(old.gone)
		})
	}
	s.first.Do(func() { close(s.published) })
}

// build makes a new file, fills it and puts it in place of the old one, while
// nobody reads.
func (v *Views) build(ctx context.Context) (*store, error) {
	// A rebuild that goes on would take the names of these files.
	if abort := v.abort.Load(); abort != nil {
		(*abort)(ErrBroken)
	}
	v.rebuilding.Lock()
	defer v.rebuilding.Unlock()
	if err := v.vacated(ctx); err != nil {
		return nil, err
	}
	fresh := v.path + ".new"
	if err := remove(fresh); err != nil {
		return nil, err
	}
	s, err := create(ctx, fresh, v.log.Epoch())
	if err != nil {
		return nil, err
	}
	s.alarm = v.alarm
	head, err := v.log.Head(ctx)
	if err == nil {
		end := v.progress.begin(v.logger, head)
		err = v.fill(ctx, s, head, nil, v.progress.reach)
		end()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	chosen, _ := s.chosen(nil)
	if err := s.finish(chosen); err != nil {
		return nil, err
	}
	if err := errors.Join(remove(v.path), remove(v.spare), move(fresh, v.path)); err != nil {
		return nil, err
	}
	s, why, err := v.reuse(ctx, v.path)
	if s == nil && err == nil {
		err = fmt.Errorf("projections: the views cannot be used right after they were built: %s", why)
	}
	return s, err
}

// move renames a file of views that nobody has open, with all that belongs to it.
func move(from, to string) error {
	for _, suffix := range []string{"-wal", ".seal", ""} {
		if err := os.Rename(from+suffix, to+suffix); err != nil && (suffix == "" || !errors.Is(err, os.ErrNotExist)) {
			return fmt.Errorf("projections: %w", err)
		}
	}
	return nil
}

// remove deletes a file of views with what SQLite keeps beside it.
func remove(path string) error {
	for _, suffix := range []string{".seal", "", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("projections: %w", err)
		}
	}
	return nil
}
