package cmd

import (
	"context"
	"encoding/json"
	"fmt"

	"till/domain/eventlog"
	"till/projections"
)

type quarantineCmd struct {
	List  quarantineListCmd  `cmd:"" default:"withargs" help:"What is set aside, since this program cannot fold one of its events."`
	Retry quarantineRetryCmd `cmd:"" help:"Build the views anew that hold such streams, with a program that can fold them."`
}

type quarantineListCmd struct {
	dataFlag
	JSON bool `help:"One JSON object a line."`
}

// aside is a stream that is set aside, as it is listed.
type aside struct {
	projections.Quarantined
	// Who is the login name of the person whose it is.
	Who string `json:"who,omitempty"`
}

type none struct{}

var askQuarantine = question[none, aside]{"quarantine", (*App).quarantine}

func (a *App) quarantine(ctx context.Context, _ none, out reply[aside]) error {
	all, err := a.views.Quarantine(ctx)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, q := range all {
		if err := out.item(aside{q, a.name(ctx, names, q.User)}); err != nil {
			return err
		}
	}
	return nil
}

func (c quarantineListCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	n := 0
	err = askQuarantine.ask(ctx, shop, none{}, func(q aside) error {
		n++
		if c.JSON {
			return json.NewEncoder(t.out).Encode(q)
		}
		of := ""
		if q.Who != "" {
			of = " of " + q.Who
		}
		_, err := fmt.Fprintf(t.out, "%s%s from position %d on (event %d): %s\n", q.Stream, of, q.Position, q.Number, short(q.Reason, 200))
		return err
	}, nil)
	if err == nil && n == 0 && !c.JSON {
		fmt.Fprintln(t.out, "Nothing is set aside.")
	}
	return err
}

type quarantineRetryCmd struct{ dataFlag }

var askRetry = question[none, none]{"retry", (*App).retry}

func (a *App) retry(ctx context.Context, _ none, out reply[none]) error {
	tell := out.told(ctx)
	return tell.or(a.views.Retry(tell.ctx, tell.progress))
}

func (c quarantineRetryCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	was := 0
	count := func(aside) error { was++; return nil }
	if err := askQuarantine.ask(ctx, shop, none{}, count, nil); err != nil {
		return err
	}
	if was == 0 {
		fmt.Fprintln(t.out, "Nothing is set aside.")
		return nil
	}
	bar := newBar(t.err, "events")
	err = askRetry.ask(ctx, shop, none{}, nil, bar.reach)
	bar.clear()
	if err != nil {
		return fmt.Errorf("nothing has changed: %w; run a till whose code can fold it, then retry", err)
	}
	_, err = fmt.Fprintf(t.out, "%d %s can be read again.\n", was, plural(was, "stream"))
	return err
}

var _ eventlog.Position // the words of a position are eventlog's
