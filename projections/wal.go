package projections

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The write-ahead log of SQLite, as its file format describes it: a header of
// 32 bytes, then frames of 24 bytes and a page, each with a running checksum.
const (
	walHeader = 32
	walFrame  = 24
	walMagic  = 0x377f0682 // the last bit says big-endian
)

// examineWAL says what is wrong with the write-ahead log of a file that was not
// closed properly. SQLite takes a frame that does not fit for the end of its
// log, which is right after a crash; but when something else has changed that
// log, pages that had been copied already may stand beside older ones, and
// nothing in the file shows it.
func examineWAL(path string) (why string, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "what was written last is gone", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	header := make([]byte, walHeader)
	if _, err := io.ReadFull(f, header); err != nil {
		return "what was written last is cut short", nil
	}
	order, ok := walOrder(header)
	size := int(binary.BigEndian.Uint32(header[8:]))
	sum := walSum{order: order}
	if !ok || size < 512 || size > 65536 || size&(size-1) != 0 || !sum.add(header[:24]).is(header[24:]) {
		return "what was written last cannot be read", nil
	}
	frame := make([]byte, walFrame+size)
	for ended := false; ; {
		_, err := io.ReadFull(f, frame)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		ours := string(frame[8:16]) == string(header[16:24])
		switch {
		case ended && ours:
			return "what was written last is damaged in its middle", nil
		case !ended:
			ended = !ours || !sum.add(frame[:8]).add(frame[walFrame:]).is(frame[16:24])
		}
	}
}

func walOrder(header []byte) (binary.ByteOrder, bool) {
	switch binary.BigEndian.Uint32(header) {
	case walMagic:
		return binary.LittleEndian, true
	case walMagic | 1:
		return binary.BigEndian, true
	}
	return binary.BigEndian, false
}

// walSum is the running checksum.
type walSum struct {
	order binary.ByteOrder
	a, b  uint32
}

func (s *walSum) add(p []byte) *walSum {
	for ; len(p) >= 8; p = p[8:] {
		s.a += s.order.Uint32(p) + s.b
		s.b += s.order.Uint32(p[4:]) + s.a
	}
	return s
}

func (s *walSum) is(p []byte) bool {
	return binary.BigEndian.Uint32(p) == s.a && binary.BigEndian.Uint32(p[4:]) == s.b
}

// ahead says whether a row includes more than the whole file claims to: pages of
// two moments stand beside each other.
func (s *store) ahead() (why string, err error) {
	err = s.each(func(v view) error {
		table := v.rowsAt()
		var at uint64
		if table == "" || why != "" {
			return nil
		}
		if _, err := s.writer.row("SELECT coalesce(max(position), 0) FROM "+table, nil, &at); err != nil {
			return err
		}
		if at > uint64(s.position) {
			why = fmt.Sprintf("the file says that it ends at position %d, but %s goes on to %d", s.position, table, at)
		}
		return nil
	})
	return why, err
}
