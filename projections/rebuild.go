package projections

import (
	"context"
	"errors"
	"fmt"
	"os"

	"till/domain/eventlog"
)

// ErrRebuilding: one rebuild or verification at a time.
var ErrRebuilding = errors.New("projections: a rebuild is under way; wait until it is done")

// ErrBroken: the views that serve were found to be broken. They are built anew
// before anything else is.
var ErrBroken = errors.New("projections: the views were damaged and are being built anew; try again once the shop is ready")

// alone begins what only one may do at a time: to make a file of views. It waits
// until the file is gone that the last one replaced, since the next one takes its
// name. The context that it returns ends when the views prove to be broken.
func (v *Views) alone(ctx context.Context) (alone context.Context, end func(), err error) {
	if !v.rebuilding.TryLock() {
		return nil, nil, ErrRebuilding
	}
	alone, cancel := context.WithCancelCause(ctx)
	v.abort.Store(&cancel)
	end = func() {
		cancel(nil)
		v.rebuilding.Unlock()
	}
	if err := v.vacated(alone); err != nil {
		end()
		return nil, nil, err
	}
	return alone, end, nil
}

// vacated waits until the file is gone that a rebuild replaced.
func (v *Views) vacated(ctx context.Context) error {
	if v.replaced == nil {
		return nil
	}
	select {
	case <-v.replaced.gone:
		v.replaced = nil
		return nil
	case <-v.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// because is the error of what alone began.
func because(alone context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(alone), ErrBroken) {
		return ErrBroken
	}
	return err
}

// near is how many events a rebuilt file may lack when the projector takes it
// over: what it folds in some milliseconds.
const near = 1_000

// Rebuild builds the named views (all, for no names) anew from the log, beside
// those that serve, and puts them in their place in one step: whoever reads
// meanwhile is answered from the old file, which goes when the last reader has
// left it. tell is told how many events are folded, of how many. An event that
// cannot be folded is an error here, and leaves everything as it was; what is
// set aside in the views that are built is set aside no longer.
func (v *Views) Rebuild(ctx context.Context, names []string, tell func(at, of eventlog.Position)) error {
	chosen, err := newTables().chosen(names)
	if err != nil {
		return err
	}
	ctx, end, err := v.alone(ctx)
	if err != nil {
		return err
	}
	defer end()
	return because(ctx, v.rebuild(ctx, chosen, tell))
}

func (v *Views) rebuild(ctx context.Context, chosen map[string]bool, tell func(at, of eventlog.Position)) error {
	old, err := v.ready(ctx)
	if err != nil {
		return err
	}
	target := v.path
	if old.path == v.path {
		target = v.spare
	}
	s, err := v.beside(ctx, target, chosen, tell)
	if err != nil {
		return errors.Join(err, remove(target+".new"), remove(target))
	}
	if err := v.replace(ctx, s); err != nil {
		s.inUse = false
		s.close()
		return errors.Join(err, remove(target))
	}
	v.replaced = old
	select {
	case <-s.published:
	case <-v.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err() // it takes its place all the same
	}
	return v.vacated(ctx)
}

// replace hands the store to the projector.
func (v *Views) replace(ctx context.Context, s *store) error {
	s.strict = false
	select {
	case v.rebuilt <- s:
		return nil
	case <-v.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beside builds a file with the chosen views made anew, which includes nearly
// all that the serving one does.
func (v *Views) beside(ctx context.Context, path string, chosen map[string]bool, tell func(at, of eventlog.Position)) (*store, error) {
	s, err := v.fresh(ctx, path+".new", chosen, tell)
	if err != nil {
		return nil, err
	}
	if err := s.finish(chosen); err != nil {
		return nil, err
	}
	if err := errors.Join(remove(path), move(path+".new", path)); err != nil {
		return nil, err
	}
	s, why, err := v.reuse(ctx, path)
	if s == nil && err == nil {
		err = fmt.Errorf("projections: the views cannot be used right after they were built: %s", why)
	}
	if err != nil {
		return nil, err
	}
	s.strict = true
	for live := v.Position(); s.position+near < live && err == nil; live = v.Position() {
		err = v.fill(ctx, s, live, nil, func(at eventlog.Position) { tell(at, live) })
	}
	if err != nil {
		s.inUse = false
		s.close()
	}
	return s, err
}

// fresh fills a new file up to where the log ends now; the views that are not
// chosen are copied from the file that serves.
func (v *Views) fresh(ctx context.Context, path string, chosen map[string]bool, tell func(at, of eventlog.Position)) (s *store, err error) {
	if err := remove(path); err != nil {
		return nil, err
	}
	var to eventlog.Position
	only := chosen
	if all(chosen) {
		only = nil
		if to, err = v.log.Head(ctx); err == nil {
			s, err = create(ctx, path, v.log.Epoch())
		}
	} else {
		s, to, err = v.copied(ctx, path, chosen)
	}
	if err != nil {
		return nil, err
	}
	s.strict = true
	if err := v.fill(ctx, s, to, only, func(at eventlog.Position) { tell(at, to) }); err != nil {
		s.close()
		return nil, err
	}
	s.restrict(nil)
	return s, nil
}

func all(chosen map[string]bool) bool {
	for _, ok := range chosen {
		if !ok {
			return false
		}
	}
	return true
}

// copied is a copy of the file that serves, as it stands at one moment, with the
// chosen views emptied.
func (v *Views) copied(ctx context.Context, path string, chosen map[string]bool) (s *store, at eventlog.Position, err error) {
	old, err := v.ready(ctx)
	if err != nil {
		return nil, 0, err
	}
	if !old.gate.enter() {
		return nil, 0, ErrCatchingUp
	}
	defer old.gate.leave()
	db, err := open(old.path, "busy_timeout(10000)")
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return nil, 0, fmt.Errorf("projections: copy the views: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, 0, fmt.Errorf("projections: %w", err)
	}
	s = &store{tables: newTables(), path: path}
	s.trail.begin(v.log.Epoch(), 0)
	err = s.connect(ctx, building)
	if err == nil {
		at, err = s.at()
	}
	if err == nil {
		err = s.begin(chosen)
	}
	if err == nil {
		err = s.recallAside(ctx)
	}
	if err != nil {
		s.close()
		return nil, 0, err
	}
	return s, at, nil
}
