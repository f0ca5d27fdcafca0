package overlay

import (
	"context"

	"till/domain/eventlog"
)

// follow goes through the log below from the last event that stands before the
// place, with the edits woven in.
func (l *Log) follow(ctx context.Context, after eventlog.Position, most int, yield func([]eventlog.Envelope, error) bool) {
	from := eventlog.Position(0)
	if after > 0 {
		at, own := l.Origin(after)
		if from = at; !own || l.upTo(at) > 0 && l.edits[l.upTo(at)-1].At == at {
			from = max(at, 1) - 1 // the edit's own events may follow
		}
	}
	i := l.upTo(from)
	if i > 0 && l.edits[i-1].At == from {
		i-- // put in right after it
	}
	var batch []eventlog.Envelope
	say := func(e eventlog.Envelope) bool {
		if e.Position <= after {
			return true
		}
		if batch = append(batch, e); len(batch) < most {
			return true
		}
		whole := batch
		batch = nil
		return yield(whole, nil)
	}
	until := func(p eventlog.Position) bool { // the edits before the position
		for ; i < len(l.edits) && l.edits[i].At < p; i++ {
			for _, e := range l.put(i) {
				if !say(e) {
					return false
				}
			}
		}
		return true
	}
	if from < l.end {
		done := false
		for events, err := range l.base.Follow(ctx, from, most) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range events {
				if done = e.Position > l.end; done {
					break
				}
				if !until(e.Position) {
					return
				}
				gone := i < len(l.edits) && l.edits[i].At == e.Position && l.edits[i].Drop
				if !gone && !say(l.moved(e)) {
					return
				}
				done = e.Position == l.end
			}
			if done {
				break
			}
			if len(batch) > 0 { // what is there is handed out
				whole := batch
				if batch = nil; !yield(whole, nil) {
					return
				}
			}
		}
		if !done {
			return
		}
	}
	if !until(l.end + 1) {
		return
	}
	if len(batch) > 0 && !yield(batch, nil) {
		return
	}
	<-ctx.Done()
	yield(nil, ctx.Err())
}
