package jslog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"iter"
	"strings"

	"github.com/minio/highwayhash"

	"till/domain/eventlog"
)

// How a server keeps a message in a block file (nats-server 2.2 and later, without
// compression and encryption): length, sequence, time, length of the subject; then
// subject, length of the headers, headers, body; then a HighwayHash, keyed by the
// block, over all but the lengths.
const (
	recordHead = 4 + 8 + 8 + 2
	recordHash = highwayhash.Size64
	withHeader = 1 << 31 // in the record's length
	maxRecord  = 32 << 20
)

// record is a message as it stands in a block, whose buffer it points into.
type record struct {
	sequence              uint64
	subject, header, body []byte
}

// digest makes the checksums of the block's records.
func (b block) digest() hash.Hash64 {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", streamName, b.number))
	digest, err := highwayhash.New64(key[:])
	if err != nil {
		panic(err) // the key is as long as it should be
	}
	return digest
}

// records yields the messages of a block up to the first that is not whole.
func (b block) records(data []byte) iter.Seq[record] {
	digest := b.digest()
	return func(yield func(record) bool) {
		for ok := true; ok; {
			var r record
			if r, data, ok = cut(data, digest); ok {
				ok = yield(r)
			}
		}
	}
}

// cut takes the next record off the data; ok is whether it is whole.
func cut(data []byte, digest hash.Hash64) (r record, rest []byte, ok bool) {
	if len(data) < recordHead+recordHash {
		return r, nil, false
	}
	le := binary.LittleEndian
	length, subject := le.Uint32(data), int(le.Uint16(data[20:]))
	headed := length&withHeader != 0
	length &^= withHeader
	if !headed || length > maxRecord || int(length) > len(data) || int(length) < recordHead+subject+4+recordHash {
		return r, nil, false
	}
	head, text, sum := data[:recordHead], data[recordHead:length-recordHash], data[length-recordHash:length]
	r.sequence, r.subject = le.Uint64(head[4:]), text[:subject]
	header := le.Uint32(text[subject:])
	text = text[subject+4:]
	if uint64(header) > uint64(len(text)) {
		return r, nil, false
	}
	r.header, r.body = text[:header], text[header:]
	digest.Reset()
	for _, part := range [][]byte{head[4:20], r.subject, text} {
		digest.Write(part) // a hash takes everything
	}
	return r, data[length:], bytes.Equal(digest.Sum(nil), sum)
}

// record decodes a message. What it returns holds no piece of the block.
func (d *decoder) record(r record) (eventlog.Envelope, error) {
	var f fields
	if !f.parse(string(r.header)) {
		return eventlog.Envelope{}, eventlog.ErrDamaged
	}
	return d.envelope(string(r.subject), r.sequence, &f, bytes.Clone(r.body))
}

// parse reads a block of headers. It returns false for one that the client library
// may read otherwise.
func (f *fields) parse(text string) bool {
	text, ok := strings.CutPrefix(text, "NATS/1.0\r\n")
	for ok && text != "\r\n" {
		var line, name, value string
		if line, text, ok = strings.Cut(text, "\r\n"); !ok {
			return false
		}
		if name, value, ok = strings.Cut(line, ": "); !ok || value == "" || value[0] == ' ' || value[0] == '\t' || strings.IndexByte(line, '\n') >= 0 {
			return false
		}
		if i, known := fieldOf[name]; known {
			if f[i] != "" {
				return false
			}
			f[i] = value
		}
	}
	return ok
}
