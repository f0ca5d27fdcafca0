package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"till/domain/eventlog"
)

// healthEvery is how often the keeper looks at the server and at the room on its
// disk. As a rule the server says first that something is wrong.
const healthEvery = 500 * time.Millisecond

// The pause between two tries to start the server again doubles.
const (
	restartMin = 250 * time.Millisecond
	restartMax = 5 * time.Second
	// restartCalm is how long a server must have run for the pauses to begin
	// anew.
	restartCalm = 30 * time.Second
)

// keep looks after the server until ctx ends.
//
// A JetStream stream that could not write or sync once refuses every later
// write, without an answer: each append would wait for its time to run out, and
// the stream goes on only after a restart. A full disk, a folder that became
// read-only and a failing sync are all of that kind. So the server is stopped at
// once, and started again as soon as the disk takes what is written to it. What
// the server held in memory is given up with it: only the files count.
func (n *NATS) keep(ctx context.Context) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	pause := time.Duration(0)
	for began := time.Now(); ; {
		said := ""
		select {
		case <-ctx.Done():
			return
		case said = <-n.log.trouble:
		case <-tick.C:
		}
		if said == "" {
			said = n.ailment(n.server) // only keep and, after it, Stop change it
		}
		if said == "" {
			n.mind()
			continue
		}
		if time.Since(began) > restartCalm {
			pause = 0
		}
		fell := time.Now()
		n.options.Log.Error("the event log cannot be written and is closed until it can", "because", said)
		n.fall(fmt.Errorf("%w: %s", eventlog.ErrUnavailable, ailing(n.options.Dir, said)))
		for err := errors.New(said); err != nil; {
			pause = min(max(2*pause, restartMin), restartMax)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			if err = n.rise(ctx, fell); err != nil && ctx.Err() == nil {
				n.mu.Lock()
				n.down = err
				n.mu.Unlock()
			}
		}
		began = time.Now()
		select { // what was said meanwhile was said of the old server
		case <-n.log.trouble:
		default:
		}
		n.options.Log.Info("the event log is open again", "after", began.Sub(fell))
	}
}

// mind stops writing, and nothing else, while there is little room on the disk:
// what is left is for the views and the index, so that a disk that fills up
// breaks nothing.
func (n *NATS) mind() {
	free, _, err := diskOf(n.options.Dir)
	known := err == nil // elsewhere a full disk shows when a write fails
	n.mu.Lock()
	defer n.mu.Unlock()
	switch full := known && free < reserve; {
	case full && n.down == nil:
		n.down = fmt.Errorf("%w: %s", eventlog.ErrUnavailable, ailing(n.options.Dir, syscall.ENOSPC.Error()))
		n.options.Log.Error("the event log takes no more until there is room", "free_bytes", free, "needed", reserve)
	case n.down != nil && (!known || free >= reserve+reserve/2):
		n.down = nil
		n.options.Log.Info("the event log takes events again", "free_bytes", free)
	}
}

// fall cuts all connections, so that nobody waits in vain, and stops the server.
func (n *NATS) fall(why error) {
	n.mu.Lock()
	s, conns := n.server, n.conns
	n.server, n.down, n.conns = nil, why, map[*natsConn]bool{}
	clear(n.synced)
	n.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close() // a pipe
	}
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// rise starts the server again if the disk allows it, or says why not.
func (n *NATS) rise(ctx context.Context, fell time.Time) error {
	dir := n.options.Dir
	err := probe(dir)
	if err == nil {
		err = distrust(dir, fell)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", eventlog.ErrUnavailable, ailing(dir, err.Error()))
	}
	s, err := n.boot(ctx)
	switch {
	case errors.Is(err, eventlog.ErrDamaged):
		return err
	case err != nil:
		return fmt.Errorf("%w: %s", eventlog.ErrUnavailable, ailing(dir, err.Error()))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server, n.down = s, nil
	return nil
}

// distrust makes what stands in the files of a server that failed the truth.
//
// After a sync that failed the system takes what it could not write for written
// (on Linux its pages are marked clean): it is still read back, a later sync
// succeeds, and a loss of power takes it all the same. So the blocks that may be
// concerned, those written since shortly before the fall and the newest of each
// stream, are written anew. The index is the server's belief of that moment and
// goes; it is made anew from the blocks.
func distrust(dir string, fell time.Time) error {
	return eachStore(dir, func(store string) error {
		if err := eachRecent(store, fell.Add(-time.Minute), rewrite); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(store, "index.db")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return syncDir(store)
	})
}

// settle syncs what a killed process had written and not yet synced: it is read
// back like everything else, so somebody may be told that it is stored.
func settle(dir string) error {
	return eachStore(dir, func(store string) error { return eachRecent(store, time.Now().Add(time.Hour), syncFile) })
}

// Blocks implements jslog.Keeper.
func (n *NATS) Blocks(stream string) string {
	return filepath.Join(n.options.Dir, "jetstream", "$G", "streams", stream, "msgs")
}

// Stored implements jslog.Keeper: it makes the names of files that the server
// has made for the JetStream stream outlive a loss of power. The server syncs
// what it writes into a block, but never the folder that a new block stands in.
// When nothing was made, which the folder's time tells, this costs a microsecond.
func (n *NATS) Stored(stream string) error {
	store := n.Blocks(stream)
	info, err := os.Stat(store)
	if err == nil {
		n.mu.Lock()
		last, before := n.synced[stream]
		n.mu.Unlock()
		switch {
		case before && last.Equal(info.ModTime()):
			return nil
		case before:
			err = syncDir(store)
		default: // the first time, all that lies above and beside it
			data := filepath.Dir(n.options.Dir)
			err = errors.Join(syncNames(n.options.Dir), syncDir(data))
			_ = syncDir(filepath.Dir(data)) // which may be anybody's
		}
	}
	if err != nil {
		select {
		case n.log.trouble <- err.Error():
		default:
		}
		return fmt.Errorf("%w: %s", eventlog.ErrUnavailable, ailing(n.options.Dir, err.Error()))
	}
	n.mu.Lock()
	n.synced[stream] = info.ModTime()
	n.mu.Unlock()
	return nil
}
