package tests

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// disk is a file system in memory that knows what a loss of power would leave
// of it: what was written and not synced is forgotten. It can also be full,
// read-only, or fail to sync.
type disk struct {
	// journal: syncing a file also makes all names safe, as on ext4, XFS and
	// Btrfs. Without it a name is safe once its folder was synced, which is all
	// that POSIX promises.
	journal bool

	mu    sync.Mutex
	nodes map[uint64]*node
	root  *node
	last  uint64 // inode number
	used  int64
	syncs int

	room     int64 // how much may be used; 0 is without end
	quota    bool  // the room does not show before it is used up
	readOnly bool
	badSync  bool
}

// node is a file or a folder.
type node struct {
	ino  uint64
	mode uint32
	made time.Time // of the last change

	// A file: what is read, what is safe, and what was done since.
	live, safe []byte
	since      []edit

	// A folder: what is seen in it, and what is safe.
	names, safeNames map[string]*node
}

// edit is a write at an offset, or with nil data a new length.
type edit struct {
	at   int64
	data []byte
}

func newDisk(journal bool) *disk {
	d := &disk{journal: journal, nodes: map[uint64]*node{}}
	d.root = d.add(syscall.S_IFDIR | 0o700)
	return d
}

func (d *disk) add(mode uint32) *node {
	d.last++
	n := &node{ino: d.last, mode: mode, made: time.Now()}
	if n.folder() {
		n.names, n.safeNames = map[string]*node{}, map[string]*node{}
	}
	d.nodes[n.ino] = n
	return n
}

func (n *node) folder() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

func (c edit) apply(to []byte) []byte {
	end := c.at + int64(len(c.data))
	if int64(len(to)) < end {
		to = append(to, make([]byte, end-int64(len(to)))...)
	}
	if c.data == nil {
		return to[:c.at]
	}
	copy(to[c.at:], c.data)
	return to
}

// write changes a file; forced, it is safe at once (O_SYNC).
func (d *disk) write(n *node, c edit, forced bool) syscall.Errno {
	grown := int64(len(n.live))
	if d.readOnly {
		return syscall.EROFS
	}
	more := c.at + int64(len(c.data)) - grown
	if d.room > 0 && more > 0 && d.used+more > d.room {
		return syscall.ENOSPC
	}
	n.live = c.apply(n.live)
	n.since = append(n.since, c)
	n.made = time.Now()
	d.used += int64(len(n.live)) - grown
	if forced {
		return d.sync(n)
	}
	return 0
}

// sync makes a file's content safe, or a folder's names. When it fails, what
// could not be written counts as written all the same, as on Linux: it is read
// back, and the next sync knows nothing of it.
func (d *disk) sync(n *node) syscall.Errno {
	d.syncs++
	if d.badSync {
		n.since = nil
		return syscall.EIO
	}
	for _, c := range n.since {
		n.safe = c.apply(n.safe)
	}
	n.since = nil
	switch {
	case n.folder():
		n.safeNames = maps.Clone(n.names)
	case d.journal:
		for _, f := range d.nodes {
			if f.folder() {
				f.safeNames = maps.Clone(f.names)
			}
		}
	}
	return 0
}

// find is the file or folder at the path.
func (d *disk) find(path string) *node {
	n := d.root
	for name := range strings.SplitSeq(path, "/") {
		n = n.names[name]
	}
	return n
}

// afterPowerLoss is the disk as it is found when the power comes back. Of what
// was not synced nothing is left, or, given a die, what the die says: each write
// whole, in part or not at all, each name as it was or as it became.
func (d *disk) afterPowerLoss(die *rand.Rand) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := newDisk(d.journal)
	copied := map[*node]*node{}
	var keep func(n, to *node)
	keep = func(n, to *node) {
		names := maps.Clone(n.safeNames)
		if die != nil {
			both := maps.Clone(n.names)
			maps.Copy(both, n.safeNames)
			for _, name := range slices.Sorted(maps.Keys(both)) {
				if now := n.names[name]; now != n.safeNames[name] && die.IntN(2) == 0 {
					if delete(names, name); now != nil {
						names[name] = now
					}
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			child := names[name]
			if copied[child] == nil {
				again := found.add(child.mode)
				again.made, copied[child] = child.made, again
				if child.folder() {
					keep(child, again)
				} else {
					again.live = child.found(die)
					again.safe = slices.Clone(again.live)
					found.used += int64(len(again.live))
				}
			}
			to.names[name] = copied[child]
		}
		to.safeNames = maps.Clone(to.names)
	}
	keep(d.root, found.root)
	return found
}

// found is what a file holds after a loss of power.
func (n *node) found(die *rand.Rand) []byte {
	data := slices.Clone(n.safe)
	if die == nil {
		return data
	}
	for _, c := range n.since {
		switch die.IntN(3) {
		case 0:
			data = c.apply(data)
		case 1: // a part of it, the rest as zeros or not at all
			if len(c.data) > 0 {
				c.data = c.data[:die.IntN(len(c.data))]
				data = c.apply(data)
			}
		}
	}
	return data
}
