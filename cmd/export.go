package cmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/schollz/progressbar/v3"
)

type exportCmd struct {
	dataFlag
	File string `arg:"" optional:"" default:"-" help:"The file to make; - writes to standard output."`
}

// Help is shown by till export --help.
func (exportCmd) Help() string {
	return "JSON Lines: one event a line as it stands on the log, between a line that says what follows and one with a checksum. " +
		"It is the log alone: people's names stand in it sealed, and neither their keys nor their passwords nor the shop's secret go with it, " +
		"so a shop made of it with till import shows every name as erased and nobody logs in to an old account. To keep or move a whole shop use till backup."
}

func (c exportCmd) Run(ctx context.Context, t terminal) error {
	if c.File == "-" {
		shop, err := reach(ctx, c.dataFlag)
		if err != nil {
			return err
		}
		defer shop.close()
		return fetch(ctx, t, shop, archiving{}, t.out)
	}
	kept, err := keepArchive(ctx, t, c.dataFlag, c.File, archiving{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s holds %d %s.\n", c.File, kept.head.Events, plural(int(kept.head.Events), "event"))
	return err
}

type backupCmd struct {
	dataFlag
	File       string `arg:"" help:"The file to make."`
	WithSecret bool   `help:"Put the shop's secret into the file too. Whoever has the file can then act as anybody."`
}

// Help is shown by till backup --help.
func (backupCmd) Help() string {
	return "One file with all that makes the shop, as it was at one moment: the log, people's keys, password hashes and passkeys, pending registrations, the test payments. " +
		"The shop may be running. Without --with-secret the file is worth nothing without the shop's secret.key (or TILL_SECRET), which should be kept elsewhere."
}

func (c backupCmd) Run(ctx context.Context, t terminal) error {
	kept, err := keepArchive(ctx, t, c.dataFlag, c.File, archiving{Backup: true, WithSecret: c.WithSecret})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s holds the shop as it was at position %d, %s.\n", c.File, kept.head.Events, kept.head.Made.Format(time.RFC3339))
	if kept.secret != nil {
		_, err = fmt.Fprintln(t.out, "The shop's secret is in it: whoever has the file can act as anybody.")
	} else {
		_, err = fmt.Fprintln(t.out, "The shop's secret is not in it: keep secret.key from the data folder (or what TILL_SECRET holds) elsewhere, a restore needs it.")
	}
	return err
}

// fetch writes an archive of the shop.
func fetch(ctx context.Context, t terminal, shop control, q archiving, to io.Writer) error {
	bar := bars{t: t, what: "events"}
	defer bar.end()
	return askArchive.ask(ctx, shop, q, func(piece []byte) error {
		_, err := to.Write(piece)
		return err
	}, bar.show)
}

// keepArchive makes a file of the shop: compressed for a backup, and read back
// before it gets its name.
func keepArchive(ctx context.Context, t terminal, data dataFlag, path string, q archiving) (contents, error) {
	file, err := createNew(path)
	if err != nil {
		return contents{}, err
	}
	defer file.drop()
	shop, err := reach(ctx, data)
	if err != nil {
		return contents{}, err
	}
	defer shop.close()
	to, finish := io.Writer(file), func() error { return nil }
	if q.Backup {
		z, err := zstd.NewWriter(file, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return contents{}, err
		}
		to, finish = z, z.Close
	}
	if err := fetch(ctx, t, shop, q, to); err != nil {
		return contents{}, fmt.Errorf("%w; %s was not made", err, path)
	}
	if err := finish(); err != nil {
		return contents{}, fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	bar := bars{t: t, what: "events read back"}
	kept, err := examine(ctx, file, nil, bar.show)
	bar.end()
	if err != nil {
		return kept, fmt.Errorf("what was written cannot be read back: %w; %s was not made", err, path)
	}
	return kept, file.keep()
}

// bars is a progress bar that begins with the first progress.
type bars struct {
	t    terminal
	what string
	bar  *progressbar.ProgressBar
}

func (b *bars) show(done, total int) {
	if b.bar == nil {
		b.bar = progress(b.t.err, total, b.what)
	}
	_ = b.bar.Set(done) // a bar that cannot be drawn is no reason to stop
}

func (b *bars) end() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
