package cmd

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"till/domain/eventlog"
	"till/domain/eventlog/archive"
)

// archiving says what is to be written: the log alone, or a backup.
type archiving struct {
	Backup     bool `json:"backup,omitempty"`
	WithSecret bool `json:"with_secret,omitempty"`
}

// askArchive hands out an archive in pieces.
var askArchive = question[archiving, []byte]{"archive", (*App).archive}

// filesIn is where an archive has the files of the data folder.
const filesIn = "file"

// reactorsIn is where a backup has how far the reactors have come: else a
// restored shop would do once more what its whole history once led to.
const reactorsIn = "reactor"

// archived are the files that belong into a backup, beside the secret.
var archived = []string{demoName, loadingName}

func (a *App) archive(ctx context.Context, q archiving, out reply[[]byte]) error {
	// What the views found wrong with the log is wrong with an archive of it.
	if err := a.views.Check(); err != nil {
		return err
	}
	to := bufio.NewWriterSize(pieces(out.item), 64<<10)
	w, head, err := a.beginArchive(ctx, q, to)
	if err != nil {
		return err
	}
	if head > 0 {
		for batch, err := range a.log.Follow(ctx, 0, 1000) {
			if err != nil {
				return err
			}
			for _, e := range batch {
				if e.Position > head {
					break
				}
				if err := w.Event(e); err != nil {
					return err
				}
			}
			last := min(batch[len(batch)-1].Position, head)
			if err := out.progress(int(last), int(head)); err != nil {
				return err
			}
			if last == head {
				break
			}
		}
	}
	if err := errors.Join(w.Close(), to.Flush()); err != nil {
		return err
	}
	return a.views.Check()
}

// pieces hands out what is written to it.
type pieces func([]byte) error

func (p pieces) Write(data []byte) (int, error) {
	if err := p(data); err != nil {
		return 0, err
	}
	return len(data), nil
}

// beginArchive writes what comes before the events, of which there are head.
//
// The log is never changed, so its first events can be read at any time. What
// lies beside it is read after its end is known, so that every account, key and
// charge that the log speaks of is there; and until it is read nothing of it may
// be destroyed, or the hash of a password that is changed meanwhile would be
// missing although it still counts at that end.
func (a *App) beginArchive(ctx context.Context, q archiving, to *bufio.Writer) (*archive.Writer, eventlog.Position, error) {
	h := archive.Head{Kind: archive.Log, Epoch: a.log.Epoch()}
	var err error
	if !q.Backup {
		if h.Events, err = a.log.Head(ctx); err != nil {
			return nil, 0, err
		}
		w, err := archive.NewWriter(to, h, knows(a.types))
		return w, h.Events, err
	}
	secret, err := a.folder.Secret()
	if err != nil {
		return nil, 0, err
	}
	defer a.authz.Accounts().Hold()()
	// Before the end is known: what a reactor is done with had its effect by then.
	reactors, err := a.log.Reached(ctx)
	if err != nil {
		return nil, 0, err
	}
	if h.Events, err = a.log.Head(ctx); err != nil {
		return nil, 0, err
	}
	h.Kind, h.Made, h.Check = archive.Backup, time.Now().UTC().Truncate(time.Second), secretCheck(secret)
	w, err := archive.NewWriter(to, h, knows(a.types))
	if err != nil {
		return nil, 0, err
	}
	for _, name := range slices.Sorted(maps.Keys(a.buckets)) {
		if err := archiveBucket(ctx, w, name, a.buckets[name]); err != nil {
			return nil, 0, err
		}
	}
	for _, r := range reactors {
		if err := w.Entry(archive.Entry{In: reactorsIn, Key: r.Name + "/" + r.Topic, Value: fmt.Append(nil, r.At)}); err != nil {
			return nil, 0, err
		}
	}
	for _, name := range archived {
		data, err := os.ReadFile(a.folder.File(name))
		if err == nil {
			err = w.Entry(archive.Entry{In: filesIn, Key: name, Value: data})
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
	}
	if q.WithSecret {
		if err := w.Entry(archive.Entry{In: filesIn, Key: secretName, Value: secret}); err != nil {
			return nil, 0, err
		}
	}
	return w, h.Events, nil
}

func archiveBucket(ctx context.Context, w *archive.Writer, name string, b eventlog.Bucket) error {
	keys, err := b.Keys(ctx)
	if err != nil {
		return err
	}
	slices.Sort(keys)
	for _, key := range keys {
		value, _, err := b.Get(ctx, key)
		if errors.Is(err, eventlog.ErrNoKey) {
			continue // it has just expired
		}
		if err == nil {
			err = w.Entry(archive.Entry{In: name, Key: key, Value: value})
		}
		if err != nil {
			return fmt.Errorf("the bucket %s: %w", name, err)
		}
	}
	return nil
}

// secretCheck is by what a backup knows its shop's secret again.
func secretCheck(secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("till backup v1"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
