package projections

import (
	"context"

	"till/domain/eventlog"
	"till/domain/history"
)

// Concerning returns the events that concern the key, the oldest first: after one
// position and up to another (0 is the end of the log at the call), at most most
// of them (0 is all).
func (v *Views) Concerning(ctx context.Context, k history.Key, after, upto eventlog.Position, most int) (found []history.Happened, err error) {
	if upto == 0 {
		if upto, err = v.log.Head(ctx); err != nil {
			return nil, err
		}
	}
	if err := v.Wait(ctx, upto); err != nil {
		return nil, err
	}
	at, err := v.TrailBetween(ctx, k, after, upto)
	if err != nil {
		return nil, err
	}
	for e, err := range v.log.GetMany(ctx, at) {
		if err != nil {
			return nil, err
		}
		event, err := v.types.Decode(e)
		if err != nil {
			return nil, err
		}
		// The trail may lead to a little more than was asked for.
		if h := (history.Happened{Envelope: e, Event: event}); h.About(k) {
			if found = append(found, h); len(found) == most {
				break
			}
		}
	}
	return found, nil
}
