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
	if err := remove(v.path + ".new"); err != nil { // of a build that was cut off
		v.logger.Warn("an unfinished file of views is in the way", "because", err)
	}
	var s *store
	why := "" // empty while the file has not been looked at
	for pause := time.Duration(0); ctx.Err() == nil; {
		var err error
		if s == nil && why == "" {
			s, why, err = v.reuse(ctx)
		}
		if s == nil && err == nil {
			v.logger.Info("the views are built from the log", "because", why)
			s, err = v.build(ctx)
		}
		if err == nil {
			err = v.follow(ctx, s)
		}
		switch {
		case ctx.Err() != nil:
		case s != nil && (isBroken(err) || errors.Is(err, eventlog.ErrBeyond)):
			s.inUse = false // it must not call itself closed in order
			v.retire(s)
			s, why = nil, err.Error()
		case errors.Is(err, eventlog.ErrDamaged), errors.Is(err, eventlog.ErrUnknownType), errors.Is(err, errPanic):
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
}

// retire takes a store out of use and closes it.
func (v *Views) retire(s *store) {
	v.store.Store(nil)
	v.position.Store(0)
	if s != nil {
		s.close()
	}
	select {
	case <-v.broken: // what was found in this one says nothing about the next
	default:
	}
}

// publish lets the store be read up to what has been written.
func (v *Views) publish(s *store) {
	s.show(s.written) // before anybody who waits is told
	v.position.Store(uint64(s.written))
	v.store.Store(s)
	if s.condemned.Load() {
		v.store.CompareAndSwap(s, nil)
	}
	v.turns.wake()
}

// build makes a new file beside the old one, fills it and puts it in its place.
func (v *Views) build(ctx context.Context) (*store, error) {
	fresh := v.path + ".new"
	if err := remove(fresh); err != nil {
		return nil, err
	}
	s, err := create(ctx, fresh, v.log.Epoch())
	if err != nil {
		return nil, err
	}
	if err := v.fill(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	if err := remove(v.path); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Rename(fresh, v.path), os.Rename(sealOf(fresh), sealOf(v.path))); err != nil {
		return nil, fmt.Errorf("projections: %w", err)
	}
	s, why, err := v.reuse(ctx)
	if s == nil && err == nil {
		err = fmt.Errorf("projections: the views cannot be used right after they were built: %s", why)
	}
	return s, err
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
