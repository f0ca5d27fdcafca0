package cmd

import (
	"context"
	"slices"

	"till/domain/eventlog"
)

const (
	// stretch is how many positions are looked at in one go.
	stretch = 1 << 20
	// dense is how many positions the log passes by in the time in which it
	// finds one event.
	dense = 16
)

// on returns the positions after one and up to the other that all keys lead to.
func (s selection) on(ctx context.Context, after, to eventlog.Position) (all []eventlog.Position, err error) {
	for i, k := range s.keys {
		found, err := s.views.TrailBetween(ctx, k, after, to)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			all = found
			continue
		}
		all = slices.DeleteFunc(all, func(at eventlog.Position) bool {
			_, ok := slices.BinarySearch(found, at)
			return !ok
		})
	}
	return all, nil
}

// between hands out the events after one position and up to another.
func (s selection) between(ctx context.Context, after, to eventlog.Position, say func(eventlog.Envelope) error) error {
	if len(s.keys) == 0 {
		return s.scan(ctx, after, to, nil, say)
	}
	if after < to {
		if err := s.views.Wait(ctx, to); err != nil {
			return err
		}
	}
	for ; after < to; after = min(after+stretch, to) {
		end := min(after+stretch, to)
		found, err := s.on(ctx, after, end)
		if err != nil {
			return err
		}
		if len(found)*dense > int(end-after) {
			if err := s.scan(ctx, after, end, found, say); err != nil {
				return err
			}
			continue
		}
		for e, err := range s.log.GetMany(ctx, found) {
			if err != nil {
				return err
			}
			if s.filter.fits(e) {
				if err := say(e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// scan reads all events of the range and hands out those that fit. Where there
// are keys, only the positions that they led to can.
func (s selection) scan(ctx context.Context, after, to eventlog.Position, found []eventlog.Position, say func(eventlog.Envelope) error) error {
	if after >= to {
		return nil
	}
	for batch, err := range s.log.Follow(ctx, after, 1000) {
		if err != nil {
			return err
		}
		for _, e := range batch {
			if e.Position > to {
				return nil
			}
			if err := s.pass(e, found, say); err != nil {
				return err
			}
		}
		if batch[len(batch)-1].Position >= to {
			return nil
		}
	}
	return nil
}

func (s selection) pass(e eventlog.Envelope, found []eventlog.Position, say func(eventlog.Envelope) error) error {
	if len(s.keys) > 0 {
		if _, ok := slices.BinarySearch(found, e.Position); !ok {
			return nil
		}
	}
	if !s.filter.fits(e) {
		return nil
	}
	return say(e)
}

// newest hands out the last n events that fit, the oldest of them first. It
// looks from the end, each time four times as far.
func (s selection) newest(ctx context.Context, n int, say func(eventlog.Envelope) error) error {
	var all []eventlog.Envelope
	for end, far := s.to, eventlog.Position(1024); end > s.after && len(all) < n; far = min(4*far, stretch) {
		begin := s.after
		if end > s.after+far {
			begin = end - far
		}
		var found []eventlog.Envelope
		err := s.between(ctx, begin, end, func(e eventlog.Envelope) error {
			if found = append(found, e); len(found) > 2*n {
				found = slices.Delete(found, 0, len(found)-n)
			}
			return nil
		})
		if err != nil {
			return err
		}
		all, end = append(found, all...), begin
	}
	for _, e := range all[max(0, len(all)-n):] {
		if err := say(e); err != nil {
			return err
		}
	}
	return nil
}

// follow hands out what happens from the end of the selection on, until ctx ends.
func (s selection) follow(ctx context.Context, say func(eventlog.Envelope) error) error {
	for batch, err := range s.log.Follow(ctx, max(s.after, s.to), 1000) {
		if err != nil {
			return err
		}
		var found []eventlog.Position
		if len(s.keys) > 0 {
			first, last := batch[0].Position, batch[len(batch)-1].Position
			if err := s.views.Wait(ctx, last); err != nil {
				return err
			}
			if found, err = s.on(ctx, first-1, last); err != nil {
				return err
			}
		}
		for _, e := range batch {
			if err := s.pass(e, found, say); err != nil {
				return err
			}
		}
	}
	return nil
}
