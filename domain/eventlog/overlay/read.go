package overlay

import (
	"context"
	"fmt"
	"iter"

	"till/domain/eventlog"
)

// Append implements [eventlog.Log]: it refuses.
func (l *Log) Append(context.Context, ...eventlog.Change) (eventlog.Position, error) {
	return 0, ErrReadOnly
}

// Head implements [eventlog.Log].
func (l *Log) Head(context.Context) (eventlog.Position, error) { return l.head(), nil }

func (l *Log) head() eventlog.Position {
	return l.end + eventlog.Position(l.grown[len(l.edits)])
}

// Epoch implements [eventlog.Log].
func (l *Log) Epoch() string { return l.epoch }

// put are the events of an edit as they stand here.
func (l *Log) put(i int) []eventlog.Envelope {
	e := l.edits[i]
	at := e.At + eventlog.Position(l.grown[i+1]-len(e.Put))
	out := make([]eventlog.Envelope, len(e.Put))
	for n, p := range e.Put {
		p.Position = at + eventlog.Position(n) + 1
		out[n] = p
	}
	return out
}

// Read implements [eventlog.Log].
func (l *Log) Read(ctx context.Context, s eventlog.Stream) iter.Seq2[eventlog.Envelope, error] {
	base := l.base.Read(ctx, s)
	if l.streams[s] == nil {
		return func(yield func(eventlog.Envelope, error) bool) {
			for e, err := range base {
				if err == nil && e.Position > l.end {
					return
				}
				if err == nil {
					e = l.moved(e)
				}
				if !yield(e, err) {
					return
				}
			}
		}
	}
	return func(yield func(eventlog.Envelope, error) bool) {
		number, i := uint64(0), 0
		say := func(e eventlog.Envelope) bool {
			if e.Stream != s {
				return true
			}
			number++
			e.Number = number
			return yield(e, nil)
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
		for e, err := range base {
			if err != nil {
				yield(e, err)
				return
			}
			if e.Position > l.end {
				break
			}
			if !until(e.Position) {
				return
			}
			if i < len(l.edits) && l.edits[i].At == e.Position && l.edits[i].Drop {
				continue
			}
			if !say(l.moved(e)) {
				return
			}
		}
		until(l.end + 1)
	}
}

// Get implements [eventlog.Log].
func (l *Log) Get(ctx context.Context, at eventlog.Position) (eventlog.Envelope, error) {
	if at == 0 || at > l.head() {
		return eventlog.Envelope{}, fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, at, l.head())
	}
	for batch, err := range l.Follow(ctx, at-1, 1) {
		if err != nil {
			return eventlog.Envelope{}, err
		}
		return batch[0], nil
	}
	return eventlog.Envelope{}, ctx.Err()
}

// GetMany implements [eventlog.Log].
func (l *Log) GetMany(ctx context.Context, positions []eventlog.Position) iter.Seq2[eventlog.Envelope, error] {
	return func(yield func(eventlog.Envelope, error) bool) {
		for _, at := range positions {
			e, err := l.Get(ctx, at)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Follow implements [eventlog.Log]. What is put in counts as one that its stream
// has had, in the order of the history.
func (l *Log) Follow(ctx context.Context, after eventlog.Position, most int) iter.Seq2[[]eventlog.Envelope, error] {
	return func(yield func([]eventlog.Envelope, error) bool) {
		if after > l.head() {
			yield(nil, fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, after, l.head()))
			return
		}
		l.follow(ctx, after, max(most, 1), yield)
	}
}
