package cmd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"till/domain/eventlog"
	"till/domain/eventlog/archive"
	"till/domain/eventlog/jslog"
)

// fillLog makes the log and what lies beside it of an archive. Not every event is
// synced to the disk but all of them in the end: before that the folder is no
// shop anyway.
func fillLog(ctx context.Context, t terminal, folder *Folder, file io.ReadSeeker, head archive.Head) error {
	nats, err := StartNATS(ctx, NATSOptions{Dir: folder.NATSDir(), SyncInterval: time.Minute})
	if err != nil {
		return err
	}
	err = fillServer(ctx, t, nats, folder, file, head)
	nats.Stop()
	if err != nil {
		return err
	}
	return syncTree(folder.NATSDir())
}

func fillServer(ctx context.Context, t terminal, nats *NATS, folder *Folder, file io.ReadSeeker, head archive.Head) error {
	conn, err := jslog.ConnectInProcess(ctx, nats)
	if err != nil {
		return err
	}
	defer conn.Close()
	log, err := jslog.Open(ctx, conn, jslog.Options{Epoch: head.Epoch})
	if err != nil {
		return err
	}
	buckets, err := openBuckets(ctx, log)
	if err != nil {
		return err
	}
	var reactors []jslog.Reached
	place := func(e archive.Entry) error {
		if b := buckets[e.In]; b != nil {
			return b.Put(ctx, e.Key, e.Value)
		}
		if e.In == reactorsIn {
			r, err := readReactor(e, head.Events)
			reactors = append(reactors, r)
			return err
		}
		if e.Key == secretName {
			return nil // it has its own way
		}
		return writeFile(folder.File(e.Key), e.Value)
	}
	bar := bars{t: t, what: "events written"}
	defer bar.end()
	err = log.Fill(ctx, func(yield func(eventlog.Envelope, error) bool) {
		var again archive.Head
		err := each(ctx, file, &again, nil, place, func(e eventlog.Envelope) error {
			if e.Position%1000 == 0 || e.Position == head.Events {
				bar.show(int(e.Position), int(head.Events))
			}
			if !yield(e, nil) {
				return errStopped
			}
			return nil
		})
		if err == nil && again != head {
			err = errors.New("the file changed while it was read")
		}
		if err != nil && err != errStopped {
			yield(eventlog.Envelope{}, err)
		}
	})
	for _, r := range reactors { // not before the events are there
		if err == nil {
			err = log.Begin(ctx, r)
		}
	}
	return err
}

// errStopped ends a walk whose taker wants no more.
var errStopped = errors.New("stopped")

// syncTree makes all files of a folder outlive a loss of power.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return syncDir(path)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		err = f.Sync()
		if closed := f.Close(); err == nil {
			err = closed
		}
		return err
	})
}
