package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"till/domain/eventlog/archive"
)

type restoreCmd struct {
	dataFlag
	File string `arg:"" help:"The file that till backup made."`
}

// Help is shown by till restore --help.
func (restoreCmd) Help() string {
	return "The data folder must be new or empty, but for a secret.key. The whole file is checked before anything is written, and a restore that is cut off leaves no shop. " +
		"A backup without the shop's secret needs the same one: as secret.key in the folder, or in TILL_SECRET."
}

func (c restoreCmd) Run(ctx context.Context, t terminal) error {
	dir, found, err := bringIn(ctx, t, c.dataFlag, c.File, archive.Backup)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "The shop of %s is back in %s, with %d %s and %d %s.\nStart it with: %s serve --data %s\n", found.head.Made.Format(time.RFC3339), dir,
		found.head.Events, plural(int(found.head.Events), "event"), found.entries["people"], plural(found.entries["people"], "name"), program(), dir)
	return err
}

type importLogCmd struct {
	dataFlag
	File string `arg:"" help:"The file that till export made."`
}

// Help is shown by till import --help.
func (importLogCmd) Help() string {
	return "It makes a new shop with a history that till export wrote, down to positions and times. The data folder must be new or empty. " +
		"Names in it are erased, since an export holds no keys. Products come in with till catalog import, a whole shop with till restore."
}

func (c importLogCmd) Run(ctx context.Context, t terminal) error {
	dir, found, err := bringIn(ctx, t, c.dataFlag, c.File, archive.Log)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%d %s imported into %s.\n", found.head.Events, plural(int(found.head.Events), "event"), dir)
	return err
}

// bringIn makes a shop of an archive in a folder that holds none. Nothing is
// written before all of the file has been read and found good.
func bringIn(ctx context.Context, t terminal, data dataFlag, path string, kind archive.Kind) (dir string, found contents, err error) {
	if dir, err = data.dir(); err != nil {
		return dir, found, err
	}
	if err := mayBegin(dir); err != nil {
		return dir, found, err
	}
	file, err := openFile(path)
	if err != nil {
		return dir, found, err
	}
	defer file.Close()
	bar := bars{t: t, what: "events checked"}
	found, err = examine(ctx, file, knows(Types()), bar.show)
	bar.end()
	var secret []byte
	if err == nil {
		secret, err = fitting(dir, found, kind)
	}
	if err != nil {
		return dir, found, fmt.Errorf("%s: %w; nothing was written", path, err)
	}
	folder, err := beginFolder(dir)
	if err != nil {
		return dir, found, err
	}
	if err := fillFolder(ctx, t, folder, file, found, secret); err != nil {
		if secret != nil {
			err = errors.Join(err, os.Remove(folder.File(secretName)))
		}
		return dir, found, errors.Join(fmt.Errorf("%s could not be brought in: %w", path, err), folder.abandon())
	}
	if err := folder.finish(); err != nil {
		return dir, found, errors.Join(err, folder.Close())
	}
	return folder.Path(), found, folder.Close()
}

var (
	errIsBackup = errors.New("this is a backup and not an export; bring it back with till restore")
	errIsLog    = errors.New("this is an export of the log and not a backup; bring it in with till import")
	errNoSecret = errors.New("the backup does not hold the shop's secret, without which nobody's name, password or token is any good: put the shop's secret.key into the data folder, or set TILL_SECRET, and run it again")
	errOther    = errors.New("the secret that is there (secret.key in the data folder, or TILL_SECRET) is not that of this backup")
)

// fitting checks that the archive is of the kind and that the shop's secret is
// there. It returns the secret if it is to be written into the folder.
func fitting(dir string, found contents, kind archive.Kind) ([]byte, error) {
	switch {
	case found.head.Kind != kind && kind == archive.Log:
		return nil, errIsBackup
	case found.head.Kind != kind:
		return nil, errIsLog
	case kind == archive.Log:
		return nil, nil
	}
	var there []byte
	var err error
	if text := os.Getenv("TILL_SECRET"); text != "" {
		there, err = parseSecret(text)
	} else if there, err = os.ReadFile((&Folder{path: dir}).File(secretName)); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	switch {
	case err != nil:
		return nil, err
	case there == nil && found.secret == nil:
		return nil, errNoSecret
	case there == nil:
		return found.secret, nil
	case secretCheck(there) != found.head.Check:
		return nil, errOther
	}
	return nil, nil
}

// fillFolder brings an archive into a folder that is marked as unfinished, and opens
// the shop once, which builds its views: one that does not open is none.
func fillFolder(ctx context.Context, t terminal, folder *Folder, file io.ReadSeeker, found contents, secret []byte) error {
	limitMemory(memoryLimit, openingGCPercent)
	if secret != nil {
		if err := writeFile(folder.File(secretName), secret); err != nil {
			return unusable(folder.Path(), err)
		}
	}
	if err := fillLog(ctx, t, folder, file, found.head); err != nil {
		return err
	}
	if f, ok := t.err.(*os.File); ok && isTerminal(f) {
		fmt.Fprintln(f, "The views are built from the log.") // half a minute for a million events
	}
	shop, err := Open(ctx, Options{Dir: folder.Path(), folder: folder})
	if err != nil {
		return err
	}
	return shop.close()
}
