package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"till/domain/decider"
	"till/domain/eventlog"
)

// keptPasts is how many past moments are kept for whoever asks again.
const keptPasts = 4

// Moments reads the views as they stood at positions of the past. What was folded
// for one question is kept for the next; one moment is folded at a time, which
// goes on when who asked has left, since they will ask again.
type Moments struct {
	origin
	dir  string
	stop context.CancelFunc
	ctx  context.Context // of the folding

	mu      sync.Mutex
	kept    []*moment // the one that was read last comes last
	folding *moment
	closed  bool
}

// moment is a past that is kept, or being folded.
type moment struct {
	at   eventlog.Position
	past *Past
	err  error
	done chan struct{} // closed when past or err is set
	// reached is how far the folding is.
	reached eventlog.Position
	readers int
}

// Replaying is the answer to who asks for a moment that is not folded yet.
type Replaying struct {
	// At is the moment that is being folded, which may be another one's, Done how
	// far that is.
	At, Done eventlog.Position
}

func (r *Replaying) Error() string {
	return fmt.Sprintf("projections: the views are being replayed up to position %d and have reached %d; ask again in a moment", r.At, r.Done)
}

// Is makes errors.Is(r, decider.ErrNoState) true.
func (r *Replaying) Is(target error) bool { return target == decider.ErrNoState }

// NewMoments returns moments of the log, kept in a folder of their own inside
// dir, which is emptied of what a killed process left.
func NewMoments(dir string, log eventlog.Log, types *eventlog.Types) (*Moments, error) {
	dir = filepath.Join(dir, "past")
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("projections: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Moments{origin: origin{log, types}, dir: dir, ctx: ctx, stop: stop}, nil
}

// Read calls fn with a reader of the views as they stood at the position, once
// they are folded. When ctx ends before, the error is a *Replaying and the
// folding goes on; likewise at once when another moment is being folded. A
// position behind the log's end is eventlog.ErrBeyond.
func (m *Moments) Read(ctx context.Context, at eventlog.Position, fn func(*Reader) error) error {
	k, err := m.enter(ctx, at)
	if err != nil {
		return err
	}
	defer m.leave(k)
	select {
	case <-k.done:
	case <-ctx.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		return errors.Join(&Replaying{at, k.reached}, ctx.Err())
	}
	if k.err != nil {
		return k.err
	}
	return k.past.Read(ctx, fn)
}

// Own folds a past that is the caller's, to read, advance and close.
func (m *Moments) Own(ctx context.Context, at eventlog.Position, tell func(at, of eventlog.Position)) (*Past, error) {
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return nil, fmt.Errorf("projections: %w", err)
	}
	return OpenPast(ctx, m.dir, m.log, m.types, at, tell)
}

// Has is whether the moment is at hand or being folded, so that reading it
// begins no folding.
func (m *Moments) Has(at eventlog.Position) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.kept, func(k *moment) bool { return k.at == at })
}

// enter finds the moment or begins to fold it.
func (m *Moments) enter(ctx context.Context, at eventlog.Position) (*moment, error) {
	head, err := m.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	if at > head {
		return nil, fmt.Errorf("%w: %d, the log ends at %d", eventlog.ErrBeyond, at, head)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	if i := slices.IndexFunc(m.kept, func(k *moment) bool { return k.at == at }); i >= 0 {
		k := m.kept[i]
		m.kept = append(slices.Delete(m.kept, i, i+1), k)
		k.readers++
		return k, nil
	}
	if m.folding != nil {
		return nil, &Replaying{m.folding.at, m.folding.reached}
	}
	k := &moment{at: at, done: make(chan struct{}), readers: 1}
	m.kept, m.folding = append(m.kept, k), k
	from := m.nearest(at)
	if from != nil {
		from.readers++ // it must not be taken away meanwhile
	}
	go m.fold(k, from)
	m.trim()
	return k, nil
}

// nearest is the kept moment from which the way is shortest.
func (m *Moments) nearest(at eventlog.Position) (best *moment) {
	for _, k := range m.kept {
		if k.past != nil && k.at < at && (best == nil || k.at > best.at) {
			best = k
		}
	}
	return best
}

// fold makes the moment, on from another if there is one.
func (m *Moments) fold(k, from *moment) {
	tell := func(at, _ eventlog.Position) {
		m.mu.Lock()
		defer m.mu.Unlock()
		k.reached = at
	}
	past, err := func() (*Past, error) {
		if err := os.MkdirAll(m.dir, 0o700); err != nil {
			return nil, fmt.Errorf("projections: %w", err)
		}
		if from == nil {
			return OpenPast(m.ctx, m.dir, m.log, m.types, k.at, tell)
		}
		defer m.leave(from)
		past, err := from.past.Fork(m.ctx, nil)
		if err != nil {
			return nil, err
		}
		if err := past.Advance(m.ctx, k.at, tell); err != nil {
			return nil, errors.Join(err, past.Close())
		}
		return past, nil
	}()
	m.mu.Lock()
	defer m.mu.Unlock()
	k.past, k.err, m.folding = past, err, nil
	if err != nil { // whoever asks again tries again
		m.kept = slices.DeleteFunc(m.kept, func(other *moment) bool { return other == k })
	}
	close(k.done)
	m.trim()
}

func (m *Moments) leave(k *moment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k.readers--
	m.trim()
}

// trim takes away what is too much: moments that nobody reads, the ones that
// were read longest ago first.
func (m *Moments) trim() {
	most := keptPasts
	if m.closed {
		most = 0
	}
	for i := 0; i < len(m.kept) && len(m.kept) > most; {
		if k := m.kept[i]; k.readers > 0 || k == m.folding {
			i++
		} else {
			m.kept = slices.Delete(m.kept, i, i+1)
			_ = k.past.Close() // the folder is emptied at the next start
		}
	}
}

// Close ends the folding and takes all moments away that nobody reads.
func (m *Moments) Close() error {
	m.stop()
	m.mu.Lock()
	m.closed = true
	folding := m.folding
	m.trim()
	m.mu.Unlock()
	if folding != nil {
		<-folding.done
	}
	return os.RemoveAll(m.dir)
}
