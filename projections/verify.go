package projections

import (
	"context"
	"errors"

	"till/domain/eventlog"
)

// Verify builds the named views (all, for no names) anew beside those that serve
// and hands out every row in which the two differ at one and the same position,
// which it returns. After is the rebuilt row. Nothing is replaced. An event that
// cannot be folded is an error.
func (v *Views) Verify(ctx context.Context, names []string, tell func(at, of eventlog.Position), each func(Difference) error) (at eventlog.Position, err error) {
	chosen, err := newTables().chosen(names)
	if err != nil {
		return 0, err
	}
	ctx, end, err := v.alone(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	// All of them, whatever was named: one view is built from the same reading
	// of the log as all.
	path := v.path + ".verify"
	every, _ := newTables().chosen(nil)
	s, err := v.fresh(ctx, path, every, tell)
	if err == nil {
		at, err = v.against(ctx, s, chosen, each)
		s.close()
	}
	return at, errors.Join(because(ctx, err), remove(path))
}

// against compares what serves with the store, once that includes just as much.
func (v *Views) against(ctx context.Context, s *store, chosen map[string]bool, each func(Difference) error) (at eventlog.Position, err error) {
	quiet := func(eventlog.Position) {}
	// First nearly, so that the moment that is held below is short. What serves
	// may still lack the last events that the log held when the building began.
	if err := v.fill(ctx, s, v.Position(), nil, quiet); err != nil {
		return 0, err
	}
	if err := v.Wait(ctx, s.position); err != nil {
		return 0, err
	}
	err = v.with(ctx, func(live *store, c *conn) error {
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { _ = c.exec("COMMIT") }() // it wrote nothing
		if _, err := c.row("SELECT position FROM meta", nil, &at); err != nil {
			return err
		}
		if err := v.fill(ctx, s, at, nil, quiet); err != nil {
			return err
		}
		if s.position != at {
			return errMoved // the views were built anew meanwhile, from less
		}
		return differ(ctx, c, s.writer, chosen, each)
	})
	return at, err
}
