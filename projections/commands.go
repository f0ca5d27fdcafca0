package projections

import (
	"context"

	"till/domain/decider"
	"till/domain/eventlog"
)

// commands is the view of the commands that may come again: which stream each
// changed, and under which arguments. A command that carries no fingerprint is
// never asked for, and is not kept.
type commands struct {
	fresh []fact
}

func (*commands) schema() []string {
	return []string{`CREATE TABLE commands (id TEXT PRIMARY KEY, category TEXT NOT NULL, stream TEXT NOT NULL,
		fingerprint TEXT NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID`}
}

func (*commands) later() []string { return nil }

func (*commands) rowsAt() string { return "commands" }

func (v *commands) take(_ *conn, f fact) error {
	if f.Fingerprint != "" {
		v.fresh = append(v.fresh, f)
	}
	return nil
}

func (v *commands) dirty() int { return len(v.fresh) }

func (v *commands) write(c *conn, _ eventlog.Position, _ bool) error {
	for _, f := range v.fresh {
		// One decision may have made several events; the first one stands for it.
		if err := c.exec("INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
			f.Command, f.Stream.Category, f.Stream.ID, f.Fingerprint, int64(f.Position), int64(f.Number)); err != nil {
			return err
		}
	}
	return nil
}

func (v *commands) settle() {
	clear(v.fresh)
	v.fresh = v.fresh[:0]
}

// Command implements decider.Source.
func (v *Views) Command(ctx context.Context, id string) (r decider.Receipt, ok bool, err error) {
	err = v.with(ctx, func(_ *store, c *conn) error {
		ok, err = c.row("SELECT category, stream, fingerprint, position, number FROM commands WHERE id = ?", []any{id},
			&r.Stream.Category, &r.Stream.ID, &r.Fingerprint, &r.Position, &r.Number)
		return err
	})
	return r, ok, err
}
