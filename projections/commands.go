package projections

import (
	"context"
	"strings"

	"till/domain/decider"
	"till/domain/eventlog"
)

// commands is the view of the commands that may come again: which stream each
// changed, and under which arguments. A command that carries no fingerprint is
// never asked for, and is not kept.
type commands struct {
	fresh []done
}

// done is a command with where it left its first event. It keeps no event: one
// of them would hold its whole batch in memory until the next write.
type done struct {
	id string
	decider.Receipt
}

func (*commands) about() about { return about{"commands", 1, []string{"commands"}} }

func (*commands) schema() []string {
	return []string{`CREATE TABLE commands (id TEXT PRIMARY KEY, category TEXT NOT NULL, stream TEXT NOT NULL,
		fingerprint TEXT NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID`}
}

func (*commands) later() []string { return nil }

func (*commands) rowsAt() string { return "commands" }

func (v *commands) take(_ *conn, f fact) error {
	if f.Fingerprint != "" {
		v.fresh = append(v.fresh, done{strings.Clone(f.Command), decider.Receipt{
			Stream:      eventlog.Stream{Category: f.Stream.Category, ID: strings.Clone(f.Stream.ID)},
			Fingerprint: strings.Clone(f.Fingerprint), Position: f.Position, Number: f.Number,
		}})
	}
	return nil
}

func (v *commands) dirty() int { return len(v.fresh) }

func (v *commands) write(c *conn, _ eventlog.Position, _ bool) error {
	for _, d := range v.fresh {
		// One decision may have made several events; the first one stands for it.
		if err := c.exec("INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
			d.id, d.Stream.Category, d.Stream.ID, d.Fingerprint, int64(d.Position), int64(d.Number)); err != nil {
			return err
		}
	}
	return nil
}

func (*commands) drop(string, eventlog.Position) {}

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
