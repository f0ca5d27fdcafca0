package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"till/domain/eventlog"
)

// markName is the file in which the folder notes which log is its own and how
// far it reached. JetStream forgets that: when its index is lost or old, the
// last block cut short or the whole log another one, it takes what it finds for
// all there is.
const markName = "log.mark"

// logMark is what is noted. It lags behind the log a little and is never ahead
// of what was stored for good.
type logMark struct {
	Epoch string            `json:"epoch"`
	End   eventlog.Position `json:"end"`
	// Event is a hash of the event at the end.
	Event string `json:"event"`
}

// ErrOtherLog: the log in the folder is not the one that its shop wrote.
var ErrOtherLog = errors.New("is not the one that this shop wrote")

// readMark returns the folder's mark, or an empty one.
func (f *Folder) readMark() (logMark, error) {
	var m logMark
	data, err := os.ReadFile(f.File(markName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return m, unusable(f.path, err)
	}
	if err := json.Unmarshal(data, &m); err != nil || m.Epoch == "" {
		return m, fmt.Errorf("%w: %s cannot be read; restore the data folder from a backup, or remove that file if the log is known to be whole", eventlog.ErrDamaged, f.File(markName))
	}
	return m, nil
}

// check holds a log against what was noted of it.
func (m logMark) check(ctx context.Context, log eventlog.Log, f *Folder) error {
	if m.Epoch == "" || m.End == 0 {
		return nil
	}
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	if head < m.End {
		gap := &eventlog.Gap{Where: "the log", From: uint64(head) + 1, To: uint64(m.End)}
		return fmt.Errorf("%w; to go on without them remove %s", gap, f.File(markName))
	}
	e, err := log.Get(ctx, m.End)
	if err != nil {
		return err
	}
	if fingerprint(&e) != m.Event {
		return fmt.Errorf("%w: %s %w: another event stands at position %d; restore the data folder from a backup",
			eventlog.ErrDamaged, f.NATSDir(), ErrOtherLog, m.End)
	}
	return nil
}

func fingerprint(e *eventlog.Envelope) string {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(e) // a hash takes everything
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// markEvery is how often a log that grows is noted.
const markEvery = time.Second

// keepMark notes how far the log reaches until stop is called, and then once
// more. What goes wrong is no reason to stop: the older mark stands.
func (a *App) keepMark() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(markEvery)
		defer tick.Stop()
		for last := eventlog.Position(0); ; {
			ending := false
			select {
			case <-tick.C:
			case <-ctx.Done():
				ending = true
			}
			if at, err := a.noteMark(last); err == nil {
				last = at
			} else if !errors.Is(err, eventlog.ErrUnavailable) {
				a.opt.Logger.Warn("the end of the log cannot be noted", "because", err)
			}
			if ending {
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// noteMark notes the log's end if it is not the last one noted.
func (a *App) noteMark(last eventlog.Position) (eventlog.Position, error) {
	if err := a.nats.Down(); err != nil {
		return last, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), markEvery)
	defer cancel()
	head, err := a.log.Head(ctx)
	if err != nil || head == last {
		return last, err
	}
	e, err := a.log.Get(ctx, head)
	if err != nil {
		return last, err
	}
	data, err := json.Marshal(logMark{a.log.Epoch(), head, fingerprint(&e)})
	if err != nil {
		return last, err
	}
	return head, writeFile(a.folder.File(markName), append(data, '\n'))
}
