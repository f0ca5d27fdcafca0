package projections

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"till/domain/eventlog"
)

// A part of a chunk is packed as one group for each hash, in order: how far the
// hash lies from the one before (without the place's bits), how many places
// there are, and how far each lies from the one before. At the end stands a
// checksum over this and over which part of which chunk it is: SQLite checks how
// its pages hang together, but not what stands in a blob.

// pack packs sorted entries of one part.
func pack(part, number uint64, entries []uint64) []byte {
	out := make([]byte, 0, 8*len(entries)+4)
	for i, last := 0, uint64(0); i < len(entries); {
		hash := entries[i] >> chunkBits
		end := i + 1
		for end < len(entries) && entries[end]>>chunkBits == hash {
			end++
		}
		out = binary.AppendUvarint(out, hash-last)
		out = binary.AppendUvarint(out, uint64(end-i))
		for place := uint64(0); i < end; i++ {
			out = binary.AppendUvarint(out, entries[i]&placeMask-place)
			place = entries[i] & placeMask
		}
		last = hash
	}
	return binary.BigEndian.AppendUint32(out, sumOf(part, number, out))
}

func sumOf(part, number uint64, packed []byte) uint32 {
	head := binary.BigEndian.AppendUint64(nil, uint64(rowOf(part, number)))
	return crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, packed)
}

// errPacked: a part of the trail is not what was written.
var errPacked = errors.New("projections: a row of the trail is damaged")

// unpack adds the positions of the hash to those found.
func unpack(part, number uint64, packed []byte, hash uint64, found []eventlog.Position) ([]eventlog.Position, error) {
	n := len(packed) - 4
	if n < 0 || binary.BigEndian.Uint32(packed[n:]) != sumOf(part, number, packed[:n]) {
		return found, errPacked
	}
	packed = packed[:n]
	next := func() (v uint64) {
		v, n := binary.Uvarint(packed)
		packed = packed[max(n, 0):]
		return v
	}
	wanted := hash >> chunkBits
	for at := uint64(0); len(packed) > 0; {
		at += next()
		count := next()
		if at > wanted {
			break
		}
		for place := uint64(0); count > 0 && len(packed) > 0; count-- {
			place += next()
			if at == wanted {
				found = append(found, eventlog.Position(number<<chunkBits|place)+1)
			}
		}
	}
	return found, nil
}
