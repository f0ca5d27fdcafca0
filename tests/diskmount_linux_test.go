package tests

import (
	"bytes"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// needDisk skips a test that mounts a disk of our own unless it is asked for. This
// process serves the file system that it uses; beside all other tests that once
// held it for good, so these run by themselves.
func needDisk(t *testing.T) {
	t.Helper()
	if os.Getenv("TILL_REQUIRE_FUSE") == "" {
		t.Skip("SKIPPED: LOSSES OF POWER AND AILING DISKS ARE NOT TRIED. They need Linux, root and /dev/fuse, and run by themselves with TILL_REQUIRE_FUSE=1, as in .ci/run.")
	}
	if os.Getuid() != 0 {
		t.Fatal("TILL_REQUIRE_FUSE is set, but only root can mount a file system of our own")
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("TILL_REQUIRE_FUSE is set, but no file system of our own can be mounted: %v", err)
	}
	_ = f.Close()
}

// mount mounts the disk on the folder; unmount may be called twice.
func mount(t *testing.T, d *disk, dir string) (unmount func()) {
	t.Helper()
	server, err := fuse.NewServer(&mounted{fuse.NewDefaultRawFileSystem(), d}, dir, &fuse.MountOptions{
		FsName: "till-test", Name: "till-test", DirectMountStrict: true, DisableXAttrs: true, DisableReadDirPlus: true,
		MaxWrite: 128 << 10, Logger: log.New(io.Discard, "", 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		t.Fatal(err)
	}
	done := false
	unmount = func() {
		if !done {
			done = true
			if err := server.Unmount(); err != nil {
				_ = syscall.Unmount(dir, syscall.MNT_DETACH)
				t.Errorf("a file of the lost disk is still open: %v", err)
			}
		}
	}
	t.Cleanup(unmount)
	return unmount
}

// mounted serves a disk to the kernel.
type mounted struct {
	fuse.RawFileSystem
	d *disk
}

func (m *mounted) String() string { return "till-test" }

// in finds a folder, under the lock, and refuses changes to a read-only disk.
func (m *mounted) in(ino uint64, change bool) (*node, fuse.Status) {
	n := m.d.nodes[ino]
	switch {
	case n == nil:
		return nil, fuse.ENOENT
	case change && m.d.readOnly:
		return nil, fuse.EROFS
	}
	return n, fuse.OK
}

func (n *node) attr(out *fuse.Attr) {
	out.Ino, out.Mode, out.Size, out.Nlink = n.ino, n.mode, uint64(len(n.live)), 1
	out.Blocks, out.Blksize = (out.Size+511)/512, 4096
	out.SetTimes(&n.made, &n.made, &n.made)
}

func (n *node) entry(out *fuse.EntryOut) {
	out.NodeId = n.ino
	n.attr(&out.Attr)
}

func (m *mounted) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(h.NodeId, false)
	if status != fuse.OK {
		return status
	}
	child := n.names[name]
	if child == nil {
		return fuse.ENOENT
	}
	child.entry(out)
	return fuse.OK
}

func (m *mounted) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, false)
	if status == fuse.OK {
		n.attr(&out.Attr)
	}
	return status
}

func (m *mounted) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, true)
	if status != fuse.OK {
		return status
	}
	if size, ok := in.GetSize(); ok {
		if no := m.d.write(n, edit{at: int64(size)}, false); no != 0 {
			return fuse.Status(no)
		}
	}
	if mode, ok := in.GetMode(); ok {
		n.mode = n.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	n.attr(&out.Attr)
	return fuse.OK
}

// put makes a file or folder.
func (m *mounted) put(ino uint64, mode uint32, name string, out *fuse.EntryOut) fuse.Status {
	n, status := m.in(ino, true)
	if status != fuse.OK {
		return status
	}
	if m.d.room > 0 && m.d.used >= m.d.room {
		return fuse.Status(syscall.ENOSPC)
	}
	child := m.d.add(mode)
	n.names[name], n.made = child, child.made
	child.entry(out)
	return fuse.OK
}

func (m *mounted) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	return m.put(in.NodeId, syscall.S_IFDIR|in.Mode, name, out)
}

