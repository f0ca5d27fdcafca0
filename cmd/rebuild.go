package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"till/domain/eventlog"
	"till/projections"
)

type rebuildCmd struct {
	dataFlag
	View   []string `arg:"" optional:"" help:"The views to build anew: carts, orders, products, stock, grants, accounts, clients, sessions, commands (default: all)."`
	Verify bool     `help:"Replace nothing: compare the views with rebuilt ones row by row, and exit with 1 if they differ."`
	JSON   bool     `help:"The differences as one JSON object a line."`
}

// rebuildQuestion asks to build views anew, or only to compare.
type rebuildQuestion struct {
	Views  []string `json:"views,omitempty"`
	Verify bool     `json:"verify,omitempty"`
}

// rebuildReply is a difference that was found, or at the end the position at
// which all else is the same.
type rebuildReply struct {
	Difference *projections.Difference `json:"difference,omitempty"`
	At         eventlog.Position       `json:"at,omitempty"`
}

var askRebuild = question[rebuildQuestion, rebuildReply]{"rebuild", (*App).rebuild}

func (a *App) rebuild(ctx context.Context, q rebuildQuestion, out reply[rebuildReply]) error {
	tell := out.told(ctx)
	if !q.Verify {
		if err := a.views.Rebuild(tell.ctx, q.Views, tell.progress); err != nil {
			return tell.or(err)
		}
		return out.item(rebuildReply{At: a.views.Position()})
	}
	at, err := a.views.Verify(tell.ctx, q.Views, tell.progress, func(d projections.Difference) error {
		return out.item(rebuildReply{Difference: &d})
	})
	if err != nil {
		return tell.or(err)
	}
	return out.item(rebuildReply{At: at})
}

func (c rebuildCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	begin, found := time.Now(), 0
	var at eventlog.Position
	bar := newBar(t.err, "events")
	err = askRebuild.ask(ctx, shop, rebuildQuestion{c.View, c.Verify}, func(r rebuildReply) error {
		bar.clear()
		if r.Difference == nil {
			at = r.At
			return nil
		}
		found++
		if c.JSON {
			return json.NewEncoder(t.out).Encode(r.Difference)
		}
		_, err := fmt.Fprintln(t.out, differenceText(*r.Difference))
		return err
	}, bar.reach)
	bar.clear()
	if err != nil {
		return err
	}
	switch took := time.Since(begin).Seconds(); {
	case found > 0:
		return fmt.Errorf("%s from a rebuild at position %d (before: as it serves, after: as the log says); till rebuild puts them right", rowsDiffer(found), at)
	case c.JSON:
	case c.Verify:
		fmt.Fprintf(t.out, "The views are what the log says: compared with a rebuild at position %d, %.1f s.\n", at, took)
	default:
		fmt.Fprintf(t.out, "The views are built anew from the log up to position %d and in use, %.1f s.\n", at, took)
	}
	return nil
}

// bar draws how far something is whose length is told on the way.
type bar struct {
	draw func(total int) *progressbar.ProgressBar
	now  *progressbar.ProgressBar
}

func newBar(to interface{ Write([]byte) (int, error) }, what string) *bar {
	return &bar{draw: func(total int) *progressbar.ProgressBar { return progress(to, total, what) }}
}

func (b *bar) reach(done, total int) {
	if b.now == nil {
		b.now = b.draw(total)
	}
	if b.now.GetMax() != total {
		b.now.ChangeMax(total)
	}
	_ = b.now.Set(done) // only how it looks
}

func (b *bar) clear() {
	if b.now != nil {
		_ = b.now.Clear()
	}
}
