package projections

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"till/domain/eventlog"
)

// progress tells how far a build is.
type progress struct {
	mu       sync.Mutex
	logger   *slog.Logger
	building bool
	began    time.Time
	told     time.Time
	at, head eventlog.Position
}

func (p *progress) begin(logger *slog.Logger, head eventlog.Position) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.logger, p.building, p.began, p.told, p.at, p.head = logger, true, now, now, 0, head
	return func() {
		p.mu.Lock()
		p.building = false
		at, cut := p.at, p.at < p.head
		p.mu.Unlock() // who takes the news may ask how far it is
		if cut {
			return // why is told elsewhere
		}
		logger.Info("the views are built", "events", at, "seconds", time.Since(now).Seconds())
	}
}

func (p *progress) reach(at eventlog.Position) {
	p.mu.Lock()
	p.at = at
	now, head, began := time.Now(), p.head, p.began
	tell := now.Sub(p.told) > 2*time.Second
	if tell {
		p.told = now
	}
	p.mu.Unlock()
	if tell {
		p.logger.Info("building the views", "position", at, "of", head, "events_per_second", int(float64(at)/now.Sub(began).Seconds()))
	}
}

// Stats are what the views say about themselves.
type Stats struct {
	// Position is what they include, Head where the log ends.
	Position, Head eventlog.Position
	// Ready is whether they may be read; while they are not, Building is whether
	// they are built anew and Built how far that is.
	Ready    bool
	Building bool
	Built    eventlog.Position
	// Rows counts the rows by view; only when ready.
	Rows map[string]int
}

// Lag is how many events the views are behind the log.
func (s Stats) Lag() uint64 { return uint64(s.Head - min(s.Position, s.Head)) }

// Stats looks at the views. Counting rows reads whole tables: it is for people
// and doctors, not for every call.
func (v *Views) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	var err error
	if s.Head, err = v.log.Head(ctx); err != nil {
		return s, err
	}
	s.Position = v.Position()
	v.progress.mu.Lock()
	s.Building, s.Built = v.progress.building, v.progress.at
	v.progress.mu.Unlock()
	if v.store.Load() == nil {
		return s, v.Check()
	}
	s.Ready, s.Rows = true, map[string]int{}
	err = v.with(ctx, func(st *store, c *conn) error {
		for _, table := range []string{"carts", "orders", "history", "products", "variants", "stock", "grants", "accounts", "clients", "sessions", "spending", "codes", "commands"} {
			var n int
			if _, err := c.row("SELECT count(*) FROM "+table, nil, &n); err != nil {
				return err
			}
			s.Rows[table] = n
		}
		return nil
	})
	return s, err
}
