package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"till/domain/catalog"
)

type catalogCmd struct {
	Import importCmd `cmd:"" help:"Bring a catalogue into the shop: JSON Lines, or Shopify's product CSV export."`
}

type importCmd struct {
	dataFlag
	File     string `arg:"" help:"The file; - reads standard input."`
	Currency string `help:"Currency of a file that names none (ISO 4217)." default:"USD"`
	Recount  bool   `help:"Set the stock of SKUs that the shop knows to the file's count as well, not only that of new ones."`
}

func (c importCmd) Run(ctx context.Context, t terminal) error {
	file := t.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("the file cannot be read: %w", err)
		}
		defer f.Close()
		file = f
	}
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()

	var bar *progressbar.ProgressBar
	s, err := shop.bring(ctx, file, importOptions{filepath.Base(c.File), c.Currency, c.Recount}, func(done, total int) {
		if bar == nil {
			bar = progress(t.err, total, "products")
		}
		_ = bar.Set(done) // a bar that cannot be drawn is no reason to stop
	})
	if bar != nil {
		_ = bar.Finish()
	}
	var bad faulty
	if errors.As(err, &bad) {
		for _, f := range bad {
			fmt.Fprintf(t.err, "%s: %v\n", c.File, f)
		}
		fmt.Fprintf(t.err, "till: nothing was imported; mend the %d %s above and run it again\n", len(bad), plural(len(bad), "fault"))
		return errSaid
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d %s: %d new, %d changed, %d as they were. Stock counted for %d %s",
		s.Products, plural(s.Products, "product"), s.Added, s.Changed, s.Unchanged, s.Counted, plural(s.Counted, "SKU"))
	if s.Kept > 0 {
		fmt.Fprintf(t.out, ", left as it is for %d (--recount sets it)", s.Kept)
	}
	if s.Skipped > 0 {
		fmt.Fprintf(t.out, "; %d not on offer in the file, skipped", s.Skipped)
	}
	if s.Uncounted > 0 {
		fmt.Fprintf(t.out, "; %d %s without a count in the file: what the shop has not counted itself is out of stock", s.Uncounted, plural(s.Uncounted, "SKU"))
	}
	_, err = fmt.Fprintln(t.out, ".")
	return err
}

// faulty are the faults of a file of which nothing was imported.
type faulty []catalog.Fault

func (f faulty) Error() string { return fmt.Sprintf("the file has %d faults", len(f)) }

// bring implements control.
func (a *App) bring(ctx context.Context, file io.Reader, o importOptions, progress func(done, total int)) (summary, error) {
	rows, skipped, faults := catalog.Read(o.Name, file, o.Currency)
	im := importer{products: a.products, stocks: a.checkout.Stocks, views: a.views, recount: o.Recount}
	a.importing.Lock() // not before the file is read, which may come slowly
	defer a.importing.Unlock()
	if len(faults) == 0 {
		// An import that was broken off did not wait for the views.
		head, err := a.log.Head(ctx)
		if err != nil {
			return summary{}, err
		}
		clashes, err := im.conflicts(ctx, head, rows)
		if err != nil {
			return summary{}, err
		}
		faults = clashes
	}
	if len(faults) > 0 {
		return summary{}, faulty(faults)
	}
	s, err := im.bring(ctx, rows, func(done int) { progress(done, len(rows)) })
	s.Skipped = len(skipped)
	for _, row := range rows {
		for _, v := range row.Product.Variants {
			if row.Stock[v.SKU] == nil {
				s.Uncounted++
			}
		}
	}
	return s, err
}

// progress draws a bar for long work, with rate and time left, unless the
// terminal is none.
func progress(to io.Writer, total int, what string) *progressbar.ProgressBar {
	if f, ok := to.(*os.File); !ok || !isTerminal(f) {
		to = io.Discard
	}
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(to), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(what), progressbar.OptionSetDescription(what), progressbar.OptionThrottle(100_000_000),
		progressbar.OptionClearOnFinish())
}

// isTerminal is whether a person sits at the other end. /dev/null is a device
// too, and none.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
