package projections

import (
	"context"
	"fmt"
	"slices"

	"till/domain/eventlog"
	"till/domain/history"
)

// Trail returns the positions of all events that concern the key, the oldest
// first: at least up to the position that the views include at the call. What an
// order's, a session's or a grant's owner did not do themself is on their trail
// too. A key that is on many events gets a long answer; see TrailBetween.
func (v *Views) Trail(ctx context.Context, k history.Key) ([]eventlog.Position, error) {
	return v.TrailBetween(ctx, k, 0, 0)
}

// TrailBetween is Trail after one position and up to another; 0 is the end.
func (v *Views) TrailBetween(ctx context.Context, k history.Key, after, upto eventlog.Position) ([]eventlog.Position, error) {
	if upto == 0 {
		upto = 1<<53 - 1
	}
	var found []eventlog.Position
	err := v.with(ctx, func(s *store, c *conn) (err error) {
		hash := s.trail.hash(k)
		// First what is in memory, then the file: what leaves the memory in
		// between is found twice, the other way round it would be missed.
		recent, err := s.trail.recent(hash)
		if err != nil {
			return err
		}
		if found, err = s.trail.stored(ctx, c, hash, after, upto); err != nil {
			return err
		}
		found = append(found, recent...)
		slices.Sort(found)
		found = slices.Compact(found)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(at eventlog.Position) bool { return at <= after || at > upto }), nil
}

// recent finds the positions that the file may not have.
func (t *trail) recent(hash uint64) (found []eventlog.Position, err error) {
	part := hash >> (64 - partBits)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, done := range t.whole {
		if found, err = unpack(part, done.number, done.parts[part], hash, found); err != nil {
			return nil, &unreadable{err}
		}
	}
	for _, entry := range t.open[part] {
		if entry&^placeMask == hash {
			found = append(found, eventlog.Position(t.number<<chunkBits|entry&placeMask)+1)
		}
	}
	return found, nil
}

// stored finds the positions in the file's chunks that reach into the range.
func (t *trail) stored(ctx context.Context, c *conn, hash uint64, after, upto eventlog.Position) ([]eventlog.Position, error) {
	part := hash >> (64 - partBits)
	// A position and the chunks up to it are written together.
	if err := c.exec("BEGIN"); err != nil {
		return nil, err
	}
	defer func() { _ = c.exec("COMMIT") }() // it wrote nothing
	var at uint64
	if _, err := c.row("SELECT position FROM meta", nil, &at); err != nil {
		return nil, err
	}
	first, end := uint64(after)>>chunkBits, min(chunkOf(max(upto, 1))+1, at>>chunkBits)
	if first >= end {
		return nil, nil
	}
	var found []eventlog.Position
	next := first
	err := c.rows(ctx, "SELECT id, entries FROM trail WHERE id >= ? AND id < ? ORDER BY id", []any{rowOf(part, first), rowOf(part, end)},
		func(scan func(...any) error) (err error) {
			var id int64
			var entries []byte
			if err := scan(&id, &entries); err != nil {
				return err
			}
			if id != rowOf(part, next) {
				return &unreadable{fmt.Errorf("%w: chunk %d is missing", errPacked, next)}
			}
			if found, err = unpack(part, next, entries, hash, found); err != nil {
				return &unreadable{err}
			}
			next++
			return nil
		})
	if err == nil && next != end {
		err = &unreadable{fmt.Errorf("%w: chunk %d is missing", errPacked, next)}
	}
	return found, err
}

// recall reads from the log what the file has folded since its last whole chunk.
func (t *trail) recall(ctx context.Context, v *Views, s *store) error {
	t.begin(v.log.Epoch(), s.position)
	at := eventlog.Position(t.number << chunkBits)
	if at >= s.position {
		return nil
	}
	for events, err := range v.log.Follow(ctx, at, most) {
		if err != nil {
			return err
		}
		for i := range events {
			if events[i].Position > s.position {
				break
			}
			value, err := v.read(&events[i])
			if err != nil {
				return err
			}
			if err := t.take(s.writer, fact{&events[i], value}); err != nil {
				return err
			}
		}
		if events[len(events)-1].Position >= s.position {
			return nil
		}
	}
	return ctx.Err()
}
