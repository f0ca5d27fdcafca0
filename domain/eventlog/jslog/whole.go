package jslog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// state asks the stream's leader how far the stream reaches, and whether it
// still counts as many events as it has taken.
func (l *Log) state(ctx context.Context) (jetstream.StreamState, error) {
	seen := l.seen.Load() // before the question: what comes meanwhile is not in the answer
	state, err := l.info(ctx, nil)
	if err != nil {
		return state, refusedOr(err)
	}
	return state, l.whole(ctx, state, seen)
}

func (l *Log) info(ctx context.Context, request any) (jetstream.StreamState, error) {
	var answer struct {
		State jetstream.StreamState `json:"state"`
	}
	err := l.api(ctx, "STREAM.INFO."+streamName, request, &answer)
	return answer.State, err
}

// listed bounds how many missing events are asked for one by one.
const listed = 50_000

// whole compares how many events the server has with how many it has taken:
// nothing is ever deleted, so the two are one. The server drops what it finds
// damaged when it makes its index anew (after a kill, or when the index itself
// is damaged) and says nothing; here it shows. What it has not read since it
// was damaged does not show: whoever reads it finds out. Nor may the log end
// before what it has already told somebody of.
func (l *Log) whole(ctx context.Context, state jetstream.StreamState, seen uint64) error {
	gap := &eventlog.Gap{Where: "the log"}
	switch {
	case state.LastSeq < seen && l.keeper != Keeper(alone{}):
		// In a cluster a leader that was just elected may for a moment not know all
		// that the one before it had.
		gap.From, gap.To = state.LastSeq+1, seen
		return gap
	case state.Msgs == state.LastSeq:
		l.reached(state.LastSeq)
		return nil
	case state.FirstSeq > 1:
		gap.From, gap.To = 1, state.FirstSeq-1
		return gap
	case state.LastSeq-state.Msgs > listed:
		return fmt.Errorf("%w: %d of its %d events are missing; stop the shop and restore its data folder from a backup",
			eventlog.ErrDamaged, state.LastSeq-state.Msgs, state.LastSeq)
	}
	gap.From, gap.To = state.Msgs+1, state.LastSeq // unless it is told better
	if told, err := l.info(ctx, map[string]bool{"deleted_details": true}); err == nil && len(told.Deleted) > 0 {
		gap.From, gap.To = told.Deleted[0], told.Deleted[0]
		for _, missing := range told.Deleted[1:] {
			if missing != gap.To+1 {
				break
			}
			gap.To = missing
		}
	}
	return gap
}

// reached notes that the log has told somebody of an event at the sequence.
func (l *Log) reached(seq uint64) {
	for {
		seen := l.seen.Load()
		if seq <= seen || l.seen.CompareAndSwap(seen, seq) {
			return
		}
	}
}
