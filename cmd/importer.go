package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"till/domain/catalog"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/stock"
	"till/projections"
)

// importer brings a catalogue into the shop: all of it is checked before the
// first event, and bringing it again changes nothing.
type importer struct {
	products *decider.Handler[catalog.State, catalog.Command, catalog.Event]
	stocks   *decider.Handler[stock.State, stock.Command, stock.Event]
	views    *projections.Views
	// recount sets the stock of SKUs that the shop knows to the file's count;
	// otherwise only new SKUs are counted, since the shop has sold since.
	recount bool
}

// summary is what an import did.
type summary struct {
	Products  int `json:"products"`
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Counted   int `json:"counted"`
	Kept      int `json:"kept"`
	Skipped   int `json:"skipped"`
	// Uncounted are SKUs whose pieces the file does not count.
	Uncounted int `json:"uncounted"`
}

// abreast is how many products are written at once: the log takes one event at
// a time, but the next is ready when it does.
const abreast = 16

// conflicts are the names of the file that belong to other products of the shop,
// as it stands at the position or later.
func (im *importer) conflicts(ctx context.Context, at eventlog.Position, rows []catalog.Row) (faults []catalog.Fault, err error) {
	err = im.views.Read(ctx, at, func(r *projections.Reader) (failed error) {
		faults = catalog.CheckAgainst(rows, func(name string) (string, bool) {
			known, _, ok, err := r.Product(ctx, name)
			failed = errors.Join(failed, err)
			return known.ID, ok
		})
		return failed
	})
	return faults, err
}

// bring writes the rows, telling progress after each product, and returns when
// the views show them.
func (im *importer) bring(ctx context.Context, rows []catalog.Row, progress func(done int)) (summary, error) {
	var group errgroup.Group
	group.SetLimit(abreast)
	results := make(chan written, abreast)
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(results)
		for _, row := range rows {
			if work.Err() != nil {
				break
			}
			group.Go(func() error {
				w := im.row(work, row)
				results <- w
				return w.err
			})
		}
		_ = group.Wait() // each result carries its own error
	}()

	s := summary{Products: len(rows)}
	var at eventlog.Position
	var failed error
	for w := range results {
		at = max(at, w.at)
		s.Added += w.added
		s.Changed += w.changed
		s.Unchanged += w.unchanged
		s.Counted += w.counted
		s.Kept += w.kept
		if w.err != nil && failed == nil {
			failed = w.err
			cancel()
		}
		progress(s.Added + s.Changed + s.Unchanged)
	}
	if err := errors.Join(failed, ctx.Err()); err != nil {
		return s, fmt.Errorf("the import stopped after %d of %d products (%w); run it again, it goes on where it stopped", s.Added+s.Changed+s.Unchanged, len(rows), err)
	}
	return s, im.views.Wait(ctx, at)
}

// written is what became of one row.
type written struct {
	added, changed, unchanged, counted, kept int

	at  eventlog.Position
	err error
}

// row writes one product: the stock first, so that nobody meets a product that
// is out of stock only because its pieces are not counted yet.
func (im *importer) row(ctx context.Context, row catalog.Row) (w written) {
	meta := eventlog.Meta{
		Command: "import:" + rand.Text(), Actor: eventlog.Actor{Kind: eventlog.Admin},
		Causation: "catalog import", Time: time.Now().UTC(),
	}
	for sku, n := range row.Stock {
		if n == nil {
			continue
		}
		var cmd stock.Command = stock.Open{OnHand: *n}
		if im.recount {
			cmd = stock.Count{OnHand: *n}
		}
		out, err := im.stocks.Do(ctx, sku, cmd, meta)
		if err != nil {
			w.err = fmt.Errorf("line %d, SKU %s: %w", row.Line, sku, err)
			return w
		}
		if out.Changed {
			w.counted++
		} else {
			w.kept++
		}
		w.at = max(w.at, out.Position)
	}
	out, err := im.products.Do(ctx, row.Product.ID, catalog.Offer{Product: row.Product}, meta)
	switch {
	case err != nil:
		w.err = fmt.Errorf("line %d: %w", row.Line, err)
	case !out.Changed:
		w.unchanged++
	case out.Number == 1:
		w.added++
	default:
		w.changed++
	}
	w.at = max(w.at, out.Position)
	return w
}
