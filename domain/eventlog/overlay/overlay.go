// Package overlay is a log as it might have been: another log up to a fixed end,
// with events left out of it and put into it. It stores nothing, leaves the log
// under it as it is and does not judge whether its history could have happened.
package overlay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"

	"till/domain/eventlog"
)

// Edit is a change of the history at one position of the log below.
type Edit struct {
	At eventlog.Position
	// Drop leaves out the event there.
	Drop bool
	// Put are events that come right after it, or in its place. Their Number
	// must be the one that they have here; their Position is set.
	Put []eventlog.Envelope
}

// Log is the history with the edits. Positions and the streams' numbers have no
// gap.
type Log struct {
	base  eventlog.Log
	end   eventlog.Position // of base
	epoch string
	edits []Edit
	// grown is by how many events the history is longer after so many edits.
	grown []int
	// streams hold the same for each stream that is edited.
	streams map[eventlog.Stream]*shifts
}

// shifts are by how many a stream's numbers have moved after a position.
type shifts struct {
	after []eventlog.Position
	by    []int
}

// ErrReadOnly: a history that might have been takes no events.
var ErrReadOnly = errors.New("eventlog: this history is only thought of and takes no events")

var _ eventlog.Log = (*Log)(nil)

// New returns the log up to the end with the edits, which stand in the order of
// their positions, each at another one. It reads the events that are left out,
// to know their streams.
func New(ctx context.Context, base eventlog.Log, end eventlog.Position, epoch string, edits []Edit) (*Log, error) {
	l := &Log{base: base, end: end, epoch: epoch, edits: edits, grown: make([]int, len(edits)+1), streams: map[eventlog.Stream]*shifts{}}
	var dropped []eventlog.Position
	for i, e := range edits {
		if e.At > end || e.Drop && e.At == 0 || i > 0 && e.At <= edits[i-1].At {
			return nil, fmt.Errorf("%w: an edit at position %d of %d", eventlog.ErrInvalid, e.At, end)
		}
		l.grown[i+1] = l.grown[i] + len(e.Put)
		if e.Drop {
			l.grown[i+1]--
			dropped = append(dropped, e.At)
		}
	}
	next, stop := iter.Pull2(base.GetMany(ctx, dropped))
	defer stop()
	for _, e := range edits {
		if e.Drop {
			gone, err, ok := next()
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, fmt.Errorf("%w: no event at position %d", eventlog.ErrDamaged, e.At)
			}
			l.shift(gone.Stream, e.At, -1)
		}
		for _, put := range e.Put {
			l.shift(put.Stream, e.At, 1)
		}
	}
	return l, nil
}

func (l *Log) shift(s eventlog.Stream, at eventlog.Position, by int) {
	sh := l.streams[s]
	if sh == nil {
		sh = &shifts{}
		l.streams[s] = sh
	}
	if n := len(sh.by); n > 0 {
		by += sh.by[n-1]
	}
	sh.after, sh.by = append(sh.after, at), append(sh.by, by)
}

// upTo is how many of the edits stand at or before the position below.
func (l *Log) upTo(p eventlog.Position) int {
	return sort.Search(len(l.edits), func(i int) bool { return l.edits[i].At > p })
}

// moved is an event of the log below that stays, as it stands here.
func (l *Log) moved(e eventlog.Envelope) eventlog.Envelope {
	if sh := l.streams[e.Stream]; sh != nil {
		if i := sort.Search(len(sh.after), func(i int) bool { return sh.after[i] >= e.Position }); i > 0 {
			e.Number += uint64(sh.by[i-1])
		}
	}
	// An edit at its own position that leaves it is behind it.
	i := sort.Search(len(l.edits), func(i int) bool { return l.edits[i].At >= e.Position })
	e.Position += eventlog.Position(l.grown[i])
	return e
}

// Origin is where the event stands in the log below; for one that was put in,
// where that was. own is false then.
func (l *Log) Origin(p eventlog.Position) (at eventlog.Position, own bool) {
	// The first edit behind which more than p events have come by.
	i := sort.Search(len(l.edits), func(i int) bool {
		return int64(l.edits[i].At)+int64(l.grown[i+1]) >= int64(p)
	})
	at = p - eventlog.Position(l.grown[i])
	if i == len(l.edits) || at < l.edits[i].At || at == l.edits[i].At && !l.edits[i].Drop {
		return at, true
	}
	return l.edits[i].At, false
}