func (m *mounted) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	return m.put(in.NodeId, syscall.S_IFREG|in.Mode&^syscall.S_IFMT, name, &out.EntryOut)
}

func (m *mounted) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	return m.put(in.NodeId, in.Mode, name, out)
}

func (m *mounted) remove(ino uint64, name string) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(ino, true)
	if status != fuse.OK {
		return status
	}
	child := n.names[name]
	switch {
	case child == nil:
		return fuse.ENOENT
	case len(child.names) > 0:
		return fuse.Status(syscall.ENOTEMPTY)
	}
	m.d.free(n, name)
	return fuse.OK
}

// free takes a name away. The node stays: whoever has it open still reads it.
func (d *disk) free(n *node, name string) {
	d.used -= int64(len(n.names[name].live))
	delete(n.names, name)
	n.made = n.made.Add(1)
}

func (m *mounted) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return m.remove(h.NodeId, name)
}

func (m *mounted) Rmdir(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return m.remove(h.NodeId, name)
}

func (m *mounted) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, true)
	into, status2 := m.in(in.Newdir, true)
	switch {
	case status != fuse.OK:
		return status
	case status2 != fuse.OK:
		return status2
	case in.Flags != 0:
		return fuse.Status(syscall.EINVAL)
	}
	child := n.names[from]
	if child == nil {
		return fuse.ENOENT
	}
	if into.names[to] != nil {
		m.d.free(into, to)
	}
	delete(n.names, from)
	into.names[to] = child
	n.made, into.made = n.made.Add(1), into.made.Add(1)
	return fuse.OK
}

func (m *mounted) Open(_ <-chan struct{}, in *fuse.OpenIn, _ *fuse.OpenOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, in.Flags&syscall.O_ACCMODE != syscall.O_RDONLY)
	if status == fuse.OK && in.Flags&syscall.O_TRUNC != 0 {
		status = fuse.Status(m.d.write(n, edit{}, false))
	}
	return status
}

func (m *mounted) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, false)
	if status != fuse.OK || int(in.Offset) >= len(n.live) {
		return fuse.ReadResultData(nil), status
	}
	return fuse.ReadResultData(buf[:copy(buf, n.live[in.Offset:])]), fuse.OK
}

func (m *mounted) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, true)
	if status == fuse.OK {
		forced := in.Flags&(syscall.O_SYNC|syscall.O_DSYNC) != 0
		status = fuse.Status(m.d.write(n, edit{int64(in.Offset), bytes.Clone(data)}, forced))
	}
	return uint32(len(data)), status
}

func (m *mounted) Writev(cancel <-chan struct{}, in *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	return m.Write(cancel, in, bytes.Join(data, nil))
}

func (m *mounted) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, false)
	if status == fuse.OK {
		status = fuse.Status(m.d.sync(n))
	}
	return status
}

func (m *mounted) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return m.Fsync(cancel, in)
}

// Flush is not spoken, which the kernel remembers: a close must not wait for this
// process, which may be the one that closes, because it is killed or because it
// starts another.
func (m *mounted) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }

func (m *mounted) Release(<-chan struct{}, *fuse.ReleaseIn) {}

func (m *mounted) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.OK }

func (m *mounted) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	n, status := m.in(in.NodeId, false)
	if status != fuse.OK {
		return status
	}
	names := slices.Sorted(maps.Keys(n.names))
	for i := int(in.Offset); i < len(names); i++ {
		child := n.names[names[i]]
		if !out.AddDirEntry(fuse.DirEntry{Name: names[i], Ino: child.ino, Mode: child.mode, Off: uint64(i + 1)}) {
			break
		}
	}
	return fuse.OK
}

func (m *mounted) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	out.Bsize, out.NameLen = 4096, 255
	out.Blocks = 1 << 30
	if m.d.room > 0 && !m.d.quota {
		out.Blocks = uint64(m.d.room) / 4096
	}
	out.Bfree = out.Blocks - min(out.Blocks, uint64(m.d.used)/4096)
	out.Bavail = out.Bfree
	return fuse.OK
}
