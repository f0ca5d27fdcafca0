package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"till/domain/eventlog"
	"till/projections"
)

type diffCmd struct {
	dataFlag
	From string `arg:"" help:"A moment: a position (1234), a time (2026-11-20T10:00:00Z) or how long ago (-15m)."`
	To   string `arg:"" optional:"" help:"A later or earlier moment (default: now)."`
	User string `help:"Only what is this user's (login name or id)." placeholder:"USER"`
	JSON bool   `help:"One JSON object a line."`
}

type diffQuestion struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	User string `json:"user,omitempty"`
}

// diffReply is first the two positions, then a difference at a time.
type diffReply struct {
	From       eventlog.Position       `json:"from,omitempty"`
	To         eventlog.Position       `json:"to,omitempty"`
	Difference *projections.Difference `json:"difference,omitempty"`
}

var askDiff = question[diffQuestion, diffReply]{"diff", (*App).diff}

func (a *App) diff(ctx context.Context, q diffQuestion, out reply[diffReply]) error {
	user, err := a.userID(ctx, q.User)
	if err != nil {
		return err
	}
	from, err := a.moment(ctx, q.From)
	if err != nil {
		return err
	}
	to, err := a.moment(ctx, q.To)
	if err != nil {
		return err
	}
	if err := out.item(diffReply{From: from, To: to}); err != nil {
		return err
	}
	tell := out.told(ctx)
	early, late := min(from, to), max(from, to)
	one, err := a.moments.Own(tell.ctx, early, func(at, _ eventlog.Position) { tell.progress(at, late) })
	if err != nil {
		return tell.or(err)
	}
	defer one.Close() // the folder of pasts is emptied in any case
	two, err := one.Fork(ctx, nil)
	if err != nil {
		return err
	}
	defer two.Close()
	if err := two.Advance(tell.ctx, late, tell.progress); err != nil {
		return tell.or(err)
	}
	if from > to {
		one, two = two, one
	}
	return one.Diff(ctx, two, func(d projections.Difference) error {
		if user != "" && !d.Concerns(user) {
			return nil
		}
		return out.item(diffReply{Difference: &d})
	})
}

// moment is the position on the log that a person names.
func (a *App) moment(ctx context.Context, text string) (eventlog.Position, error) {
	m, err := eventlog.ParseMoment(text, time.Now())
	if err != nil {
		return 0, err
	}
	return m.On(ctx, a.log)
}

func rowsDiffer(n int) string {
	if n == 1 {
		return "1 row differs"
	}
	return fmt.Sprintf("%d rows differ", n)
}

func (c diffCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	bar, n := newBar(t.err, "events"), 0
	var from, to eventlog.Position
	err = askDiff.ask(ctx, shop, diffQuestion{c.From, c.To, c.User}, func(r diffReply) error {
		bar.clear()
		if r.Difference == nil {
			from, to = r.From, r.To
			return nil
		}
		n++
		if c.JSON {
			return json.NewEncoder(t.out).Encode(r.Difference)
		}
		_, err := fmt.Fprintln(t.out, differenceText(*r.Difference))
		return err
	}, bar.reach)
	bar.clear()
	if err == nil && !c.JSON {
		_, err = fmt.Fprintf(t.out, "%s between positions %d and %d.\n", rowsDiffer(n), from, to)
	}
	return err
}
